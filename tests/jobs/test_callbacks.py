"""The sender of callbacks, with a real database and real receivers: what arrives, how often, where not."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import itertools
import json
import ssl
from contextlib import contextmanager
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mlsql.database import open_database, private_folder
from mlsql.jobs.callback_messages import Messages
from mlsql.jobs.callback_posts import Post, judged, usual_trust
from mlsql.jobs.callbacks import Callbacks, pause_after
from mlsql.jobs.outbox import DatabaseOutbox
from mlsql.jobs.states import Callback, DeliveryState, Job, JobState, Submission
from mlsql.jobs.store import JobStore
from mlsql.url_targets import Targets
from tests.receivers import SECONDS, receiver, until

SECRET = "a key"
HOUR = 3600.0
AT_ONCE, AT_ONCE_TO_ONE = 8, 3
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database of this module."""
    engine = open_database(None, private_folder(tmp_path_factory.mktemp("state")))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def outbox(database):
    """The deliveries in it."""
    return DatabaseOutbox(database)


@pytest.fixture(scope="module")
def senders():
    """Those that run now."""
    return []


@pytest.fixture(scope="module")
def ended(database, senders):
    """Ends a job that somebody wants to be told of, and gives its id; senders hear of it."""
    store = JobStore(database)

    def end(url, state=JobState.SUCCEEDED, **callback):
        asked = Submission(owner="ann", script="select 1", callback=Callback(url, **callback))
        job = store.add(Job(id=f"job-{next(_NUMBERS)}", submission=asked, submitted=1.0))
        store.move(job, JobState.RUNNING, started=1.0)
        store.move(store.find(job.id), state, ended=2.0)
        for each in senders:
            each.wake()
        return job.id

    return end


@pytest.fixture(scope="module")
def tls():
    """What the sender trusts: as usual."""
    return usual_trust()


@pytest.fixture
def sending(database, tls, senders):
    """Sends, in a block, with short pauses; receivers on loopback are allowed unless *targets* says else."""

    @contextmanager
    def send(targets=None, *, seconds=SECONDS, trusts=tls, retries=2):
        messages = Messages(lambda job: {"id": job.id}, lambda job: {"id": job.id}, lambda _job: "[]", SECRET)
        with Callbacks(
            DatabaseOutbox(database),
            JobStore(database).find,
            targets or Targets.read(["127.0.0.1"]),
            messages,
            Post(seconds, lambda: trusts),
            retries,
            pause=lambda _tries: 0.01,
            at_once=AT_ONCE,
            at_once_to_one=AT_ONCE_TO_ONE,
        ) as callbacks:
            senders.append(callbacks)
            yield callbacks
            senders.remove(callbacks)

    return send


@pytest.fixture
def state_of(outbox):
    """The one delivery of a job: its state, its tries, its error."""

    def state(job):
        (found,) = outbox.listed(job)
        return found.state, found.tries, found.last_error or ""

    return state


@pytest.fixture
def done(state_of):
    """The same, when it is not pending any more."""

    def wait(job):
        until(lambda: state_of(job)[0] is not DeliveryState.PENDING)
        return state_of(job)

    return wait


def test_an_end_is_told_once_signed_and_counted(sending, ended, done):
    """With the id of the delivery."""
    with receiver() as told, sending() as callbacks:
        job = ended(told.url, headers={"X-Mine": "a"})
        assert done(job) == (DeliveryState.DELIVERED, 1, "")
    (message,) = told.told
    stamp = message.headers["X-Mlsql-Timestamp"]
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Mlsql-Signature"] == f"sha256={digest}"
    assert message.headers["X-Mlsql-Delivery"] == json.loads(message.body)["id"] == f"{job}-1"
    assert (message.headers["X-Mine"], message.headers["Host"]) == ("a", f"127.0.0.1:{told.port}")
    assert callbacks.tally.snapshot() == {"delivered": 1, "retried": 0, "dead": 0}


def test_what_an_earlier_server_left_goes_out(sending, ended, done):
    """It was written with the end of the job."""
    with receiver() as told:
        jobs = [ended(told.url) for _ in range(5)]
        with sending():
            assert {done(each)[0] for each in jobs} == {DeliveryState.DELIVERED}
    assert len(told.told) == len(jobs)


def test_a_failed_try_is_repeated_under_the_same_id(sending, ended, done):
    """Each signed anew, until it goes well."""
    with receiver(500, 404, 200) as told, sending() as callbacks:
        job = ended(told.url)
        assert done(job) == (DeliveryState.DELIVERED, 3, "")
        assert callbacks.tally.snapshot() == {"delivered": 1, "retried": 2, "dead": 0}
    assert [each.headers["X-Mlsql-Delivery"] for each in told.told] == [f"{job}-1"] * 3


def test_one_that_never_goes_well_is_dead_and_can_be_replayed(sending, ended, done):
    """It is kept until then, with the reason."""
    with receiver(500) as told, sending() as callbacks:
        job = ended(told.url)
        assert done(job) == (DeliveryState.DEAD, 3, "the receiver answered 500")
        assert callbacks.tally.snapshot() == {"delivered": 0, "retried": 2, "dead": 1}
        told.answers[:] = [200]
        callbacks.replay(job, 1)
        assert done(job) == (DeliveryState.DELIVERED, 1, "")
    assert {each.headers["X-Mlsql-Delivery"] for each in told.told} == {f"{job}-1"}


def test_the_caller_says_how_often_it_is_tried(sending, ended, done):
    """Instead of the setting."""
    with receiver(500) as told, sending(retries=50):
        assert done(ended(told.url, tries=1))[:2] == (DeliveryState.DEAD, 1)


def test_a_receiver_that_is_gone_is_not_asked_again(sending, ended, done):
    """410 says so."""
    with receiver(410) as told, sending():
        assert done(ended(told.url)) == (DeliveryState.DEAD, 1, "the receiver answered 410")


def test_nobody_at_the_address_is_a_failed_try(sending, ended, done):
    """As a receiver that restarts."""
    with sending(Targets.read(["127.0.0.1:1"])):
        state, tries, error = done(ended("http://127.0.0.1:1/"))
    assert (state, tries) == (DeliveryState.DEAD, 3)
    assert "ConnectError" in error


def test_a_redirect_leads_nowhere(sending, ended, done):
    """Least of all to loopback."""
    with receiver() as inner:

        def elsewhere(handler):
            handler.send_response(307)
            handler.send_header("Location", inner.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with receiver(elsewhere) as told, sending(Targets.read([f"127.0.0.1:{told.port}"])):
            state, _, error = done(ended(told.url))
    assert (state, error) == (DeliveryState.DEAD, "the receiver answered 307; redirects are not followed")
    assert len(told.told) == 3
    assert inner.told == []


def test_a_name_that_changed_its_address_since_the_submission_is_refused(sending, ended, done):
    """DNS rebinding: public when it was judged first, loopback now; nothing is sent."""
    found = iter([["93.184.215.14"], ["127.0.0.1"]])
    targets = Targets(resolve=lambda _host, _port: next(found))
    with receiver() as told, sending(targets):
        url = f"http://hooks.test:{told.port}/"
        assert targets.judge(url)
        job = ended(url)
        state, tries, error = done(job)
    assert (state, tries) == (DeliveryState.DEAD, 1)
    assert "127.0.0.1 is no public address" in error
    assert told.told == []


def test_the_address_that_was_judged_is_the_one_that_is_connected_to(sending, ended, done):
    """The name is asked once a try, and never by the library that connects."""
    asked = []

    def resolve(host, _port):
        asked.append(host)
        return ["127.0.0.1"]

    with receiver() as told, sending(Targets.read(["127.0.0.1"], resolve)):
        job = ended(f"http://no-such-host.invalid:{told.port}/a?b=c")
        assert done(job)[0] is DeliveryState.DELIVERED
    assert asked == ["no-such-host.invalid"]
    assert told.told[0].headers["Host"] == f"no-such-host.invalid:{told.port}"
    assert told.told[0].path == "/a?b=c"


def test_the_next_address_is_tried_when_one_takes_no_connection(sending, ended, done):
    """As where a host has two, and one of them is down."""
    targets = Targets.read(["127.0.0.0/8", "::1"], lambda _host, _port: ["::1", "127.0.0.1"])
    with receiver() as told, sending(targets):
        job = ended(f"http://hooks.test:{told.port}/")
        assert done(job) == (DeliveryState.DELIVERED, 1, "")


def test_no_proxy_of_the_environment_is_used(sending, ended, done, monkeypatch):
    """It would see what only the receiver shall."""
    with receiver() as proxy, receiver() as told:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with sending():
            assert done(ended(told.url))[0] is DeliveryState.DELIVERED
    assert proxy.told == []


def test_a_slow_receiver_holds_up_nobody_else(sending, ended, done, state_of):
    """Though more than all that are sent at once are due to it, and for longer."""
    with receiver() as slow, receiver() as quick:
        slow.answers[:] = [slow.hold]
        waiting = [ended(slow.url) for _ in range(3 * AT_ONCE)]
        with sending():
            until(lambda: len(slow.told) == AT_ONCE_TO_ONE)
            jobs = [ended(quick.url) for _ in range(2 * AT_ONCE_TO_ONE)]
            assert {done(each)[0] for each in jobs} == {DeliveryState.DELIVERED}
            assert len(slow.told) == AT_ONCE_TO_ONE
            slow.answers[:] = [200]
            slow.over.set()
            assert {done(each)[0] for each in waiting} == {DeliveryState.DELIVERED}


def drip(handler):
    """A status line, a byte at a time."""
    _trickle(handler, itertools.cycle([b"H"]))


def drip_headers(handler):
    """Headers without an end."""
    handler.send_response(200)
    _trickle(handler, itertools.cycle([b"X-A: b\r\n"]))


def _trickle(handler, parts):
    handler.flush_headers()
    for part in parts:
        handler.wfile.write(part)
        handler.wfile.flush()


@pytest.mark.parametrize("answer", ["hold", drip, drip_headers], ids=["silence", "drip", "headers"])
def test_a_receiver_that_does_not_come_to_an_end_is_a_failed_try(sending, ended, done, answer):
    """Silent, or never done with what it says: the limit is one for all."""
    with receiver() as told:
        told.answers[:] = [told.hold if answer == "hold" else slowly(answer, told)]
        with sending(seconds=0.4, retries=0):
            state, _, error = done(ended(told.url))
    assert (state, error) == (DeliveryState.DEAD, "no answer within 0.4 s")


def slowly(answer, told):
    """An answer whose parts come one by one, with pauses."""

    def write(handler):
        write_now = handler.wfile.write

        def wait_and_write(part):
            told.over.wait(0.05)
            return write_now(part)

        handler.wfile.write = wait_and_write
        answer(handler)

    return write


def test_the_words_of_a_receiver_are_not_read_to_their_end(sending, ended, done):
    """However many there are: it has said 200."""

    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10_000):
                handler.wfile.write(b"x" * 2**16)
        except OSError as error:  # reset or broken pipe, as it comes
            cut.append(error)

    cut = []
    with receiver(flood) as told, sending():
        assert done(ended(told.url)) == (DeliveryState.DELIVERED, 1, "")
        until(lambda: cut)


def test_headers_without_measure_are_a_failed_try(sending, ended, done):
    """They would fill the memory."""

    def flood(handler):
        handler.send_response(200)
        for number in range(100_000):
            handler.send_header(f"X-{number}", "x" * 100)
        handler.end_headers()

    with receiver(flood) as told, sending(retries=0):
        state, _, error = done(ended(told.url))
    assert state is DeliveryState.DEAD
    assert "Error" in error


def test_one_delivery_that_cannot_be_sent_does_not_stop_the_others(
    database, sending, ended, done, monkeypatch
):
    """A bug in the writing of one message is a failed try."""
    broken = ended("http://127.0.0.1:1/broken", tries=1)
    original = Messages.of

    def of(self, delivery, job, now):
        if job.id == broken:
            raise ZeroDivisionError
        return original(self, delivery, job, now)

    monkeypatch.setattr(Messages, "of", of)
    with receiver() as told, sending():
        assert done(ended(told.url))[0] is DeliveryState.DELIVERED
        assert done(broken) == (DeliveryState.DEAD, 1, "internal error: ZeroDivisionError")


@given(st.integers(1, 10_000))
def test_pauses_grow_from_a_second_to_an_hour(tries):
    """With chance in them, so that many who failed together do not come together again."""
    assert 1.0 <= pause_after(tries) <= HOUR
    assert pause_after(tries + 1) >= min(pause_after(tries), HOUR / 2)
    assert pause_after(20 + tries) >= HOUR / 2


def http_date(after):
    """The time then, as HTTP writes it."""
    return format_datetime(dt.datetime.now(dt.UTC) + after, usegmt=True)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("120", 120, 120),
        ("999999", HOUR, HOUR),
        ("-1", 0, 0),
        ("soon", 0, 0),
        ("", 0, 0),
        ("١٢", 0, 0),
        (
            format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=30), usegmt=True),
            1,
            1800,
        ),
        (
            format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(days=3), usegmt=True),
            HOUR,
            HOUR,
        ),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
    ],
)
def test_a_receiver_may_ask_for_time_within_reason(text, least, most):
    """Seconds or a date; an hour at most."""
    assert least <= judged(503, {"retry-after": text}).wait <= most


@pytest.mark.parametrize(
    ("status", "again"), [(300, True), (404, True), (500, True), (429, True), (410, False)]
)
def test_what_is_no_success_is_told_by_its_number(status, again):
    """Only one of them is the last word."""
    outcome = judged(status, {})
    assert outcome.error.startswith(f"the receiver answered {status}")
    assert outcome.again is again


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of receiver.test that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("certificate") / "receiver.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "is_trusted", "expected"),
    [
        ("receiver.test", True, ""),
        ("other.test", True, "CERTIFICATE_VERIFY_FAILED"),
        ("receiver.test", False, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_receiver_shows_a_certificate_of_the_name_in_the_url(
    sending, ended, done, certificate, name, is_trusted, expected
):
    """Though it is connected to by its address; one that is not trusted is told nothing."""
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(certificate)
    trusts = {"trusts": ssl.create_default_context(cafile=str(certificate))} if is_trusted else {}
    targets = Targets.read(["127.0.0.1"], lambda _host, _port: ["127.0.0.1"])
    with receiver(tls=shows) as told, sending(targets, **trusts, retries=0):
        state, _, error = done(ended(f"https://{name}:{told.port}/"))
    assert expected in error
    assert (state is DeliveryState.DELIVERED) == (len(told.told) == 1) == (expected == "")
