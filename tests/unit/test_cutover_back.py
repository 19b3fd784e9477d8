"""The way back from a cutover, and the end of it: what is lost, what is named, what stays how long."""

from __future__ import annotations

import pytest

from controllers.api.cutoversteps import Event, Step
from controllers.cutover.way import SWITCH
from tests.unit.cutover_case import DAY, Case, a_target, told


def test_an_attempt_to_open_the_target_counts_as_open() -> None:
    """Killed in the middle, nobody knows: so the way back freezes the target first, and counts."""
    case = Case().cut(Step.VERIFY_ZONES).begin(Step.UNFREEZE_TARGET).ask(stage="RollBack")

    assert "not done before it: FreezeTarget, CountLosses" in told(Step.RETURN_CALLERS, case)
    assert "not done before it: FreezeTarget, CountLosses, ReturnCallers" in told(Step.UNFREEZE_SOURCE, case)


def test_losses_are_named_by_whoever_wants_them() -> None:
    """Counted, listed, and the very list named; another number since then is another list."""
    case = Case().cut().ask(stage="RollBack").count(7)
    losses = case.facts.losses
    assert losses is not None
    assert (7, [("table permits", "7")]) == (losses.writes, [(item.name, item.value) for item in losses.lines])

    for step in (Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE):
        assert "7 writes since the switch would be lost, see `status.losses`; whoever wants that says so in " in told(
            step, case
        )
    case.ask(rollBack={"loses": "0" * 64, "reason": "portal is down"})
    assert losses.digest in told(Step.RETURN_CALLERS, case)

    case.ask(rollBack={"loses": losses.digest, "reason": "portal is down"})
    assert "" == told(Step.RETURN_CALLERS, case)


def test_a_word_for_one_way_back_is_none_for_another() -> None:
    """The same number, of the same table: after another cut it is other writes."""
    case = Case().cut().ask(stage="RollBack").count(1)
    first = case.facts.losses
    assert first is not None
    case.ask(rollBack={"loses": first.digest, "reason": "portal is down"})
    case.did(Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE)
    case.did(*SWITCH).count(1)

    assert "1 writes since the switch would be lost" in told(Step.RETURN_CALLERS, case)


def test_writes_that_were_not_counted_are_not_lost() -> None:
    """No rollback on the strength of a guess."""
    case = Case().cut().ask(stage="RollBack").did(Step.FREEZE_TARGET)

    assert "the writes since the switch have not been counted" in told(Step.RETURN_CALLERS, case)


def test_what_is_released_knows_no_way_back() -> None:
    """From the moment when releasing it was begun: it may be half erased."""
    case = Case().cut().later(90 * DAY).signed(of="Release").begin(Step.RELEASE)

    assert "there is no way back" in told(Step.FREEZE_TARGET, case)


def test_the_original_stays_to_the_last_second() -> None:
    """One day early is early, signed or not; and the end of the retention alone releases nothing."""
    case = Case().cut()
    switched = case.journal.switched_time
    assert switched is not None
    over = Case().at(switched).later(90 * DAY).now

    case.at(over).later(-DAY)
    assert f"the original is kept for 90 days from the switch; allowed from {over}" in told(Step.RELEASE, case)
    case.signed(of="Release").at(over)
    assert "was made before the retention was over" in told(Step.RELEASE, case)
    assert "not accepted yet by: department, provider" in told(Step.RELEASE, case)
    case.signed(of="Release")
    assert "" == told(Step.RELEASE, case)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case().ready_to_cut(), id="never cut over"),
        pytest.param(Case().cut().count(0).did(Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE), id="rolled back"),
        pytest.param(Case().cut(Step.WATCH), id="not retained yet"),
        pytest.param(Case().cut().did(Step.FREEZE_TARGET), id="on its way back"),
    ],
)
def test_an_original_that_is_needed_is_not_released(case: Case) -> None:
    """However long ago anything was."""
    assert "" != told(Step.RELEASE, case.later(400 * DAY))


def test_what_went_back_is_cut_over_again_only_when_it_is_asked_anew() -> None:
    """A rollback inside the window is not followed by the next try by itself."""
    case = Case().cut(Step.FREEZE_SOURCE).did(Step.UNFREEZE_SOURCE)

    assert "to cut over again, ask again" in told(Step.FREEZE_SOURCE, case)
    assert "" == told(Step.FREEZE_SOURCE, case.ask(supervision={"minutes": 30}))


def test_a_release_is_signed_under_the_report_of_the_cut() -> None:
    """Whatever plan the target has three months later."""
    case = Case().cut().later(90 * DAY)
    report = case.facts.report
    other = "permit-portal-0123456789"
    case.target, case.plan_digest = a_target(approvedPlan=other, builtPlan=other), "0" * 64

    assert report is not None and report == case.facts.report
    assert "" == told(Step.RELEASE, case.signed(of="Release"))


def test_forward_again_asks_for_no_second_signature() -> None:
    """A rollback that somebody calls off opens the target again, whatever plan is in force by then."""
    case = Case().cut().later(50 * DAY).ask(stage="RollBack").did(Step.FREEZE_TARGET).ask(stage="Cut")
    case.target = a_target(approvedPlan="permit-portal-0123456789", builtPlan=None)

    assert "" == told(Step.UNFREEZE_TARGET, case)


def test_a_copy_that_is_wrong_is_made_anew() -> None:
    """Verifying is not tried until it passes by chance."""
    case = Case().cut(Step.FINAL_SYNC).begin(Step.VERIFY_COPY).end(Step.VERIFY_COPY, Event.FAILED)

    assert "not done before it: FinalSync" in told(Step.VERIFY_COPY, case)
