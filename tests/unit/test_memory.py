"""Turns: everybody of a project looks at the same time, projects at different times."""

from __future__ import annotations

import itertools

import pytest

from controllers.request.memory import Memories, Memory, next_turn
from infra.errors import (
    CloudUnavailable,
    CredentialsRejected,
    KunlunError,
    QuotaExceeded,
    RateLimited,
    ServerFault,
)


@pytest.mark.parametrize("now", [0.0, 17.3, 299.9, 300.0, 12345.6])
def test_a_turn_lies_ahead_and_within_the_interval(now: float) -> None:
    """Nobody waits longer than the interval, and nobody looks twice at once."""
    assert now < next_turn("project-1", now=now, interval=300) <= now + 300


def test_requests_of_one_project_share_their_turns() -> None:
    """Whenever they were built: so one listing serves them all."""
    turns = {next_turn("project-1", now=now, interval=300) % 300 for now in (1.0, 77.7, 250.0, 9999.0)}

    assert 1 == len({round(turn, 6) for turn in turns})


def test_projects_are_spread_over_the_interval() -> None:
    """A thousand projects are not listed in the same second."""
    turns = sorted(next_turn(f"project-{n}", now=0, interval=300) for n in range(1000))

    assert 5 > max(later - earlier for earlier, later in itertools.pairwise(turns))


def test_the_same_failure_rests_longer_each_time() -> None:
    """1, 2, 4 … 300 seconds, and never less than the error asks for; another reason begins anew."""
    memory = Memory()
    down, slow = CloudUnavailable("down", retry_after_seconds=0), RateLimited("slowly", retry_after_seconds=17)
    rests = [memory.rest("plan-1", now=0, pause=0, error=down) for _ in range(12)]

    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] == rests
    assert 17 == memory.rest("plan-1", now=0, pause=17, error=slow)
    assert 1 == memory.rest("plan-2", now=0, pause=0, error=down)


@pytest.mark.parametrize("error", [ServerFault("broken"), QuotaExceeded("used up", retry_after_seconds=30)])
def test_what_others_put_right_is_tried_again_within_a_minute(error: KunlunError) -> None:
    """Nobody tells us that the quota was raised or the credential repaired."""
    memory = Memory()
    assert {60} >= {memory.rest("plan-1", now=0, pause=60, error=error) for _ in range(20)}


def test_a_success_forgets_the_failures() -> None:
    """The next failure is a first one."""
    memory, down = Memory(), CloudUnavailable("down")
    for _ in range(5):
        memory.rest("plan-1", now=0, pause=0, error=down)
    memory.rested()
    assert 1 == memory.rest("plan-1", now=0, pause=0, error=down)


def test_a_new_credential_wakes_only_what_rests_for_the_old_one() -> None:
    """Everything else has its own time."""
    memories = Memories()
    memories.of("a").rest("plan", now=0, pause=60, error=CredentialsRejected("no"))
    memories.of("b").rest("plan", now=0, pause=60, error=CloudUnavailable("down"))
    memories.wake(CredentialsRejected)

    assert (None, 60) == (memories.of("a").resting("plan", 0), (memories.of("b").resting("plan", 0) or (0,))[0])
