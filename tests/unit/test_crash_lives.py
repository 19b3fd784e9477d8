"""Which points of the crash suite share a request."""

from __future__ import annotations

from collections import Counter

from tests.crash.points import ENDINGS, POINTS, Phase, lives


def test_every_point_that_is_asked_for_is_carried_out_once() -> None:
    """However many share a request."""
    assert Counter(POINTS.keys()) == Counter(point.name for life in lives(POINTS) for point in life)


def test_a_removal_ends_what_was_built_under_fire() -> None:
    """Each removal has another beginning, and none is left without one."""
    phases = [tuple(point.phase for point in life) for life in lives(ENDINGS.keys() | set(ENDINGS.values()))]

    assert [(Phase.BUILDING, Phase.REMOVAL)] * len(ENDINGS) == phases
    assert {name for name, point in POINTS.items() if point.phase is Phase.REMOVAL} == set(ENDINGS.values())


def test_a_point_that_is_asked_for_alone_has_a_request_of_its_own() -> None:
    """So that a run can be done again by its name and seed."""
    assert [("secret-deleted",)] == [tuple(point.name for point in life) for life in lives(["secret-deleted"])]
    assert [("post-unrecorded",)] == [tuple(point.name for point in life) for life in lives(["post-unrecorded"])]
