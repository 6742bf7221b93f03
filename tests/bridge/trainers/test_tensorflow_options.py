"""What the parameters of networks may be, which is known without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainer import builtins
from mlsql.bridge.trainers.tensorflow import trainer as trainers
from mlsql.bridge.trainers.tensorflow.networks import NETWORKS
from mlsql.bridge.trainers.tensorflow.options import SIZES, LayerOptions, read_params
from mlsql.errors import ScriptErrors


def test_each_network_is_a_trainer_of_its_own():
    """And all of them are TensorFlow's, by alg."""
    for name, network in NETWORKS.items():
        params = {"vocabularySize": "9"} if name in ("CNNClassify", "AttentionLSTMClassify") else {}
        assert builtins().get(name).kind(params) == network.kind
        assert builtins().get("TensorFlow").kind(params | {"alg": name.casefold()}) == network.kind


@given(st.lists(st.integers(1, 10_000), min_size=1))
def test_sizes_are_read_with_or_without_brackets(sizes):
    """As old scripts write them, and as lists."""
    assert SIZES.read(",".join(map(str, sizes))) == tuple(sizes)
    assert SIZES.read(str(sizes)) == tuple(sizes)


def test_sizes_are_lists_and_so_no_grid():
    """Nothing else is."""
    assert trainers.FC_CLASSIFY.takes_list({}, "layerGroup")
    assert trainers.CNN_CLASSIFY.takes_list({}, "windowGroup")
    assert not trainers.FC_CLASSIFY.takes_list({}, "epochs")
    assert trainers.NETWORK.takes_list({"alg": "FCRegress"}, "layerGroup")


@pytest.mark.parametrize(
    ("params", "option", "message", "hint"),
    [
        ({"layerGroups": "3"}, "layerGroups", "FCClassify has no option 'layerGroups'", "'layerGroup'"),
        ({"layerGroup": "3,x"}, "layerGroup", "takes whole numbers from 1 on", ""),
        ({"layerGroup": "0"}, "layerGroup", "takes whole numbers from 1 on", ""),
        ({"learningRate": "0"}, "learningRate", "takes a number of more than 0", ""),
        ({"optimizer": "adm"}, "optimizer", "'adam'", ""),
        ({"alg": "FCRegress"}, "alg", "FCClassify is no FCRegress", "TensorFlow"),
    ],
)
def test_what_cannot_be_is_told_with_its_parameter(params, option, message, hint):
    """And the way out."""
    with pytest.raises(OptionFault) as caught:
        trainers.FC_CLASSIFY.check(params)
    assert caught.value.option == option
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("params", "option", "message"),
    [
        ({}, "alg", "TensorFlow needs a network"),
        ({"alg": "FCClasify"}, "alg", "no network is called 'FCClasify'"),
        ({"alg": "CNNClassify"}, "embeddingSize", "nothing says where one word ends"),
        ({"alg": "CNNClassify", "vocabularySize": "9", "scale": "true"}, "scale", "are not scaled"),
        ({"script": "def built(): pass", "scriptName": "net.py"}, "script", "net.py defines no build(inputs"),
        ({"script": "def build(:", "scriptName": "net.py"}, "script", "net.py:1: no Python"),
        ({"script": "def build(*_): ...", "epochs": "x"}, "epochs", "takes a whole number"),
    ],
)
def test_a_network_that_cannot_be_found_or_made_is_told(params, option, message):
    """Ours by its name, the user's by its script."""
    with pytest.raises(OptionFault) as caught:
        trainers.NETWORK.check(params)
    assert caught.value.option == option
    assert message in caught.value.message


def test_everything_that_is_wrong_is_told_at_once():
    """Each by its parameter."""
    with pytest.raises(ScriptErrors) as caught:
        trainers.FC_CLASSIFY.check({"epochs": "0", "nothing": "1"})
    assert {fault.option for fault in caught.value.errors} == {"epochs", "nothing"}


def test_parameters_of_old_scripts_pass():
    """With their meaning where they have one."""
    old = {"alg": "CNNClassify", "featureSize": "69200", "labelSize": "2", "wordEmbeddingSize": "100"}
    assert trainers.NETWORK.check(old | {"print_interval": "1", "gpuPercent": "1"}) is None


def test_defaults_are_those_of_the_declaration():
    """Which load modelParams shows."""
    options, faults = read_params(LayerOptions, {}, "FCClassify")
    shown = trainers.surveyed("FCClassify")()["FCClassify"].parameters
    assert faults == []
    assert (options.layers, shown["layerGroup"].default) == ((300,), "300")
    assert {name: each.default for name, each in shown.items()}["scale"] == "true"


def test_without_tensorflow_the_pip_line_is_told():
    """Before anything runs."""
    program = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from mlsql.bridge.trainer import builtins\n"
        "from mlsql.bridge.errors import OptionFault\n"
        "try: builtins().get('FCClassify').check({})\n"
        "except OptionFault as fault: print(fault.message, fault.hint, sep='|')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], timeout=60, check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == (
        "FCClassify cannot be fitted: TensorFlow is not installed|pip install 'mlsql[tensorflow]'"
    )
