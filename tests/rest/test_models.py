"""Registered functions over HTTP: rows in every form, errors that name what is wrong, grants, the lane."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlsql
from mlsql.config.settings import AuthSettings, ServerSettings, ServingSettings, Settings
from mlsql.errors import ConfigError, DataError, RunError, ScriptError
from mlsql.models.manifest import Column
from mlsql.registrations import MemoryRegistrations, Registration, UnknownFunction
from mlsql.rest.answers import predictions
from mlsql.rest.invocations import read_csv, read_invocation
from mlsql.rest.lean import KnownTokens
from mlsql.rest.prediction_rows import RowReader
from mlsql.rest.scorers import NoScorers
from mlsql.rest.service import open_service
from mlsql.roles import Role
from mlsql.udf.serving.translation import NotCarriedOver
from tests.rest.conftest import answering

MODELS = "/api/v1/models"
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
INPUTS = (Column("a", "double"), Column("kind", "string"), Column("on", "boolean"))
LIMIT = 2**20


def registration(function="f", owner="ann", inputs=INPUTS, **more):
    """A function that answers with its row."""
    return Registration(
        owner=owner,
        function=function,
        algorithm="SKLearn",
        path="/m",
        version=3,
        index=0,
        signature=f"{function}(…) -> string",
        inputs=inputs,
        output="string",
        kind="classifier",
        companions=(f"{function}_all",),
        metrics={"f1": 0.5, "auc": math.nan},
        created=0.0,
        **more,
    )


@dataclass
class StandIn:
    """Answers each row with its text, in this process."""

    functions: MemoryRegistrations = field(default_factory=MemoryRegistrations)
    error: Exception | None = None

    def find(self, caller, function):
        """The function that is meant."""
        return self.functions.called(caller, function)

    def describe(self, caller):
        """What he may call."""
        return [*self.functions.callable_by(caller).values()]

    async def predict(self, caller, function, rows, *, companion=""):
        """The rows, or the stream, with who asked."""
        if self.error is not None:
            raise self.error
        if isinstance(rows, bytes):
            return rows
        return [f"{caller} {function} {companion} {json.dumps(row)}" for row in rows]

    async def query(self, _caller, sql, rows):
        """The rows as they came."""
        if "spark" in sql:
            raise NotCarriedOver("spark")
        return rows


@dataclass
class Served:
    """A server whose functions a test registers."""

    scorers: StandIn
    service: object
    http: object

    @contextmanager
    def client(self, owner, role=Role.ANALYST):
        """The SDK with a token of *owner*."""
        with mlsql.Client(str(self.http.base_url), self.service.tokens.create(owner, role)) as client:
            yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server that asks for tokens."""
    state = tmp_path_factory.mktemp("models") / "state"
    settings = Settings(
        server=ServerSettings(state=state, body_limit=LIMIT),
        auth=AuthSettings(mode="token"),
        serving=ServingSettings(scorers=0),
    )
    scorers = StandIn()
    with open_service(settings, lambda *_: None, lambda *_, **__: ()) as opened:
        service = replace(opened, scorers=scorers, registrations=scorers.functions)
        with answering(service) as http:
            yield Served(scorers, service, http)


@pytest.fixture
def ann(served):
    """The client of ann, who has ``f``."""
    served.scorers.error = None
    served.scorers.functions.kept.clear()
    served.scorers.functions.put(registration())
    with served.client("ann") as client:
        yield client


def post(client, path, **request):
    """A reply as it is."""
    return client._http.post(path, **request)


def test_rows_come_by_name_and_by_position(ann):
    """In one request, in any order of the names; numbers where doubles are taken become doubles."""
    rows = [{"kind": "x", "on": None, "a": 1}, [2.5, None, True]]
    assert ann.predict("f", rows) == ['ann f  [1.0, "x", null]', "ann f  [2.5, null, true]"]
    assert ann.predict("f@2", [[1, "x", False]], companion="proba") == ['ann f@2 proba [1.0, "x", false]']
    assert ann.predict("f", []) == []


def test_tables_go_as_arrow(ann):
    """What speaks Arrow, and many rows by name; the stand-in gives the stream back."""
    table = pa.table({"prediction": ["x", None]})
    assert ann.predict("f", table) == ["x", None]
    assert ann.predict("f", table.to_pandas()) == ["x", None]
    assert ann.predict("f", [{"prediction": number} for number in range(600)]) == [*range(600)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"a": 1, "knd": "x", "on": True}, "did you mean 'kind'"),
        ({"a": 1, "kind": "x"}, "row 1 has no 'on'"),
        ([1, "x"], "row 1 has 2 values, and f takes 3"),
        ({"a": "1", "kind": "x", "on": True}, "'a' in row 1 is a text, and f takes a number"),
        ([1, 2.5, True], "'kind' in row 1 is a number, and f takes a text"),
        ([1, "x", 1], "'on' in row 1"),
        ([True, "x", True], "'a' in row 1 is a boolean"),
        ([10**400, "x", True], "too large"),
        ("x", "neither an object nor an array"),
    ],
)
def test_wrong_rows_are_told(ann, row, said):
    """With status 400 and the name of what is unknown, missing or of another type."""
    reply = post(ann, f"{MODELS}/f/predict", json={"rows": [row]})
    assert (reply.status_code, said in reply.text) == (400, True), reply.text


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"content": b"{"}, 400, "not JSON"),
        ({"content": b"[]"}, 400, "JSON object"),
        ({"content": b"{}"}, 400, "no 'rows'"),
        ({"content": b'{"row": []}'}, 400, "did you mean 'rows'"),
        ({"content": b'{"rows": 1}'}, 400, "no array"),
        ({"content": b"a,b", "headers": {"Content-Type": "text/csv"}}, 415, "application/json"),
        ({"content": b"{" + b" " * LIMIT + b"}"}, 413, "long"),
        ({"content": b'{"rows": []}', "params": {"companion": "probs"}}, 400, "did you mean 'proba'"),
    ],
)
def test_wrong_bodies_are_told(ann, request_, status, said):
    """By status and sentence."""
    request = {"headers": {"Content-Type": "application/json"}, **request_}
    reply = post(ann, f"{MODELS}/f/predict", **request)
    assert (reply.status_code, said in reply.text) == (status, True), reply.text
    assert reply.headers["X-Job-Id"]


def test_features_are_an_array_or_the_row_itself():
    """A function of one array takes both; a null in it is the model's own affair."""
    reader = RowReader("f", (Column("features", "array<double>"),))
    rows = [[1, 2.5], [[1, None]], {"features": [3]}, [None]]
    assert reader.read(rows) == [[[1.0, 2.5]], [[1.0, None]], [[3.0]], [None]]
    with pytest.raises(ScriptError, match="an array of numbers"):
        reader.read([["x"]])


@given(st.lists(st.tuples(st.none() | st.floats(), st.none() | st.text(), st.none() | st.booleans())))
def test_names_and_positions_say_the_same(rows):
    """The same rows, whichever way they are written."""
    reader = RowReader("f", INPUTS)
    by_name = [dict(zip(("a", "kind", "on"), row, strict=True)) for row in rows]
    assert repr(reader.read(by_name)) == repr(reader.read([*map(list, rows)])) == repr([*map(list, rows)])


@given(st.lists(st.none() | st.floats() | st.integers() | st.text() | st.lists(st.floats())))
def test_answers_are_json_that_everybody_reads(answers):
    """NaN is null, integers that readers round are text, everything else is itself."""
    told = json.loads(predictions(answers), parse_constant=pytest.fail)["predictions"]
    for answer, one in zip(answers, told, strict=True):
        if isinstance(answer, float) and not math.isfinite(answer):
            assert one is None
        elif isinstance(answer, int) and abs(answer) > 2**53:
            assert one == str(answer)
        elif not isinstance(answer, list):
            assert one == answer


@pytest.mark.parametrize("rows", [{"a": 1}, "x", [1.5], [object()], [[object(), "x", True]]])
def test_what_are_no_rows_is_refused_before_it_is_sent(ann, rows):
    """By an error that shows some."""
    with pytest.raises(ScriptError, match=r"no list of rows|row 1 is neither|no value of a row"):
        ann.predict("f", rows)


def test_rows_of_numpy_and_of_a_generator_are_sent(ann):
    """Numbers of it, arrays of it, and rows as they come."""
    wanted = ["ann f  [1.5, null, null]"]
    for rows in (
        [[np.float32(1.5), None, None]],
        np.array([[1.5, None, None]]),
        (row for row in [(1.5, None, None)]),
    ):
        assert ann.predict("f", rows) == wanted


def test_an_unknown_function_is_not_found(ann, served):
    """With the nearest; one of somebody else's is as unknown."""
    with pytest.raises(UnknownFunction, match="did you mean 'f'"):
        ann.predict("ff", [[1, "x", True]])
    with served.client("bob") as bob, pytest.raises(UnknownFunction):
        bob.predict("ann.f", [[1, "x", True]])
    assert post(ann, f"{MODELS}/g/predict", json={"rows": []}).status_code == 404


def test_a_function_is_granted_and_revoked(ann, served):
    """Only its owner grants it; to others it is ``ann.f``, or ``f`` of the owner ann."""
    with served.client("bob") as bob:
        assert post(bob, f"{MODELS}/f/predict", json={"rows": []}).status_code == 404
        assert ann._http.put(f"{MODELS}/f/grants/bob").json() == {"function": "f", "grants": ["bob"]}
        assert bob.predict("ann.f", [[1, None, None]]) == ["bob ann.f  [1.0, null, null]"]
        assert bob.predict("f", [[1, None, None]], owner="ann") == ["bob ann.f  [1.0, null, null]"]
        (seen,) = bob.models()
        assert (seen.name, seen.told["path"], seen.told["grants"]) == ("ann.f", None, None)
        assert bob._http.put(f"{MODELS}/f/grants/eve").status_code == 404
        assert bob._http.put(f"{MODELS}/f/grants/eve?owner=ann").status_code == 403
        assert ann._http.delete(f"{MODELS}/f/grants/bob").json()["grants"] == []
        assert bob.models() == []
    assert ann._http.put(f"{MODELS}/f/grants/No One").status_code == 400


def test_an_operator_acts_for_others(ann, served):
    """He names the owner and needs no grant."""
    with served.client("root", Role.OPERATOR) as root:
        assert root.predict("f", [[1, None, None]], owner="ann") == ["ann f  [1.0, null, null]"]


def test_a_function_is_described(ann):
    """Signature, version, metrics without NaN, and to its owner where the model lies."""
    (one,) = ann.models()
    assert (one.name, one.version, one.inputs) == ("f", 3, {"a": "double", "kind": "string", "on": "boolean"})
    told = ann._http.get(f"{MODELS}/f").json()
    assert (told["metrics"], told["path"], told["registered"][:4]) == ({"f1": 0.5, "auc": None}, "/m", "1970")
    assert "/m" in told["trouble"]  # where no model lies
    assert ann._http.get(f"{MODELS}/g").status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [(DataError("null"), 422), (RunError("its code failed"), 502), (ConfigError("no duckdb"), 503)],
)
def test_errors_of_a_scorer_have_their_status(ann, served, error, status):
    """As everywhere."""
    served.scorers.error = error
    assert post(ann, f"{MODELS}/f/predict", json={"rows": [[1, None, None]]}).status_code == status


def test_a_scorer_that_restarts_can_be_asked_again(ann, served):
    """Status 503 says when; the SDK asks again by itself."""
    served.scorers.error = RunError("the scorer died", retriable=True)
    reply = post(ann, f"{MODELS}/f/predict", json={"rows": [[1, None, None]]})
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    assert reply.json()["error"]["kind"] == "NotAnswered"


def test_nobody_is_answered_without_a_token(ann):
    """The same status as everywhere, also on the short way."""
    for token in ("", "Bearer x", "Basic eDp5"):
        headers = {"Authorization": token} if token else {}
        reply = post(ann, f"{MODELS}/f/predict", json={"rows": []}, headers={"Authorization": "", **headers})
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_known_token_is_asked_for_once_a_second():
    """One that is good; what is none is looked up each time."""
    now, asked = [0.0], []

    class Store:
        def find(self, text):
            asked.append(text)
            return "a token" if text == "good" else None

    known = KnownTokens(Store(), clock=lambda: now[0])

    async def find(text):
        return await known.find(text)

    import anyio

    assert [anyio.run(find, "good") for _ in range(3)] == ["a token"] * 3
    assert [anyio.run(find, "bad") for _ in range(2)] == [None] * 2
    assert asked == ["good", "bad", "bad"]
    now[0] = 1.0
    assert anyio.run(find, "good") == "a token"
    assert asked[-1] == "good"


MLFLOW_ROWS = [{"a": 1, "kind": "x", "on": True}]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"index": [0], "columns": ["a", "kind", "on"], "data": [[1, "x", True]]}},
        {"dataframe_records": MLFLOW_ROWS},
        {"instances": MLFLOW_ROWS, "params": {}},
        {"inputs": MLFLOW_ROWS},
        {"inputs": {"a": [1], "kind": ["x"], "on": [True]}},
        {"inputs": {"a": 1, "kind": "x", "on": True}},
    ],
)
def test_clients_of_mlflow_are_answered(ann, body):
    """In each form of the protocol, at the path of the function or with its name beside."""
    for path, headers in (
        (f"{MODELS}/f/invocations", {}),
        ("/invocations?function=f", {}),
        ("/invocations", {"X-Mlsql-Function": "f"}),
    ):
        reply = post(ann, path, json=body, headers=headers)
        assert reply.json() == {"predictions": ['ann f  [1.0, "x", true]']}, reply.text


def test_csv_is_answered_too(ann):
    """An empty field is null; a field that is no number is told."""
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    reply = post(ann, f"{MODELS}/f/invocations", content="kind,a,on\nü,1.5,true\n,,\n", headers=headers)
    assert reply.json() == {"predictions": ['ann f  [1.5, "\\u00fc", true]', "ann f  [null, null, null]"]}
    wrong = post(ann, f"{MODELS}/f/invocations", content="kind,a,on\nx,y,true\n", headers=headers)
    assert (wrong.status_code, "'a' in row 1 is a text" in wrong.text) == (400, True)
    with pytest.raises(ScriptError, match="line 2"):
        read_csv("a,kind\n1,x,2\n", INPUTS)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": [], "inputs": []},
        {"instance": []},
        {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}},
        {"dataframe_split": []},
        {"dataframe_records": [1]},
        {"inputs": {"a": [1], "b": [1, 2]}},
        {"instances": {"a": 1}},
    ],
)
def test_other_forms_of_mlflow_are_told(body):
    """As an error of the one who asks."""
    with pytest.raises(ScriptError):
        read_invocation(body)


def test_the_server_answers_a_ping(ann):
    """With an empty line, as MLflow's does; a function has to be named."""
    for path in ("/ping", "/health"):
        assert (ann._http.get(path).status_code, ann._http.get(path).text) == (200, "\n")
    assert ann._http.get("/version").text == version("mlflow")
    assert post(ann, "/invocations", json={"instances": []}).status_code == 400


def test_the_lane_says_who_answered(ann):
    """A scorer where it can; Spark for the rest, which is not there now."""
    asked = {"dataType": "row", "data": [{"a": 1, "b": None}, {"a": 2**60}]}
    reply = post(ann, "/model/predict", json={**asked, "sql": "select *"})
    assert reply.json() == [{"a": 1, "b": None}, {"a": str(2**60), "b": None}]
    assert reply.headers["X-Mlsql-Lane"] == "scorer"
    reply = post(ann, "/model/predict", json={"data": [[1, 2.5]], "pipeline": "f"})
    assert reply.json() == [{"feature": [1.0, 2.5]}]
    assert post(ann, "/model/predict", json={**asked, "sql": "select spark"}).status_code == 502


def test_without_scorers_nothing_is_known():
    """Functions are unknown and queries are Spark's."""
    with pytest.raises(UnknownFunction):
        NoScorers().find("ann", "f")
    assert NoScorers().describe("ann") == ()


def test_each_request_is_measured(ann, served):
    """By its route and status, also those that are answered on the short way."""
    post(ann, f"{MODELS}/f/predict", json={"rows": []})
    assert 'route="/api/v1/models/{function}/predict",status="200"' in served.service.metrics.text().decode()
