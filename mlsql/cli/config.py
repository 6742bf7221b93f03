"""``mlsql config``: the settings in effect, and where each comes from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import exit_codes
from mlsql.cli.manual import Command
from mlsql.cli.options import with_settings
from mlsql.cli.output import write_lines

if TYPE_CHECKING:
    from mlsql.config.loading import Setting


@click.command(
    cls=Command,
    examples=[
        "mlsql config",
        "mlsql config jobs server.state --config /etc/mlsql.toml",
        "MLSQL_JOBS__TIMEOUT=2h mlsql config jobs.timeout --json",
    ],
    exits=(0, 2, 70),
)
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON array to standard output.")
@with_settings
def config(names: tuple[str, ...], conf: dict[str, str], config: Path | None, *, as_json: bool) -> None:
    """Show the settings in effect, each with its origin: a file, a variable, the command line, or default.

    With a NAME only that setting, or those of that section. The values of secrets are not shown.
    """
    with exit_codes():
        from mlsql.config.loading import settings_with_origins

        found = settings_with_origins(config, overrides=conf)
        for name in names:
            if not any(_is_in(each, name) for each in found):
                raise click.UsageError(f"no setting or section is called '{name}'")
        shown = [each for each in found if not names or any(_is_in(each, name) for name in names)]
        write_lines(_as_json(shown) if as_json else _as_table(shown))


def _is_in(setting: Setting, name: str) -> bool:
    return setting.key == name or setting.key.startswith(f"{name}.")


def _as_json(shown: Sequence[Setting]) -> Iterator[str]:
    told = [{"setting": each.key, "value": _value(each), "origin": each.origin} for each in shown]
    yield json.dumps(told, ensure_ascii=False, indent=2)


def _as_table(shown: Sequence[Setting]) -> Iterator[str]:
    from mlsql.cli.terminal import table_lines, terminal_width

    rows = [(each.key, _text(_value(each)), each.origin) for each in shown]
    yield from table_lines(("setting", "value", "origin"), rows, terminal_width(sys.stdout))


def _value(setting: Setting) -> Any:
    """What may be shown of it."""
    from mlsql.spans import mask_secrets

    value = setting.value
    if setting.secret and value is not None:
        return "***"
    return mask_secrets(str(value)) if isinstance(value, str | Path) else value


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case tuple():
            return ", ".join(value) or "[]"
        case float():
            return f"{value:.15g}"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
