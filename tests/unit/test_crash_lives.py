"""Which points of the crash suite share a request."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.crash.points import CHANGES, ENDINGS, POINTS, Phase, lives

SEEDS = (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_point_that_is_asked_for_is_carried_out_once(seed: int) -> None:
    """However many share a request."""
    assert Counter(POINTS.keys()) == Counter(point.name for life in lives(POINTS, seed) for point in life)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_removal_ends_what_was_built_under_fire(seed: int) -> None:
    """Each removal has another beginning, and none is left without one."""
    phases = [tuple(point.phase for point in life) for life in lives(ENDINGS.keys() | set(ENDINGS.values()), seed)]

    assert [(Phase.BUILDING, Phase.REMOVAL)] * len(ENDINGS) == phases
    assert {name for name, point in POINTS.items() if point.phase is Phase.REMOVAL} == set(ENDINGS.values())


def test_what_is_done_to_a_new_request_is_done_to_a_change_with_the_next_seed() -> None:
    """Both orders are tried, and the removal stays the last."""
    names = ("approval-read", "status-conflict", "delete-unanswered")
    orders = [[point.name for point in life] for seed in SEEDS for life in lives(names, seed)]

    assert [list(names), ["status-conflict", "approval-read", "delete-unanswered"]] == orders
    assert not CHANGES.keys() & set(CHANGES.values())


@pytest.mark.parametrize("name", ["secret-deleted", "post-unrecorded", "state-truncated"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_point_that_is_asked_for_alone_has_a_request_of_its_own(name: str, seed: int) -> None:
    """Nothing that was not asked for is done."""
    assert [(name,)] == [tuple(point.name for point in life) for life in lives([name], seed)]
