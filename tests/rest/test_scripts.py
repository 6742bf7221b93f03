"""``POST /run/script``: its fields in both forms, and scripts on a real engine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlsql.roles import Role

SECONDS = 120
ASYNC = {"/api/v1/jobs": {}, "/run/script": {"async": True}}
FIELDS = {
    "sql": "select 1 as one as t",
    "owner": "ann",
    "parameters": {"day": "2026-01-01", "n": 3, "dry": True},
}


def post(client, **fields):
    """Send *fields* as JSON."""
    return client.post("/run/script", json=fields)


def test_form_and_json_mean_the_same(client, told):
    """Parameters are JSON text in a form, numbers and booleans become the text that JSON has for them."""
    as_form = {**FIELDS, "parameters": '{"day": "2026-01-01", "n": 3, "dry": true}', "timeout": "1500"}
    client.post("/run/script", data=as_form)
    client.post("/run/script", files={name: (None, value) for name, value in as_form.items()})
    client.post(
        "/run/script",
        json={**FIELDS, "timeout": 1500},
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    asked = [{**each, "stop": None, "job": None, "sink": None} for each in told.asked]
    assert asked == 3 * [
        {
            "text": "select 1 as one as t",
            "owner": "ann",
            "parameters": {"day": "2026-01-01", "n": "3", "dry": "true"},
            "stop": None,
            "job": None,
            "sink": None,
            "dialect": None,
            "fresh": False,
            "role": Role.OPERATOR,
            "is_read": True,
        }
    ]


def test_the_dialect_and_a_session_of_its_own_can_be_asked_for(client, told):
    """In both forms; what a form leaves empty is the default."""
    post(client, sql="x", dialect="byzer", sessionPerRequest=True)
    client.post("/run/script", data={"sql": "x", "dialect": "", "sessionPerRequest": "", "executeMode": ""})
    asked = [(each["dialect"], each["fresh"]) for each in told.asked]
    assert asked == [("byzer", True), (None, False)]


def test_a_check_gives_what_is_wrong_and_odd_and_runs_nothing(client, told):
    """As ``mlsql check --json`` does; a script with errors is no failed request."""
    reply = post(
        client, sql="load cvs.`x` as t;\nselect * from u as v;", executeMode="check", dialect="mlsql"
    )
    wrong, odd = reply.json()
    assert reply.status_code == 200
    assert wrong["message"] == "no source is called 'cvs'"
    assert (wrong["severity"], wrong["line"], wrong["column"], wrong["endColumn"]) == ("error", 1, 6, 9)
    assert (odd["severity"], odd["message"]) == ("warning", "no statement before makes the table 'u'")
    assert told.asked[0]["dialect"] == "mlsql"
    assert "stop" not in told.asked[0]


def test_a_check_knows_the_parameters(client):
    """They are given, so that one that is not there is an error."""
    reply = post(client, sql="select ${n}, ${m} as t", executeMode="check", parameters={"n": 1})
    assert [(each["severity"], each["message"]) for each in reply.json()] == [
        ("error", "the variable 'm' is not defined")
    ]


def test_an_analysis_gives_the_statements_and_runs_nothing(client, told):
    """Those of a block inside it; of options only the keys, since values may be secrets."""
    text = 'connect jdbc where password="p" as c;\n!if ":n > 1"; load csv.`x` as ${t}; !else; !desc u; !fi;'
    connect, branches = post(client, sql=text, executeMode="analyze").json()
    assert told.asked == []
    assert connect == {
        "type": "connect", "line": 1, "column": 1, "endLine": 1, "endColumn": 37,
        "format": "jdbc", "options": ["password"], "alias": "c",
    }  # fmt: skip
    (branch,) = branches["branches"]
    assert (branches["type"], branches["line"], branch["condition"]) == ("if", 2, ":n > 1")
    assert [(each["type"], each["table"]) for each in branch["statements"]] == [("load", "${t}")]
    assert [(each["name"], each["arguments"]) for each in branches["otherwise"]] == [("desc", ["u"])]


def test_an_analysis_of_what_does_not_parse_is_refused_with_all_errors(client):
    """As a run is."""
    reply = post(client, sql="load csv.`x`; save t csv.`y`;", executeMode="analyze")
    assert (reply.status_code, len(reply.json()["error"]["diagnostics"])) == (400, 2)


def test_the_id_of_the_reply_is_that_of_the_run(client, told):
    """What the log says of a job is found by the header."""
    reply = post(client, sql="x")
    assert told.asked[0]["job"] == reply.headers["X-Job-Id"]


def test_a_script_without_a_table_gives_an_empty_array(client):
    """As Byzer does."""
    assert post(client, sql="set a=1").json() == []


def test_an_unknown_field_is_told_with_the_nearest(client):
    """A misspelt one must not be lost in silence."""
    error = post(client, sql="x", outputsize=3).json()["error"]
    assert (error["message"], error["hint"]) == (
        "no field is called 'outputsize'",
        "did you mean 'outputSize'?",
    )


def test_every_wrong_field_is_told_at_once(client):
    """All errors in one reply."""
    reply = post(client, sgl="x", timeout="soon", outputSize=-1)
    messages = [each["message"] for each in reply.json()["error"]["diagnostics"]]
    assert reply.status_code == 400
    assert [message.split("'")[1] for message in messages] == ["sql", "timeout", "outputSize", "sgl"]


def test_what_old_clients_send_besides_is_passed_over(client, told):
    """Fields without effect, and others at the value that this version has."""
    reply = post(
        client, sql="x", jobName="j", skipAuth=True, fetchType="take", executeMode="query",
        sessionPerUser="true", callback="", **{"async": "false"},
    )  # fmt: skip
    assert (reply.status_code, len(told.asked)) == (200, 1)


@pytest.mark.parametrize(
    ("field", "value"), [("jobType", "stream"), ("executeMode", "explain"), ("callbackFormat", "xml")]
)
def test_what_this_version_cannot_do_is_refused(client, told, field, value):
    """Rather than done otherwise."""
    reply = post(client, sql="x", **{field: value})
    assert (reply.status_code, told.asked) == (400, [])
    assert field in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("select 1", "text/plain", 415),
        ('{"sql": "x", "parameters": [1]}', "application/json", 400),
        ('{"sql": "x", "parameters": "{"}', "application/json", 400),
    ],
)
def test_a_body_of_another_form_is_refused(client, told, body, kind, status):
    """With a sentence, not with a traceback."""
    reply = client.post("/run/script", content=body, headers={"Content-Type": kind})
    assert (reply.status_code, told.asked) == (status, [])
    assert reply.json()["error"]["message"]


def test_the_description_of_the_interface_names_every_field_and_error(client):
    """OpenAPI has the fields of the request in both forms, and the form of errors."""
    operation = client.get("/openapi.json").json()["paths"]["/run/script"]["post"]
    for form in ("application/json", "application/x-www-form-urlencoded"):
        assert "outputSize" in operation["requestBody"]["content"][form]["schema"]["properties"]
    assert {"200", "400", "422", "500"} <= operation["responses"].keys()


@pytest.fixture(scope="module")
def server(client_of, engine):
    """A client of a real engine."""
    return client_of(engine)


@pytest.mark.spark
def test_rows_come_as_json_in_the_order_of_the_columns(server):
    """Nulls are kept, the order of columns too."""
    reply = post(server, sql="select 2 as b, null as a, 'ä' as c as t;")
    assert reply.text == '[{"b":2,"a":null,"c":"ä"}\n]'


@pytest.mark.spark
def test_parameters_rows_and_schema(server):
    """Variables from outside, a limit of rows, and the types when asked for."""
    reply = post(
        server,
        sql="select id from range(${n}) order by id as t",
        parameters={"n": 10},
        outputSize=2,
        includeSchema=True,
    )
    assert reply.json()["data"] == [{"id": 0}, {"id": 1}]
    assert reply.json()["schema"]["fields"][0]["name"] == "id"


@pytest.mark.spark
def test_an_error_of_the_data_is_placed_in_the_script(server):
    """Also one that shows when the rows are read."""
    error = post(server, sql="select\n  1/(id-1) as x from range(3) as t;").json()["error"]
    assert (error["line"], error["job"] is not None) == (2, True)


@pytest.mark.spark
def test_scripts_of_one_owner_run_at_the_same_time(server):
    """Each gets its own rows."""
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda n: post(server, sql=f"select {n} as n as t{n}").json(), range(8)))
    assert replies == [[{"n": n}] for n in range(8)]


@pytest.mark.spark
def test_a_script_that_takes_too_long_is_ended(server):
    """Its Spark job too."""
    reply = post(
        server, sql="select count(*) as n from range(1e12) where id % 3 = hash(id) as t", timeout=1000
    )
    assert reply.status_code == 408


@pytest.mark.spark
def test_the_dialect_byzer_leaves_out_what_is_null(server):
    """As old clients expect it."""
    sql = "select 2 as b, null as a as t"
    assert post(server, sql=sql, dialect="byzer").json() == [{"b": 2}]
    assert post(server, sql=sql).json() == [{"b": 2, "a": None}]


@pytest.mark.spark
def test_a_session_of_its_own_sees_and_leaves_nothing(server):
    """Tables of the owner's session are not there, and its own are gone."""
    post(server, sql="select 1 as a as of_the_session")
    reply = post(server, sql="select * from of_the_session as t", sessionPerRequest=True)
    assert (reply.status_code, "of_the_session" in reply.text) == (400, True)
    post(server, sql="select 1 as a as of_the_request", sessionPerRequest=True)
    assert post(server, sql="select * from of_the_request as t").status_code == 400


@pytest.mark.spark
def test_a_check_has_spark_read_the_queries(server):
    """What its parser refuses is placed in the script."""
    (found,) = post(server, sql="select 1 as a as t;\nselect a form t as u;", executeMode="check").json()
    assert (found["severity"], found["line"]) == ("error", 2)


def when(server, job, *states):
    """The job, when it is in one of these states."""
    deadline = time.monotonic() + SECONDS
    while (found := server.get(f"/api/v1/jobs/{job}").json())["state"] not in states:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


@pytest.mark.spark
def test_a_job_keeps_the_rows_of_its_last_table(server):
    """In every form, and tells the statement that it ended in."""
    script = "select id from range(3) as t;\n\nselect id * 2 as x from t order by id as u;"
    job = server.post("/api/v1/jobs", json={"script": script}).json()["id"]
    found = when(server, job, "succeeded", "failed")
    assert (found["statement"]["number"], found["statement"]["line"], found["result"]["rows"]) == (2, 3, 3)
    assert server.get(f"/api/v1/jobs/{job}/result?format=csv&offset=1").text == "x\n2\n4\n"


@pytest.mark.spark
def test_a_job_in_a_spark_job_is_cancelled(server, engine):
    """Nothing of it runs in Spark when that is told; meanwhile its tasks are."""
    script = "select count(*) as n from range(1e12) where id % 3 = hash(id) as t;"
    job = server.post("/api/v1/jobs", json={"script": script}).json()["id"]
    deadline = time.monotonic() + SECONDS
    while not (when(server, job, "running")["spark"] or {}).get("tasks"):
        assert time.monotonic() < deadline
    assert server.post(f"/api/v1/jobs/{job}/cancel").json()["cancelRequested"]
    assert when(server, job, "cancelled", "failed", "succeeded")["state"] == "cancelled"
    tracker = engine.spark.sparkContext.statusTracker()
    running = [tracker.getJobInfo(each).status for each in tracker.getJobIdsForGroup(job)]
    assert "RUNNING" not in running


@pytest.mark.spark
def test_what_spark_cannot_parse_is_refused_before_it_is_queued(server):
    """With its line, in a job and in an asynchronous script."""
    for path, field in (("/api/v1/jobs", "script"), ("/run/script", "sql")):
        reply = server.post(path, json={field: "select 1 as a as t;\nselect a form t as u;", **ASYNC[path]})
        assert (reply.status_code, reply.json()["error"]["line"]) == (400, 2)
