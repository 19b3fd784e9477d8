"""Two operators: one works, the other stands by; whatever happens to the first, nothing is made twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.conftest import Sandbox
from tests.e2e.operator_control import OperatorControl
from tests.e2e.rivals import Rival, start_rival
from tests.e2e.story import Story, a_server, a_story, leftovers, project_of
from tests.e2e.traces import calls, changes, writes

TAKEOVER_SECONDS = 30.0
Start = Callable[..., Rival]


@pytest.fixture
def start(sandbox: Sandbox, operator: OperatorControl) -> Iterator[Start]:
    """Starts operators of the test's own; the sandbox's is stopped meanwhile."""
    started: list[Rival] = []

    def begin(name: str, host: str | None = None) -> Rival:
        started.append(start_rival(sandbox, name, host=host))
        return started[-1]

    operator.stop()
    try:
        yield begin
    finally:
        for rival in started:
            rival.end()
        operator.start()


def test_a_standby_takes_over_from_a_dead_leader_and_from_one_that_ends(sandbox: Sandbox, start: Start) -> None:
    """kill -9 in the middle of a build, with no proof of death: after the Lease's expiry. SIGTERM: at once."""
    before = leftovers(sandbox, project_of(sandbox))
    with a_story(sandbox, "taken-over") as story:
        first = start("first")
        assert first.leads()
        second = start("second", host="another-machine")
        assert second.stands_by()
        story.apply(servers=[a_server(count=3)])
        story.approve()
        assert first.builds()
        first.send(signal.SIGKILL)

        assert second.leads(TAKEOVER_SECONDS)
        story.ready()
        assert [] == story.unplanned()
        third = start("third")
        assert third.stands_by()
        second.send(signal.SIGTERM)
        assert third.leads(10)
        assert 0 == second.ended()
    assert before == leftovers(sandbox, project_of(sandbox))


def test_a_leader_that_was_stopped_past_its_lease_changes_nothing_any_more(sandbox: Sandbox, start: Start) -> None:
    """SIGSTOP in the middle of a build; another one finishes it; SIGCONT: it begins anew, and nothing was changed."""
    with a_story(sandbox, "stopped-leader") as story:
        first = start("first")
        assert first.leads()
        second = start("second")
        assert second.stands_by()
        story.apply(servers=[a_server(count=2)])
        story.approve()
        assert first.builds()
        engines = first.engines()
        first.send(signal.SIGSTOP)
        assert second.leads(TAKEOVER_SECONDS)
        story.ready()
        made = _settled(sandbox, story)
        first.send(signal.SIGCONT)

        assert first.stands_by()
        assert [] == [engine for engine in engines if engine.is_running() and engine.status() != psutil.STATUS_ZOMBIE]
        time.sleep(1)
        assert made == _made(sandbox)
        assert [] == story.unplanned()


def _settled(sandbox: Sandbox, story: Story) -> tuple[int, int]:
    """What has been written when the request has settled."""
    time.sleep(3)
    assert "Ready" == story.condition("Ready")[1]
    return _made(sandbox)


def _made(sandbox: Sandbox) -> tuple[int, int]:
    """(writes to Kubernetes, changes to OpenStack)."""
    called = calls(sandbox)
    return writes(sandbox), sum(called[call] for call in changes(called))
