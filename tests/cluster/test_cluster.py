"""Scripts and faults on a real standalone cluster, to which the package comes as a wheel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlsql.models.store import DirectoryModelStore

pytestmark = pytest.mark.timeout(900)  # a whole cluster starts in the first one
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TRAIN = """
train nuclei as SKLearn.`{out}/{name}` where inputCols="mean_texture,mean_area" and labelCol="diagnosis"
  and ordered="true" and evaluateTable="nuclei" {more}
  and fitParam.0.alg="GaussianNB" and fitParam.1.alg="DecisionTreeClassifier" and fitParam.1.random_state="0"
  as trained;
register SKLearn.`{out}/{name}` as {name};
select mean_area, mean_texture, {name}(mean_texture, mean_area) as guess from nuclei as answered;
save overwrite answered as json.`{out}/{name}.json`;
run nuclei as Evaluate.`{out}/{name}` as judged;
save overwrite judged as json.`{out}/{name}.judged`;
"""

IN_SPARK = """
select *, vec_dense(array(mean_texture, mean_area)) as features, if(diagnosis = "malignant", 1, 0) as label
from nuclei as marked;
train marked as DecisionTree.`{out}/{name}/tree` where fitParam.0.maxDepth="3" as grown;
register DecisionTree.`{out}/{name}/tree` as tree;
train marked as StringIndex.`{out}/{name}/kinds` where inputCol="diagnosis" as indexed;
register StringIndex.`{out}/{name}/kinds` as kind;
register ScriptUDF.`` as halved where dataType="double" and vectorized="true" and code='''
def apply(values):
    return values / 2
''';
predict marked as DecisionTree.`{out}/{name}/tree` as predicted;
select kind(diagnosis) as kind, halved(mean_area) as half, vec_argmax(tree(features)) as guess, prediction,
  vec_norm(vec_wise_add(features, array(1.0, 2.0)), 2) + vec_sqdist(features, array(1.0, 0.0)) as size
from predicted as answered;
run answered as PythonStep.`` where schema="kind double, guess double, half double, size double, same boolean"
  and groupBy="kind, guess" and code='''
def apply(frame):
    first = frame.head(1).assign(half=frame["half"].max(), size=frame["size"].max())
    return first.assign(same=first["guess"] == first["prediction"])[["kind", "guess", "half", "size", "same"]]
''' as summed;
save overwrite summed as json.`{out}/{name}.json`;
"""


def _script(out, **ways):
    """A script that trains, answers and judges in each of *ways*: what is added to the training."""
    data = ROOT / "docs" / "examples" / "data" / "breast_cancer.csv"
    load = f'load csv.`{data}` where header="true" and inferSchema="true" as nuclei;'
    return load + "".join(TRAIN.format(out=out, name=name, more=more) for name, more in ways.items())


def _results(out, name):
    """Everything that must not depend on where and how a model was trained."""
    manifest = DirectoryModelStore().open(str(out / name)).manifest
    rows = [_lines(out / f"{name}.{kind}") for kind in ("json", "judged")]
    records = [(each.status, each.metrics, each.rows) for each in manifest.candidates]
    return manifest.data.rows, manifest.data.checksum, records, rows


def _lines(folder):
    """What was saved there, in an order of its own."""
    parts = (part.read_text(encoding="utf-8") for part in folder.glob("part-*"))
    return sorted(line for part in parts for line in part.splitlines())


@pytest.mark.kafka
def test_a_script_submitted_to_a_cluster_trains_as_it_does_locally(cluster, engine, kafka, tmp_path):
    """Over a shared spool and over Kafka: same checksum, metrics and answers; nothing is left behind.

    So do a tree and an index of Spark ML, their functions, and Python of the script's own.
    Driver and executors have our package from the wheel alone: their Python cannot import it.
    """
    out, spool = tmp_path / "out", tmp_path / "spool"
    through = f'and `kafkaParam.bootstrap.servers`="{kafka}"'
    script = tmp_path / "train.mlsql"
    in_spark = IN_SPARK.format(out=out, name="spark_there")
    script.write_text(_script(out, spooled="", streamed=through) + in_spark)
    done = cluster.submit(
        ROOT / "scripts" / "spark_entry.py", "run", script, "--conf", f"bridge.spool={spool}", conf={}
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    engine.run(_script(out, beside="") + IN_SPARK.format(out=out, name="spark_here"))
    expected = _results(out, "beside")
    assert expected[0] == 569
    assert _results(out, "spooled") == expected
    assert _results(out, "streamed") == expected
    assert _lines(out / "spark_there.json") == _lines(out / "spark_here.json") != []
    assert list(spool.glob("*/*")) == []
    assert list(cluster.temporary.glob("mlsql-*")) == []


@pytest.fixture(scope="module")
def told(cluster, kafka, tmp_path_factory):
    """What the scenarios of ``faults.py`` tell, each by its name."""
    folder = tmp_path_factory.mktemp("faults")
    obedient = HERE.parent / "bridge" / "obedient_trainer.py"
    done = cluster.submit(
        HERE / "faults.py",
        folder,
        kafka,
        conf={
            "spark.speculation": "true",
            "spark.speculation.interval": "100ms",
            "spark.speculation.quantile": "0.5",
            "spark.speculation.multiplier": "1.1",
            "spark.speculation.minTaskRuntime": "100ms",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
            "spark.task.maxFailures": "4",
        },
        files=[obedient],
    )
    told = folder / "told.json"
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(told.read_text())


@pytest.mark.kafka
@pytest.mark.parametrize(
    "scenario", ["killed_in_mid_publish", "killed_while_a_shuffle_is_read", "speculated"]
)
def test_data_is_exact_whatever_becomes_of_executors(told, scenario):
    """Each row once: an executor is killed, also while others read its shuffle; a slow task runs twice."""
    scene = told[scenario]
    assert scene["struck"]
    assert scene["rows"] == scene["expected"]
    assert scene["left"] == []


@pytest.mark.kafka
def test_a_worker_dies_with_its_executor_and_the_others_go_on(told, cluster):
    """Its candidate fails by name; worker, foreman and folders are gone, also those of the killed."""
    scene = told["worker_killed_with_executor"]
    assert scene["status"] == ["fail", "success"]
    assert scene["message"].startswith("the worker was ended, since its Spark task has gone")
    assert scene["stored"] == ["1"]
    assert scene["left"] == []
    assert [pid for pid in scene["pids"] if _lives(pid)] == []
    assert list(cluster.temporary.glob("mlsql-*")) == []


def _lives(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
