"""The fault table's own parts: how rows are dealt out, what is attributed to them, and what is wrong with one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.faults import answers
from tests.faults.actions import Dropped
from tests.faults.calls import Answer, Call, Kind
from tests.faults.table.calls import BUILDING, LISTS, OF_LINKS, RECORD, TOKENS
from tests.faults.table.faults import FAULTS
from tests.faults.table.judging import MOST_CALLS_OF_AN_ATTEMPT, Result
from tests.faults.table.lives import dealt, every_pair
from tests.faults.table.rendering import summary, table
from tests.faults.table.rows import Form, Row, attempts, shortest_pause
from tests.faults.table.script import ProjectScript
from tests.faults.table.statuses import Shown, shown_in

PORTS: Kind = ("network", "POST", "ports")


def a_row(fault: str = "500", call: Kind = PORTS, form: Form = Form.LASTING, **seen: Any) -> Row:
    """A row that was met once, shown, and is over."""
    told = Shown(1.0, ready=False, reason="CloudUnavailable", message="OpenStack refused POST ports")
    known: dict[str, Any] = {"arrivals": [0.0], "ended": 7.0, "went_on": 9.0, "told": told}
    return Row(FAULTS[fault], call, form, **(known | seen))


def a_result(row: Row | None = None, **found: Any) -> Result:
    return Result(row or a_row(), **({"next_at": 20.0, "operator_lived": True} | found))


def test_every_pair_is_dealt_once() -> None:
    """No row of the table is left out or done twice."""
    rows = Counter((row.fault.name, row.call) for life in dealt(every_pair()) for row in life.rows)

    assert Counter((fault.name, call) for fault, call in every_pair()) == rows


def test_the_rows_of_a_life_follow_what_their_calls_need() -> None:
    """A call that needs nothing of the one before it would be sent, and succeed, while that one still fails."""
    for life in dealt(every_pair()):
        calls = [row.call for row in life.building]
        chain = next(chain for chain in BUILDING if {*calls} <= {*chain})
        assert [kind for kind in chain if kind in calls] == calls


def test_a_list_that_lies_comes_last() -> None:
    """The look does not fail by it, so nothing that is met by looking can follow."""
    orders = [[row.fault.fails_a_look for row in life.listing] for life in dealt(every_pair())]

    assert [sorted(order, reverse=True) for order in orders] == orders
    assert 1 == max(order.count(False) for order in orders)  # else the second would be met by nothing


def test_both_forms_of_every_fault_are_met() -> None:
    """Once and lasting; a list that lies for ever cannot be seen through by anybody."""
    forms: dict[str, set[Form]] = {}
    for row in (row for life in dealt(every_pair()) for row in life.rows):
        forms.setdefault(row.fault.name, set()).add(row.form)

    assert {name: set(Form) if fault.may_last else {Form.ONCE} for name, fault in FAULTS.items()} == forms


def test_lists_alone_have_lives_too() -> None:
    """Rows about looks can be chosen on their own."""
    lives = dealt([(FAULTS["500"], kind) for kind in LISTS])

    assert len(LISTS) == sum(len(life.listing) for life in lives)


def test_what_only_links_need_is_met_by_requests_that_another_calls() -> None:
    """And no other request has to have one beside it."""
    lives = dealt(every_pair())

    assert {row.call for life in lives if life.is_linked for row in life.rows if row not in life.listing} == OF_LINKS


@pytest.mark.parametrize(
    ("arrivals", "pause"),
    [
        pytest.param([1.0], None, id="one attempt has no pause"),
        pytest.param([1.0, 1.2, 1.4], None, id="one by one what was refused in bulk"),
        pytest.param([1.0, 1.2, 6.2, 8.2], 2.0, id="from the end of one to the beginning of the next"),
    ],
)
def test_the_pause_is_between_attempts(arrivals: list[float], pause: float | None) -> None:
    """Calls close to each other are one attempt."""
    assert pytest.approx(pause) == shortest_pause(arrivals)


@pytest.mark.parametrize(
    ("calls", "pause", "complaints"),
    [(12, 0.5, ["called in a loop"]), (MOST_CALLS_OF_AN_ATTEMPT + 1, 0.01, ["called in a loop"]), (13, 0.1, [])],
    ids=["for seconds", "very many", "all zones at once"],
)
def test_a_loop_is_an_attempt_that_does_not_end(calls: int, pause: float, complaints: list[str]) -> None:
    """However short its pauses are."""
    looping = a_result(a_row(arrivals=[number * pause for number in range(calls)]))

    assert (complaints, 1) == (looping.complaints(), len(attempts(looping.row.arrivals)))


def test_what_is_shown_belongs_to_the_row_whose_time_it_is() -> None:
    """From its first call until the next row's; progress is no failure."""
    row = a_row(told=None, arrivals=[2.0])
    early, late = (Shown(at, ready=False, reason="RateLimited", message="slowly") for at in (1.0, 9.0))
    building = Shown(3.0, ready=False, reason="Building", message="building plan")
    row.see([early, building, late], until=8.0)
    unseen = row.told
    row.see([early, building, replace(late, at=4.0, stalled=True)], until=8.0)

    assert (None, ("RateLimited", "slowly"), True) == (unseen, row.told and row.told.words, row.was_stalled)


@pytest.mark.parametrize(
    ("message", "is_failure"),
    [("removed 1 of 7: Server web", False), ("CloudUnavailable: OpenStack does not answer to GET ports", True)],
)
def test_a_removal_tells_its_failures_in_its_message(message: str, is_failure: bool) -> None:
    """Its reason is always Deleting."""
    assert is_failure == Shown(0.0, ready=False, reason="Deleting", message=message).is_failure


def test_ready_counts_only_for_the_present_spec_and_plan() -> None:
    """An older Ready says nothing of a change."""
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 2}
    status = {"conditions": [ready], "plan": "p-2", "approvedPlan": "p-2"}
    body = {"metadata": {"generation": 2}, "status": status}
    older = {**body, "metadata": {"generation": 3}}
    unapproved = {**body, "status": {**status, "plan": "p-3"}}

    assert [True, False, False] == [shown_in(each, 0.0).ready for each in (body, older, unapproved)]


def test_a_fault_that_lasts_ends_when_it_was_seen_and_met_again() -> None:
    """Or when the operator rests for longer than anybody wants to watch; once ends with its first call."""
    again = a_row(ended=None, arrivals=[0.0, 5.0])
    resting = a_row(ended=None)
    once = Row(FAULTS["500"], PORTS, Form.ONCE)

    assert [True, False, True] == [again.may_end(5.5), resting.may_end(5.5), resting.may_end(7.5)]
    assert ([True, False], 1.0) == ([once.meets(1.0), once.meets(2.0)], once.ended)


@pytest.mark.parametrize(
    ("result", "complaints"),
    [
        pytest.param(a_result(), [], id="seen and healed"),
        pytest.param(a_result(a_row(told=None)), [], id="never seen"),
        pytest.param(a_result(a_row(arrivals=[])), ["the call was never made"], id="never met"),
        pytest.param(a_result(operator_lived=False), ["the operator ended"], id="crashed"),
        pytest.param(a_result(unfinished="no Ready"), ["terminal: no Ready"], id="not healed"),
        pytest.param(a_result(deviations=("Port p x2",)), ["not exact: Port p x2"], id="doubled"),
        pytest.param(a_result(a_row(was_stalled=True)), ["stalled by what time heals"], id="time heals it"),
        pytest.param(a_result(a_row("401", was_stalled=True)), [], id="people heal it"),
        pytest.param(
            a_result(a_row("429 Retry-After", arrivals=[0.0, 2.0])), ["tried again after 2.0 s"], id="too early"
        ),
    ],
)
def test_a_row_is_judged(result: Result, complaints: list[str]) -> None:
    """Crashed, looping, terminal, inexact or not exercised: each is said."""
    assert complaints == result.complaints()


def test_the_table_shows_each_row_with_its_message_and_what_is_wrong() -> None:
    """A complaint stands below its row, and in the last line's count."""
    results = [a_result(), a_result(a_row("404", told=None), operator_lived=False)]
    lines = table(results).splitlines()

    words = ["500", "POST ports", "request", "lasting", "shown as CloudUnavailable, recovered", "2.0", "1", "-"]

    assert [*words, "yes", "yes", "OpenStack refused POST ports"] == re.split(r" {2,}", lines[1])
    assert "    !! the operator ended" == lines[3]
    assert "2 rows in 9 s: 1 as they should be (1 recovered before anybody saw it), 1 not" == summary(results, 9.4)


async def test_a_script_breaks_only_the_calls_of_its_project() -> None:
    """A project's calls are known by the tokens that were given out for it."""
    script = ProjectScript(project="p1")
    login = Call("identity", "POST", "/v3/auth/tokens", body=b'{"scope": {"project": {"id": "p1"}}}')
    await script.before(login)
    await script.after(login, Answer(201, headers={"X-Subject-Token": "t1"}))
    calls = [Call("network", "POST", "/v2.0/ports", token=token) for token in ("t1", "t2")]

    assert [True, True, False] == [script.owns(call) for call in (login, *calls)]


async def test_a_login_is_met_by_refusing_the_token_in_use() -> None:
    """A token lasts for hours; nobody waits for that."""
    row = Row(FAULTS["dropped before"], TOKENS, Form.ONCE)
    script, call = ProjectScript(project="p1", rows=(row,)), Call("network", "GET", "/v2.0/ports")
    refused = await script.before(call)
    with pytest.raises(Dropped):
        await script.before(Call("identity", "POST", "/v3/auth/tokens"))

    assert (answers.not_authenticated(), None) == (refused, await script.before(call))


def test_a_line_of_the_record_is_known_by_its_request() -> None:
    """It has no token of OpenStack; a request whose name only begins alike is another."""
    script = ProjectScript(project="p1", request="fault-c-1")
    path = "/apis/kunlun.cloud/v1alpha1/namespaces/civil-affairs/decisions"
    lines = [Call(*RECORD[:2], path, body=f'{{"request": "{name}"}}'.encode()) for name in ("fault-c-1", "fault-c-10")]

    assert [True, False] == [script.owns(line) for line in lines]
    assert [False, False] == [ProjectScript(project="p1").owns(line) for line in lines]
