"""Turns: everybody of a project looks at the same time, projects at different times."""

from __future__ import annotations

import itertools

import pytest

from controllers.request.memory import next_turn


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
