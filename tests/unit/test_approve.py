"""Approval: one exact plan, every stage, never by the requester; what does not count says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.request.approve import prove
from controllers.request.decisions import Verdict, decide
from controllers.request.plans import newest_plan, plans_of
from infra.errors import PlanForged
from tests.build import a_content, a_plan, a_request, an_approval


def verdict(*approvals: dict[str, Any]) -> Verdict:
    plan = a_plan()
    return decide(
        plan, [an_approval(plan, **fields) for fields in approvals], requester="li.na", now="2026-01-02T00:00:00Z"
    ).verdict


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [
        pytest.param([], Verdict.AWAITING, id="nobody has decided"),
        pytest.param([{}], Verdict.APPROVED, id="the required stage has approved"),
        pytest.param([{"stage": "security"}], Verdict.AWAITING, id="another stage does not help"),
        pytest.param([{"approver": "li.na"}], Verdict.AWAITING, id="the requester's own does not count"),
        pytest.param([{"approver": "system:admin"}], Verdict.AWAITING, id="a system user's does not count"),
        pytest.param(
            [{"plan": "permit-portal-0123456789"}], Verdict.AWAITING, id="one for another plan does not count"
        ),
        pytest.param([{"digest": "0" * 64}], Verdict.AWAITING, id="one for another content does not count"),
        pytest.param([{}, {"decision": "Denied", "reason": "no"}], Verdict.DENIED, id="a denial outweighs an approval"),
    ],
)
def test_a_plan_needs_its_own_stages_by_others(approvals: list[dict[str, Any]], expected: Verdict) -> None:
    """The verdict is weighed from what counts."""
    assert expected == verdict(*approvals)


def test_what_does_not_count_says_why() -> None:
    """An officer who wonders why nothing happens finds the reason in the request."""
    plan = a_plan()
    found = decide(plan, [an_approval(plan, approver="li.na")], requester="li.na", now="2026-01-02T00:00:00Z")

    assert ["approval 'approval-1' is by the requester 'li.na'"] == [str(one) for one in found.ignored]
    assert ("resource-office",) == found.missing


def test_an_unaltered_plan_is_proven() -> None:
    """Content, digest, name and request fit together."""
    prove(a_plan(), a_request())


def test_a_plan_that_does_not_match_its_digest_builds_nothing() -> None:
    """One changed word of the content is enough."""
    plan = a_plan()
    content = plan.spec.model_copy(update={"monthly_yuan": 0})

    with pytest.raises(PlanForged, match="does not match its digest"):
        prove(replace(plan, spec=content), a_request())


def test_a_plan_with_a_new_digest_under_the_old_name_builds_nothing() -> None:
    """Who forges the digest, too, has to forge the name, which is what was approved."""
    plan, other = a_plan(), a_plan(a_content(generation=2))

    with pytest.raises(PlanForged, match="does not match its digest"):
        prove(replace(plan, spec=other.spec), a_request())


def test_a_plan_of_another_request_builds_nothing() -> None:
    """A request of the same name that was deleted and made anew has another uid."""
    with pytest.raises(PlanForged, match="another request"):
        prove(a_plan(a_content(uid="uid-of-the-past")), a_request())


def test_only_the_plan_of_the_present_generation_is_new() -> None:
    """A changed spec makes every older plan old."""
    old = a_plan(a_content(generation=1))

    assert old == newest_plan(a_request(), plans_of(a_request(), [old]))
    assert [] == plans_of(a_request(), [a_plan(a_content(uid="uid-2"))])
    assert newest_plan(a_request(), [a_plan(a_content(generation=2))]) is None
