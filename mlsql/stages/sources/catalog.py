"""What there is, as tables: ``load modelParams.`SKLearn` as p``, ``load _mlsql_.`functions` as f``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import UnknownName
from mlsql.grammar.nodes import Word
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages import catalog
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.sources.base import NoOptions, Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.stages.catalog import Listing


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """One of the catalog's listings, as the path asks for it."""

    doc: str
    listing: Callable[[Word, Run], Listing]
    read_options: ClassVar[type[NoOptions]] = NoOptions

    def read(self, run: Run, path: Word, options: NoOptions, /) -> DataFrame:  # noqa: ARG002
        """Its rows, which the driver knows."""
        return self.listing(path, run).frame(run.spark)


def catalog_tables(sources: Registry[Source], algorithms: Registry[Algorithm]) -> Mapping[str, CatalogTable]:
    """The sources that tell what there is, by format."""
    return {
        "modelList": CatalogTable(
            "Every algorithm, and what it can; the path is empty.",
            lambda _, __: catalog.algorithms(algorithms),
        ),
        "modelParams": CatalogTable(
            "The options of an algorithm; of `SKLearn.KMeans` the parameters of that estimator.",
            lambda path, _: catalog.algorithm_options(algorithms, path),
        ),
        "modelExample": CatalogTable(
            "A script that shows an algorithm and runs as it stands.",
            lambda path, _: catalog.algorithm_example(algorithms, path),
        ),
        "_mlsql_": CatalogTable(
            "What `!show` shows: tables, functions, datasources, et, variables, conf, version.",
            lambda path, run: _system_table(path, run, sources, algorithms),
        ),
    }


def _system_table(
    path: Word, run: Run, sources: Registry[Source], algorithms: Registry[Algorithm]
) -> Listing:
    """The listing that ``datasources``, ``datasources/params/csv`` … ask for."""
    kind, _, rest = path.text.strip("/").partition("/params/")
    name = Word(rest, path.span)
    listings: Mapping[str, Callable[[], Listing]] = {
        "tables": lambda: catalog.tables(run, path.span),
        "functions": lambda: catalog.functions(run, path.span),
        "datasources": lambda: catalog.sources(sources),
        "datasources/params/NAME": lambda: catalog.source_options(sources, name),
        "et": lambda: catalog.algorithms(algorithms),
        "et/params/NAME": lambda: catalog.algorithm_options(algorithms, name),
        "variables": lambda: catalog.variables(run),
        "conf": lambda: catalog.settings(run),
        "conf/list": lambda: catalog.settings(run),
        "version": lambda: catalog.versions(run),
    }
    form = f"{kind}/params/NAME" if rest else kind
    if form not in listings:
        raise UnknownName("system table", path.text, listings, span=path.span)
    return listings[form]()
