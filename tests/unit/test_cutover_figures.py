"""Figures of cutovers: what wakes somebody at night is told by the status that the operator wrote, and by the clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from controllers.api.cutoversteps import Event, Step
from controllers.api.stored import Cutover
from controllers.api.times import later_by
from controllers.cutover.decide import decide
from controllers.cutover.status import status_of
from controllers.cutoverfigures import cutover_figures
from controllers.measures import CutoverMeasures
from infra.errors import GuestUnreachable, PlaybookFailed
from tests.counted import counted
from tests.unit.cutover_case import CLOSES, DAY, OPENS, OPERATOR, Case
from tests.unit.cutover_world import World, failed
from tests.unit.test_figures import Scrape


def standing(case: Case) -> Cutover:
    """As the operator's status tells it now."""
    facts = case.facts
    return replace(facts.cutover, status=status_of(facts, decide(facts, operator=OPERATOR)))


class Once:
    """A collector of what was looked at."""

    def __init__(self, *cases: Case, now: str = "") -> None:
        self.found = list(cutover_figures([standing(case) for case in cases], now or cases[0].now))

    def collect(self) -> list[Metric]:
        return self.found


def scraped(*cases: Case, now: str = "") -> Scrape:
    registry = CollectorRegistry()
    registry.register(Once(*cases, now=now))
    return Scrape(registry)


def unsigned() -> Case:
    """Its window has just opened, and a signature is missing: the source goes on."""
    return Case().tried().sign("provider", "ops.wang").at(OPENS)


def test_where_services_live_is_counted_with_zeros() -> None:
    """Two on their sources, one on its way; nothing that is not there is invented, and what may come is there at 0."""
    found = scraped(Case(), Case().tried(), Case().ready_to_cut().did(Step.FREEZE_SOURCE))

    assert (2, 1, 0) == tuple(found.value("kunlun_cutovers", live=side) for side in ("Source", "Neither", "Target"))
    assert 0 == found.value("kunlun_cutovers_going_back", by="Operator")
    assert 0 == found.value("kunlun_cutover_originals", state="Over")


def test_a_window_that_ends_while_the_service_stands_still_is_seen() -> None:
    """Ten minutes are left; what has not begun is another matter."""
    frozen = Case().ready_to_cut().did(Step.FREEZE_SOURCE)
    found = scraped(frozen, unsigned(), now=later_by(CLOSES, -600))

    assert 2 == found.value("kunlun_cutovers_in_window")
    assert 600 == found.value("kunlun_cutover_window_left_seconds", live="Neither")
    assert 600 == found.value("kunlun_cutover_window_left_seconds", live="Source")


@pytest.mark.parametrize("now", [later_by(OPENS, -1), later_by(CLOSES, 1)])
def test_outside_its_window_only_what_stands_still_counts(now: str) -> None:
    """However long the window has been over: the time that is left is less than none."""
    untouched = scraped(unsigned(), now=now)
    frozen = scraped(Case().ready_to_cut().did(Step.FREEZE_SOURCE), now=later_by(CLOSES, 1))

    assert 0 == untouched.value("kunlun_cutovers_in_window")
    assert "kunlun_cutover_window_left_seconds" not in untouched.labels()
    assert -1 == frozen.value("kunlun_cutover_window_left_seconds", live="Neither")


def test_a_cut_that_is_through_is_in_no_window() -> None:
    """Its window may be open for hours."""
    found = scraped(Case().cut())

    assert (0, 1) == (found.value("kunlun_cutovers_in_window"), found.value("kunlun_cutovers", live="Target"))


def test_who_has_not_signed_is_told_by_party() -> None:
    """Of the trial as of the release, and how long the oldest has waited."""
    tried = Case().tried()
    tried.sign("provider", "ops.wang")
    kept = Case().cut().later(91 * DAY).ask(stage="Release")
    found = scraped(tried, Case().tried(), kept, now=later_by(kept.now, 3600))

    assert 3 == found.value("kunlun_cutover_signatures_waiting", party="department")
    assert 2 == found.value("kunlun_cutover_signatures_waiting", party="provider")
    assert 3600 <= found.value("kunlun_cutover_signature_oldest_wait_seconds")


def test_before_its_report_nobody_has_to_sign() -> None:
    """And nobody is waited for when all have."""
    found = scraped(Case(), Case().ready_to_cut())

    assert "kunlun_cutover_signatures_waiting" not in found.labels()
    assert 0 == found.value("kunlun_cutover_signature_oldest_wait_seconds")


def test_who_wants_a_service_back_is_told_apart() -> None:
    """A person who asked, and what was agreed: a window that is over, a watch that has seen enough."""
    asked = Case().cut().ask(stage="RollBack")
    over = Case().ready_to_cut().did(Step.FREEZE_SOURCE).at(later_by(CLOSES, 60))
    seen = Case().cut(Step.UNFREEZE_TARGET).begin(Step.WATCH).end(Step.WATCH, Event.FAILED, failures_in_a_row=5)
    found = scraped(asked, over, seen)

    assert 1 == found.value("kunlun_cutovers_going_back", by="Person")
    assert 2 == found.value("kunlun_cutovers_going_back", by="Operator")


def test_an_original_whose_retention_is_over_is_seen() -> None:
    """By the clock, not by a status that was written long ago; a released one is none any more."""
    kept, released = Case().cut(), Case().cut().later(91 * DAY).did(Step.RELEASE)
    now = later_by(kept.now, 91 * DAY)

    assert 1 == scraped(kept).value("kunlun_cutover_originals", state="Kept")
    found = scraped(kept, released, now=now)
    assert 1 == found.value("kunlun_cutover_originals", state="Over")
    assert 1 == found.value("kunlun_cutover_originals", state="Released")


async def test_every_attempt_that_ends_is_counted_with_its_result() -> None:
    """Once; the reason is that of the error tree."""
    world = World()
    world.runner.failing[Step.PREFLIGHT] = failed("no space on web-0")
    await world.settle()
    world.runner.failing.clear()
    world.today = later_by(world.today, 60)
    await world.settle()

    found = counted(world.parts.measures.cutovers.steps)
    assert 1 == found["Preflight", "PlaybookFailed"]
    assert (1, 1) == (found["Preflight", "Done"], found["Adapt", "Done"])


def test_a_watch_that_never_failed_is_counted_as_none() -> None:
    """A rise from nothing would be seen by no alert."""
    measures = CutoverMeasures()
    assert 0 == counted(measures.steps)["Watch", "PlaybookFailed"]

    measures.ended(Step.WATCH, PlaybookFailed("5 failures in a row"), 25.0)
    measures.ended(Step.WATCH, GuestUnreachable("no answer", retry_after_seconds=10), None)
    assert (1, 1) == (counted(measures.steps)["Watch", "PlaybookFailed"], counted(measures.seconds)["Watch",])
