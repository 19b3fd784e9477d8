"""Status: made whole from what one pass found; a settled pass makes the same one again."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason
from controllers.api.requeststatus import ResourceRequestStatus
from controllers.request.status import STALLING, STEPS, Report, begin, status_of
from infra.errors import InternalError, KunlunError, PlatformError, PolicyViolated, QuotaExceeded, RequestError

NOON, LATER = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"


def everything_reached() -> Report:
    report = Report(plan="p-1", approved_plan="p-1")
    for step in STEPS:
        report = report.reached(step, Reason.READY, "fine")
    return report


def written(report: Report, before: ResourceRequestStatus | None = None, now: str = NOON) -> ResourceRequestStatus:
    return status_of(report, before=before or ResourceRequestStatus(), generation=1, now=now)


def conditions(status: ResourceRequestStatus) -> dict[str, tuple[str, str]]:
    return {item.type: (item.status, item.reason) for item in status.conditions}


def test_a_settled_pass_makes_the_same_status_again() -> None:
    """Whatever the clock says: no difference, no write."""
    first = written(everything_reached())

    assert first == written(everything_reached(), before=first, now=LATER)


def test_a_time_moves_only_with_its_status() -> None:
    """Another message is no transition."""
    first = written(Report().waiting(ConditionType.VALIDATED, Reason.INVALID_REQUEST, "a"))
    second = written(Report().waiting(ConditionType.VALIDATED, Reason.INVALID_REQUEST, "b"), before=first, now=LATER)
    third = written(Report().reached(ConditionType.VALIDATED, Reason.VALID, "c"), before=second, now=LATER)

    assert [NOON, NOON, LATER] == [status.conditions[0].last_transition_time for status in (first, second, third)]


def test_steps_that_were_not_reached_are_unknown() -> None:
    """What nobody looked at is not claimed to be false."""
    found = conditions(written(Report().failed(ConditionType.VALIDATED, PolicyViolated("no"))))

    assert ("False", "PolicyViolated") == found["Validated"]
    assert {("Unknown", "NotReached")} == {found[step] for step in STEPS[1:]}


def test_ready_carries_the_reason_of_the_first_open_step() -> None:
    """One look at the summary says what is missing."""
    report = (
        Report()
        .reached(ConditionType.VALIDATED, Reason.VALID, "")
        .failed(ConditionType.COMPLIANT, PolicyViolated("no"))
    )

    assert ("False", "PolicyViolated") == conditions(written(report))["Ready"]


def test_what_only_a_person_can_change_is_stalled_and_what_time_changes_is_reconciling() -> None:
    """kstatus: tools that wait know when waiting is in vain."""
    stalled = conditions(written(Report().failed(ConditionType.VALIDATED, PolicyViolated("no"))))
    reconciling = conditions(written(Report().failed(ConditionType.VALIDATED, QuotaExceeded("full"))))

    assert ("True", "PolicyViolated") == stalled["Stalled"]
    assert "Reconciling" not in stalled
    assert ("True", "QuotaExceeded") == reconciling["Reconciling"]
    assert {"Stalled", "Reconciling"}.isdisjoint(conditions(written(everything_reached())))


def test_a_new_pass_remembers_what_is_in_force_and_finds_out_the_rest() -> None:
    """Conditions are observations: none is carried over."""
    report = begin(written(everything_reached()))

    assert "p-1" == report.approved_plan
    assert {} == report.steps


def test_a_transient_error_says_when_to_try_again() -> None:
    """Waiting is a value."""
    report = Report().failed(ConditionType.PROVISIONED, QuotaExceeded("full", retry_after_seconds=60))

    assert 60 == report.retry_after_seconds


def test_whatever_a_person_has_to_change_stalls() -> None:
    """The error tree says who acts; a bug is tried again, and is nobody's to put right by waiting or acting."""
    families: tuple[type[KunlunError], ...] = (RequestError, PlatformError)
    kinds = {kind.__name__ for family in families for kind in family.__subclasses__()}
    for_people = kinds & set(Reason) - {InternalError.__name__}

    assert for_people == {reason.value for reason in STALLING} - {Reason.DENIED.value}
