"""Signatures: how many persons, in which order, for how long; and what ends a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.api.plan import RequiredStage
from controllers.api.stored import Approval, Plan
from controllers.request.decisions import Decisions, Verdict, decide
from tests.build import a_content, a_plan, an_approval

NOON = "2026-01-01T12:00:00Z"
OFFICE = RequiredStage(stage="resource-office", because="always")
TWO = RequiredStage(stage="security", because="crossing", signatures=2)
FINANCE = RequiredStage(stage="finance", because="amount", after=("resource-office",))
SHORT = RequiredStage(stage="resource-office", because="always", expires="1h")


def plan_of(*stages: RequiredStage, **fields: Any) -> Plan:
    return a_plan(a_content().model_copy(update={"stages": stages, **fields}))


def given(plan: Plan, stage: str, approver: str, at: str = "11:00:00", **fields: Any) -> Approval:
    approval = an_approval(plan, stage=stage, approver=approver, **fields)
    return replace(approval, meta=replace(approval.meta, name=f"{stage}-{approver}-{at}", created=f"2026-01-01T{at}Z"))


def weigh(plan: Plan, *approvals: tuple[str, ...], now: str | None = NOON) -> Decisions:
    return decide(plan, [given(plan, *words) for words in approvals], requester="li.na", now=now)


def test_two_signatures_are_two_persons() -> None:
    """The same person twice is one; a third is not needed."""
    plan = plan_of(TWO)

    assert ("security (0 of 2 signatures)",) == weigh(plan).missing
    assert ("security (1 of 2 signatures)",) == weigh(
        plan, ("security", "chen"), ("security", "chen", "11:30:00")
    ).missing
    both = weigh(plan, ("security", "chen"), ("security", "wu", "11:10:00"), ("security", "sun", "11:20:00"))
    assert (Verdict.APPROVED, ["chen", "wu"]) == (both.verdict, [item.approver for item in both.counted])


def test_the_last_missing_person_completes_a_stage() -> None:
    """Whoever signed first and once more does not make it complete any earlier."""
    later = RequiredStage(stage="finance", because="amount", after=("security",))
    plan = plan_of(TWO, later)
    signed = [("security", "chen", "09:00:00"), ("security", "wu", "10:00:00"), ("security", "chen", "11:00:00")]

    assert ("finance",) == weigh(plan, *signed, ("finance", "zhao", "09:30:00")).missing
    assert Verdict.APPROVED is weigh(plan, *signed, ("finance", "zhao", "10:00:01")).verdict


def test_stages_without_order_decide_in_parallel() -> None:
    """Whoever comes first; all of them are needed."""
    plan = plan_of(OFFICE, TWO)
    signed = [("security", "chen", "09:00:00"), ("security", "wu", "09:00:01")]

    assert ("resource-office",) == weigh(plan, *signed).missing
    assert Verdict.APPROVED is weigh(plan, *signed, ("resource-office", "zhang", "10:00:00")).verdict


def test_an_approval_out_of_order_has_to_be_given_again() -> None:
    """Who signs later signs knowing what those before have said."""
    plan = plan_of(FINANCE, OFFICE)
    early = ("finance", "zhao", "10:00:00")
    office = ("resource-office", "zhang", "10:30:00")

    assert ("finance (after resource-office)", "resource-office") == weigh(plan, early).missing
    found = weigh(plan, early, office)
    assert (("finance",), 1) == (found.missing, len(found.ignored))
    assert "came before resource-office had approved; it is due again" in str(found.ignored[0])
    assert Verdict.APPROVED is weigh(plan, early, office, ("finance", "zhao", "10:31:00")).verdict


@pytest.mark.parametrize(
    ("finance", "office", "expected"), [(7, 8, Verdict.AWAITING), (8, 7, Verdict.APPROVED)], ids=["early", "in order"]
)
def test_within_a_second_the_order_of_storing_counts(finance: int, office: int, expected: Verdict) -> None:
    """What was told not to count must not count after all, because somebody was quick."""
    plan = plan_of(OFFICE, FINANCE)
    signed = [
        replace(approval, meta=replace(approval.meta, version=version))
        for approval, version in (
            (given(plan, "finance", "zhao"), finance),
            (given(plan, "resource-office", "zhang"), office),
        )
    ]

    assert expected is decide(plan, signed, requester="li.na", now=NOON).verdict


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        pytest.param("11:00:01", NOON, Verdict.APPROVED, id="in its last second"),
        pytest.param("11:00:00", NOON, Verdict.AWAITING, id="when its time is over"),
        pytest.param("11:00:00", None, Verdict.APPROVED, id="in force: it stays"),
    ],
)
def test_an_approval_counts_for_its_time(at: str, now: str | None, expected: Verdict) -> None:
    """Until the plan comes into force; from then on nothing expires."""
    assert expected is weigh(plan_of(SHORT), ("resource-office", "zhang", at), now=now).verdict


def test_an_expired_approval_is_told_and_may_be_given_again() -> None:
    """The same person may sign once more."""
    plan = plan_of(SHORT)
    old = ("resource-office", "zhang", "10:00:00")

    assert "by 'zhang' has expired: it counted for 1h" in str(weigh(plan, old).ignored[0])
    again = weigh(plan, old, ("resource-office", "zhang", "11:30:00"))
    assert (Verdict.APPROVED, ()) == (again.verdict, again.ignored)


def test_what_expires_next_is_known() -> None:
    """So that the status says it in time, without anybody's event."""
    plan = plan_of(SHORT, TWO)
    found = weigh(plan, ("resource-office", "zhang", "11:30:00"))

    assert 1800.0 == found.expiring_in_seconds
    assert "2026-01-01T12:30:00Z" == found.counted[0].until


def test_an_order_once_kept_stays_kept_when_the_first_expires() -> None:
    """The second signature was given in the knowledge of the first: only the expired one is due again."""
    plan = plan_of(SHORT, FINANCE)
    signed = [("resource-office", "zhang", "10:00:00"), ("finance", "zhao", "10:30:00")]

    assert ("resource-office",) == weigh(plan, *signed).missing
    assert Verdict.APPROVED is weigh(plan, *signed, ("resource-office", "zhang", "11:59:00")).verdict


def test_a_denial_ends_the_plan_whatever_else_is_said() -> None:
    """Of any stage that is asked, in any order, before or after approvals; it does not expire."""
    plan = plan_of(OFFICE, FINANCE)
    no = given(plan, "finance", "zhao", "08:00:00", decision="Denied", reason="no line")
    found = decide(plan, [no, given(plan, "resource-office", "zhang")], requester="li.na", now=NOON)

    assert Verdict.DENIED is found.verdict
    assert ("zhao", "no line") == (found.counted[-1].approver, found.counted[-1].reason)
    foreign = given(plan, "security", "chen", decision="Denied", reason="no")
    assert Verdict.AWAITING is decide(plan, [foreign], requester="li.na", now=NOON).verdict


def test_a_plan_that_nobody_has_to_approve_is_approved_by_policy_only() -> None:
    """Without the words of policy a plan without stages stays where it is."""
    assert Verdict.APPROVED is weigh(plan_of(approved_by_policy="small test")).verdict
    assert Verdict.AWAITING is weigh(plan_of()).verdict
