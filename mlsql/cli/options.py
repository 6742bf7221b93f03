"""Options that several commands take: settings, variables of a script, its dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.config.kinds import DURATION

if TYPE_CHECKING:
    from mlsql.config.settings import Settings


def pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``k=v``, given several times, as a mapping."""
    for value in values:
        if not value.partition("=")[0].strip() or "=" not in value:
            raise click.BadParameter(f"'{value}' is not NAME=VALUE", param=option)
    return {name.strip(): value for name, _, value in (each.partition("=") for each in values)}


def duration(_context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """A duration as settings write it, in seconds."""
    try:
        return None if text is None else DURATION.read(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not {DURATION.expected}", param=option) from error


_SETTINGS = (
    click.option(
        "--conf",
        multiple=True,
        metavar="KEY=VALUE",
        callback=pairs,
        help="A setting, such as bridge.transport=kafka or spark.sql.shuffle.partitions=8; repeatable.",
    ),
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The settings file; by default mlsql.toml of the working folder, when there is one.",
    ),
)

script_variables = click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="A variable of the script, used there as ${NAME}; repeatable.",
)
script_dialect = click.option(
    "--dialect",
    metavar="NAME",
    help="The language of the script: mlsql, or byzer for old ones; by default what the settings say.",
)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives *command* the options ``--conf`` and ``--config``."""
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def settings_of(overrides: Mapping[str, str], *, conf: dict[str, str], config: Path | None) -> Settings:
    """The settings in effect for these options; *overrides* are keys that have an option of their own."""
    from mlsql.config.loading import load_settings

    return load_settings(config, overrides={**conf, **overrides})
