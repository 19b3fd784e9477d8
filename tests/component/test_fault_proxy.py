"""The fault proxy against a tiny upstream: what it lets through, what it breaks, what it counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.component.tiny_upstream import ITEMS, SOON, Stage, an_upstream, eventually
from tests.faults import answers
from tests.faults.actions import CutShort, Delay, Drop, Forget, Moment, Reply, Silence
from tests.faults.calls import Answer, Call
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Match, Rule


@pytest.fixture
def stage() -> Iterator[Stage]:
    with (
        an_upstream() as (address, handler),
        FaultProxy({"network": address, "kubernetes": f"{address}/k"}) as proxy,
    ):
        yield Stage(proxy, handler)


def test_without_rules_everything_passes_and_is_counted(stage: Stage) -> None:
    """Method, path, query, body and headers arrive; addresses in answers lead to the proxy again."""
    found = stage.call("POST", "/v2.0/ports?limit=1", b'{"port": 1}')

    assert [("POST", "/v2.0/ports?limit=1", b'{"port": 1}', "secret")] == stage.handler.seen
    assert {**ITEMS, "self": f"{stage.proxy.address('network')}/"} == json.loads(found.body)
    assert {("network", "POST", "ports"): 1} == stage.book.counted()


@pytest.mark.parametrize(
    ("call", "collection"),
    [
        pytest.param(Call("network", "GET", "/v2.0/ports/0a1b-22"), "ports", id="an id is no word"),
        pytest.param(Call("network", "PUT", "/network/v2.0/routers/9f/add_router_interface"),
                     "routers/add_router_interface", id="a prefix is left out"),
        pytest.param(Call("kubernetes", "PATCH", "/apis/kunlun.cloud/v1alpha1/namespaces/n/resourcerequests/r/status"),
                     "resourcerequests/status", id="a subresource"),
        pytest.param(Call("kubernetes", "GET", "/apis/kunlun.cloud/v1alpha1/zones/z"), "zones", id="cluster-wide"),
        pytest.param(Call("kubernetes", "POST", "/api/v1/namespaces/n/events"), "events", id="the core group"),
        pytest.param(Call("kubernetes", "GET", "/api/v1/namespaces/n"), "namespaces", id="a namespace itself"),
    ],
)  # fmt: skip
def test_calls_are_known_by_their_collection(call: Call, collection: str) -> None:
    """Rules and counts speak of kinds of calls, not of ids and names."""
    assert collection == call.collection


@pytest.mark.parametrize(("moment", "sent"), [(Moment.BEFORE, 0), (Moment.AFTER, 1)])
def test_a_dropped_call_has_no_answer(stage: Stage, moment: Moment, sent: int) -> None:
    """Before: the upstream never saw it. After: it has done what it was asked, and nobody knows."""
    stage.book.add(Rule(Match("network", "POST", "ports"), Drop(moment)))

    with pytest.raises(ConnectionError):
        stage.call("POST")
    assert sent == len(stage.handler.seen)
    assert 200 == stage.call("POST").status


def test_a_call_held_before_the_upstream_goes_on_when_it_is_released(stage: Stage) -> None:
    """Also when the caller is dead by then: its packets were on their way."""
    gate = stage.book.hold(Match(method="POST"), Moment.BEFORE)
    connection = stage.connection()
    connection.request("POST", "/v2.0/ports", b"{}")
    held = gate.wait(SOON)
    before = len(stage.handler.seen)
    connection.close()
    gate.forward()

    assert ("POST", b"{}", 0) == (held.method, held.body, before)
    assert eventually(lambda: len(stage.handler.seen) == 1)


def test_an_answer_is_held_until_it_is_released(stage: Stage) -> None:
    """The upstream has done it; the caller waits."""
    gate = stage.book.hold(Match(method="POST"), Moment.AFTER)
    caller = stage.later("POST")
    gate.wait(SOON)
    held = not caller.done(), len(stage.handler.seen)
    gate.forward()

    assert (True, 1) == held
    assert 200 == caller.result(SOON).status


def test_a_held_call_can_be_dropped_instead(stage: Stage) -> None:
    """Then the upstream never sees it."""
    gate = stage.book.hold(Match(method="POST"), Moment.BEFORE)
    caller = stage.later("POST")
    gate.wait(SOON)
    gate.drop()

    with pytest.raises(ConnectionError):
        caller.result(SOON)
    assert [] == stage.handler.seen


def test_a_delayed_answer_comes_after_the_deadline_of_the_caller(stage: Stage) -> None:
    """The caller has given up; the upstream has done it all the same."""
    stage.book.add(Rule(Match(method="POST"), Delay(3600, Moment.AFTER)))
    connection = stage.connection()
    connection.timeout = 0.3
    connection.request("POST", "/v2.0/ports")

    with pytest.raises(TimeoutError):
        connection.getresponse()
    assert 1 == len(stage.handler.seen)


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        (answers.not_authenticated(), 401, "authentication"),
        (answers.quota_of_nova(), 403, "Quota exceeded"),
        (answers.forbidden(), 403, "Policy"),
        (answers.absent(), 404, "itemNotFound"),
        (answers.quota_of_neutron(), 409, "OverQuota"),
        (answers.no_more_addresses(), 409, "IpAddressGenerationFailure"),
        (answers.conflict(), 409, "conflictingRequest"),
        (answers.quota_of_cinder(), 413, "quota"),
        (answers.too_many(), 429, "rate-limited"),
        (answers.broken(), 500, "Unexpected"),
        (answers.unavailable(), 503, "Unavailable"),
        (answers.status_conflict(), 409, "modified"),
    ],
)  # fmt: skip
def test_a_refusal_is_given_in_the_upstreams_place(stage: Stage, answer: Answer, status: int, word: str) -> None:
    """Each in the words in which it really comes."""
    stage.book.add(Rule(Match(), Reply(answer)))
    found = stage.call()

    assert (status, True, 0) == (found.status, word in found.body.decode(), len(stage.handler.seen))


def test_an_answer_can_be_replaced_after_the_fact(stage: Stage) -> None:
    """The upstream has written it, and the caller hears of a failure."""
    stage.book.add(Rule(Match(), Reply(answers.broken(), Moment.AFTER)))

    assert (500, 1) == (stage.call().status, len(stage.handler.seen))


def test_retry_after_is_sent_only_when_asked_for(stage: Stage) -> None:
    """Both kinds of 429 exist."""
    stage.book.add(Rule(Match(), Reply(answers.too_many(7))))
    stage.book.add(Rule(Match(), Reply(answers.too_many()), nth=2))

    assert ["7", None] == [stage.call().headers.get("Retry-After") for _ in range(2)]


def test_a_list_can_be_cut_in_the_middle(stage: Stage) -> None:
    """No JSON any more, and no sign of it in the headers."""
    stage.book.add(Rule(Match(), CutShort()))
    found = stage.call()

    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(found.body)
    assert str(len(found.body)) == found.headers["Content-Length"]


def test_a_list_can_forget_items_and_stay_valid(stage: Stage) -> None:
    """As a service that has just started may do."""
    stage.book.add(Rule(Match(), Forget(keep=1)))
    found = json.loads(stage.call().body)

    assert ([{"id": "a"}], "PortList") == (found["ports"], found["kind"])


def test_a_rule_is_for_the_nth_matching_call_and_so_many_after_it(stage: Stage) -> None:
    """Other calls count for nothing, and neither does what the condition excludes."""
    wanted = Match("network", "GET", "ports", where=lambda call: call.query.get("name") == "x")
    stage.book.add(Rule(wanted, Reply(answers.broken()), nth=2, count=2))
    paths = ("/v2.0/ports?name=x", "/v2.0/ports", "/v2.0/routers?name=x")
    found = [[stage.call(path=path).status for path in paths] for _ in range(4)]

    assert [[200] * 3, [500, 200, 200], [500, 200, 200], [200] * 3] == found


def test_a_rule_without_count_acts_until_it_is_removed(stage: Stage) -> None:
    """An outage lasts until it is over."""
    outage = stage.book.add(Rule(Match(), Reply(answers.unavailable()), count=None))
    during = [stage.call().status for _ in range(3)]
    stage.book.remove(outage)

    assert ([503] * 3, 200) == (during, stage.call().status)


def test_a_watch_streams_and_can_fall_silent_without_closing(stage: Stage) -> None:
    """Lines come as they are sent; a silenced stream says nothing more, and goes on when it may."""
    stage.handler.lines.append(b"one")
    with stage.stream("/apis/kunlun.cloud/v1alpha1/zones?watch=true") as stream:
        first = stream.heard(b"one")
        silence = stage.book.add(Rule(Match("kubernetes", "WATCH"), Silence()))
        stage.handler.lines.append(b"two")
        during = stream.heard(b"two", seconds=0.4)
        stage.book.remove(silence)
        afterwards = stream.heard(b"two")

    assert (True, False, True) == (first, during, afterwards)
    assert {("kubernetes", "WATCH", "zones"): 1} == stage.book.counted()


def test_waiting_for_calls_ends_with_the_call(stage: Stage) -> None:
    """Synchronous tests wait for what the proxy sees."""
    caller = stage.later()

    assert stage.book.await_calls(("network", "GET", "ports"), 1, SOON)
    assert not stage.book.await_calls(("network", "GET", "ports"), 2, 0.05)
    assert 200 == caller.result(SOON).status


def test_a_dead_upstream_looks_like_one(stage: Stage) -> None:
    """Nobody listens: the connection breaks, and the proxy lives on."""
    with FaultProxy({"network": "http://127.0.0.1:1"}) as proxy:
        lonely = Stage(proxy, stage.handler)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                lonely.call()


def test_a_closed_proxy_leaves_nothing(stage: Stage) -> None:
    """Held calls break, the port is free, the thread is gone."""
    with FaultProxy({"network": "http://127.0.0.1:1"}) as proxy:
        gate = proxy.book.hold(Match(), Moment.BEFORE)
        caller = Stage(proxy, stage.handler).later()
        gate.wait(SOON)
        connection = Stage(proxy, stage.handler).connection()

    with pytest.raises(ConnectionError):
        caller.result(SOON)
    with pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/")
    assert [] == [thread for thread in threading.enumerate() if thread is proxy._thread]
