"""What the parameters of a network may say; each network declares its own, all of them in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import SCRIPT, SCRIPT_NAME
from mlsql.errors import InvalidOption, MissingOption, ScriptError, ScriptErrors, UnknownOption
from mlsql.options import (
    BOOLEAN,
    TEXT,
    Kind,
    OptionText,
    declared_options,
    integer,
    number,
    one_of,
    option,
    read_options,
)

OptionsT = TypeVar("OptionsT", bound="FitOptions")

OUTDATED = ("featureSize", "labelSize", "gpuPercent", "print_interval", "inputCol", "labelCol", "label")
"""Parameters of old scripts that say nothing any more: the table tells, or Keras does."""
LARGEST_SEED = 2**31 - 1


def _read_sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.strip().removeprefix("[").removesuffix("]").split(","))
    if min(sizes) < 1:
        raise ValueError(text)
    return sizes


def _read_positive(text: str) -> float:
    value = number().read(text)
    if value <= 0:
        raise ValueError(text)
    return value


SIZES: Kind[tuple[int, ...]] = Kind("whole numbers from 1 on with commas between them", _read_sizes)
POSITIVE: Kind[float] = Kind("a number of more than 0", _read_positive)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How any network is fitted."""

    epochs: int = option("epochs", integer(1), "How often the rows are gone through.", default=10)
    batch: int = option("batchSize", integer(1), "Rows of one step.", default=32)
    rate: float = option("learningRate", POSITIVE, "How far a step goes.", default=0.001)
    optimizer: str = option(
        "optimizer",
        one_of("adam", "adamw", "nadam", "rmsprop", "sgd", "adagrad"),
        "How the steps are found.",
        default="adam",
    )
    validation: float = option(
        "validationSplit",
        number(0, 0.9),
        "Share of the rows that are held out to watch the loss.",
        default=0.0,
    )
    patience: int | None = option(
        "earlyStopping",
        integer(1),
        "End after so many epochs without a smaller loss, with the weights of the best.",
        default=None,
    )
    scale: bool = option(
        "scale", BOOLEAN, "Bring each feature to mean 0 and deviation 1 within the model.", default=False
    )
    seed: int = option("seed", integer(0, LARGEST_SEED), "Another seed gives another model.", default=42)

    def faults(self) -> Iterator[OptionFault]:
        """What cannot be asked for together."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions(FitOptions):
    """A network of layers in which each unit sees all of the layer before."""

    layers: tuple[int, ...] = option("layerGroup", SIZES, "Units of each hidden layer.", default=(300,))
    dropout: float = option(
        "dropout", number(0, 0.95), "Share of the units that a step leaves out.", default=0.0
    )
    scale: bool = option(
        "scale", BOOLEAN, "Bring each feature to mean 0 and deviation 1 within the model.", default=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceOptions(FitOptions):
    """A network that reads a sequence: word indices, or the vectors of the words one behind the other."""

    length: int | None = option(
        "sequenceLength", integer(1), "Words of a text; by default what the features hold.", default=None
    )
    embedding: int | None = option(
        "embeddingSize",
        integer(1),
        "Length of a word's vector (of indices 64).",
        default=None,
        aliases=("wordEmbeddingSize",),
    )
    vocabulary: int | None = option(
        "vocabularySize",
        integer(1),
        "The features are word indices below it; without it they are word vectors.",
        default=None,
    )
    pair: int = option(
        "pairSize",
        integer(0),
        "Length of the vector of two word indices that stand together; 0: pairs say nothing.",
        default=16,
    )
    layers: tuple[int, ...] = option("layerGroup", SIZES, "Units of hidden layers at the end.", default=())
    dropout: float = option(
        "dropout", number(0, 0.95), "Share of the units that a step leaves out.", default=0.5
    )

    def faults(self) -> Iterator[OptionFault]:
        """Of vectors the length must be known; indices have no mean."""
        if self.vocabulary is None and self.length is None and self.embedding is None:
            yield OptionFault(
                "nothing says where one word ends in the features",
                option="embeddingSize",
                hint='word vectors: embeddingSize="100"; word indices: vocabularySize="20000"',
            )
        if self.vocabulary is not None and self.scale:
            yield OptionFault("word indices are names, which are not scaled", option="scale")

    def shape(self, features: int) -> tuple[int, int]:
        """The words of a text and the length of a word's vector, for so many features."""
        if self.vocabulary is not None:
            length, embedding = self.length or features, self.embedding or 64
            fits = length == features
        else:
            embedding = self.embedding or features // (self.length or 1)
            length = self.length or features // embedding
            fits = length * embedding == features
        if not fits:
            expected = (
                f"{length:,}" if self.vocabulary else f"{length:,} × {embedding:,} = {length * embedding:,}"
            )
            raise OptionFault(
                f"the features are {features:,} numbers, "
                f"not {expected} as sequenceLength and embeddingSize say",
                option="sequenceLength",
            )
        return length, embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions(SequenceOptions):
    """A network that looks for patterns in windows of words."""

    windows: tuple[int, ...] = option(
        "windowGroup", SIZES, "Words that are seen at a time.", default=(5, 10, 15)
    )
    filters: int = option("filters", integer(1), "Patterns of each window.", default=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrentOptions(SequenceOptions):
    """A network that reads the words one after the other, in both directions."""

    units: int = option("units", integer(1), "Units of each direction.", default=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOptions(FitOptions):
    """A network that reads the last values of a series."""

    window: int | None = option(
        "windowSize", integer(1), "Points in time of a row; by default each feature is one.", default=None
    )
    units: int = option("units", integer(1), "Units that read the series.", default=64)
    layers: tuple[int, ...] = option("layerGroup", SIZES, "Units of hidden layers at the end.", default=())
    dropout: float = option(
        "dropout", number(0, 0.95), "Share of the units that a step leaves out.", default=0.0
    )
    scale: bool = option(
        "scale", BOOLEAN, "Bring each feature to mean 0 and deviation 1 within the model.", default=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOptions(FitOptions):
    """A network that the user's ``build`` makes, which is given all other parameters."""

    script: str | None = option(
        SCRIPT, TEXT, "Python that defines `build(inputs, outputs, params)`.", default=None
    )
    name: str = option(SCRIPT_NAME, TEXT, "What messages call the script.", default="<script>")
    kind: str = option(
        "kind",
        one_of("classifier", "regressor"),
        "Whether the label is a class or a number; by default its type says.",
        default="classifier",
    )


def read_params(
    kind: type[OptionsT], params: Mapping[str, str], owner: str
) -> tuple[OptionsT | None, list[OptionFault]]:
    """The options in *params*, or everything that is wrong with them."""
    given = {name: OptionText(text) for name, text in params.items()}
    try:
        options = read_options(kind, given, owner=owner)
    except ScriptError as error:
        errors = error.errors if isinstance(error, ScriptErrors) else (error,)
        return None, [*map(_fault, errors)]
    return options, [*options.faults()]


def takes_list(kind: type[FitOptions], name: str) -> bool:
    """Whether the parameter *name* is a list of sizes."""
    return any(each.kind is SIZES for each in declared_options(kind) if each.key == name)


def _fault(error: ScriptError) -> OptionFault:
    assert isinstance(error, UnknownOption | InvalidOption | MissingOption)
    return OptionFault(error.message, option=error.option, hint=error.hint)
