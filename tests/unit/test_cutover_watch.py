"""When a supervision is over, and when it is given up: what the watch's plugin counts."""

from __future__ import annotations

from playbooks.cutover.action_plugins.kunlun_watch import Tally

HERE, THERE = "old-web at http://permits", "counter at http://permits"


def a_tally(limit: int, *looks: tuple[str, bool]) -> Tally:
    tally = Tally(limit, [HERE, THERE])
    for who, well in looks:
        tally.take((who, well, "well 200" if well else "badly: status 503"))
    return tally


def test_it_is_not_over_before_every_caller_has_looked() -> None:
    """One whose host does not answer has seen nothing."""
    assert not a_tally(3, (HERE, True), (HERE, True)).is_decided()
    assert a_tally(3, (HERE, True), (THERE, True)).is_decided()


def test_it_is_not_over_in_the_middle_of_a_row_of_failures() -> None:
    """The next look decides; where failures never end it, none is waited for."""
    looks = ((HERE, True), (THERE, False))

    assert not a_tally(3, *looks).is_decided()
    assert a_tally(0, *looks).is_decided()
    assert a_tally(3, *looks, (THERE, True)).is_decided()


def test_callers_that_ask_the_same_are_counted_apart() -> None:
    """A zone that is not served is not made good by one that is."""
    tally = a_tally(3, *[(HERE, False), (THERE, True)] * 3)

    assert {
        "looks": 6,
        "failures": 3,
        "in_a_row": 3,
        "given_up": f"{HERE}: badly: status 503",
    } == tally.told()
