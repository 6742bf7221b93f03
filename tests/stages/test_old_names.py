"""Names of old training scripts that need no run: what they become, and what is said of them."""

from __future__ import annotations

import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.errors import InvalidOption
from mlsql.options import OptionText, read_options
from mlsql.stages.algorithms.external_options import ExternalOptions
from mlsql.stages.algorithms.old_names import modern_params, placed_at_class, tell_outdated


def texts(**params):
    """Options as a script gives them; ``__`` stands for a dot."""
    return {name.replace("__", "."): OptionText(text) for name, text in params.items()}


def modern(params):
    """The parameters of today as plain texts."""
    return {name: value.text for name, value in modern_params(params).items()}


@pytest.mark.parametrize(
    ("module", "named", "today"),
    [
        ("sklearn.svm", "SVC", "SVC"),
        (None, "SVC", "SVC"),
        ("xgboost", "XGBClassifier", "xgboost.XGBClassifier"),
        ("xgboost.sklearn", "XGBClassifier", "xgboost.XGBClassifier"),
    ],
)
def test_a_module_and_a_class_name_a_model(module, named, today):
    """In a group or without."""
    given = {"className": OptionText(named)} | ({"moduleName": OptionText(module)} if module else {})
    assert modern(given) == {"alg": today}
    assert modern({f"3.{name}": value for name, value in given.items()}) == {"3.alg": today}


def test_what_is_written_today_counts():
    """An ``alg`` beside a class, and parameters that are no old names."""
    given = {"0.alg": OptionText("SVC"), "0.className": OptionText("NuSVC"), "0.C": OptionText("2")}
    assert modern(given) == {"0.alg": "SVC", "0.C": "2"}


def test_columns_are_no_parameters_of_a_model():
    """They are taken out; what counts classes stays for the trainer, which tells of it."""
    given = texts(inputCol="f", labelCol="y", label="y", featureCol="f", labelSize="2")
    assert modern(given) == {"labelSize": "2"}


def test_a_fault_of_the_model_is_that_of_the_class_that_names_it():
    """The statement has no ``alg``."""
    fault = OptionFault("no", option="fitParam.0.alg")
    assert placed_at_class(fault, {"fitParam.0.className": OptionText("x")}).option == "fitParam.0.className"
    assert placed_at_class(fault, {"fitParam.0.alg": OptionText("x")}) is fault


def test_each_option_without_effect_is_told_once():
    """With the reason; of a script's files only where there is no script."""
    given = {
        name: OptionText("x")
        for name in ("systemParam.pythonVer", "distributeEveryExecutor", "enableDataLocal", "labelCol")
    }
    for scripted, expected in ((True, 2), (False, 3)):
        told = []
        tell_outdated(given, told.append, scripted=scripted)
        assert len(told) == expected
        assert [each.level for each in told].count("warning") == 1
        assert all("has no effect: " in each.message for each in told)


@pytest.mark.parametrize("text", ["x", "[1]", '{"A": 1}', '{"A": "s3cret"'])
def test_a_wrong_environment_is_not_repeated(text):
    """It may hold secrets."""
    with pytest.raises(InvalidOption) as told:
        read_options(ExternalOptions, {"systemParam.envs": OptionText(text)}, owner="PythonAlg")
    assert told.value.message.endswith("not '***'")
