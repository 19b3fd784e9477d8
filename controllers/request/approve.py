"""Which plan is in force, and by whose decisions. Reading only; what is read is checked once more here.

The API server has refused forged approvers, missing rights, self-approval and outdated plans already. This
module does not rely on it: it asks again at the moment something is about to be built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from controllers.api.conditions import ConditionType, Reason
from controllers.api.plan import plan_digest, plan_name
from controllers.api.requeststatus import StageDecision
from controllers.api.stored import APPROVALS, Plan, ResourceRequest, stored
from controllers.request.decisions import Decisions, Ignored, Verdict, decide
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.record import ensure_recorded, record_in_force
from controllers.request.reserve import lacking_for, reserve
from controllers.request.status import PERSON_RETRY_SECONDS, Report
from infra.errors import ClusterUnavailable, PlanForged
from policies.quota import Shortfall


def prove(plan: Plan, request: ResourceRequest) -> None:
    """The plan is what its digest and name say, and is of this very request. Raises PlanForged."""
    origin = plan.spec.stack.origin
    digest = plan_digest(plan.spec)
    if digest != plan.spec.digest or plan.meta.name != plan_name(origin.name, digest):
        raise PlanForged(f"the content of plan '{plan.meta.name}' does not match its digest; nothing is built from it")
    if origin.uid != request.meta.uid or origin.name != request.meta.name:
        raise PlanForged(f"plan '{plan.meta.name}' was made for another request; nothing is built from it")


async def weigh_approvals(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Find the plan in force. The newest plan comes into force when every stage has approved it."""
    plan = plan_named(report.plan, request, parts.cache)
    if plan is None:
        raise ClusterUnavailable("the plan is being read", retry_after_seconds=1)
    cached = [item for item in parts.cache.all(APPROVALS, plan.meta.namespace) if item.spec.plan == plan.meta.name]
    requester = request.spec.requested_by
    in_force = plan.meta.name == request.status.approved_plan
    decisions = decide(plan, cached, requester=requester, now=None if in_force else parts.now())
    report = replace(report, recorded=await ensure_recorded(request, plan, cached, decisions, parts))
    if in_force:
        return _approved(report, plan, decisions)
    if decisions.verdict is Verdict.APPROVED and not lacking_for(request, plan, parts):
        decisions = await _confirmed(plan, request, parts)
    if decisions.verdict is not Verdict.APPROVED:
        return _not_approved(report, plan, decisions)
    if lacking := reserve(request, plan, parts):
        return _awaiting_room(report, plan, decisions, lacking)
    await record_in_force(request, plan, decisions, parts)
    return _approved(report, plan, decisions)


async def _confirmed(plan: Plan, request: ResourceRequest, parts: RequestParts) -> Decisions:
    """Weigh what the API server has now, by people who may decide now: the cache may be behind."""
    selector = f"spec.plan={plan.meta.name}"
    bodies = await parts.cluster.objects(APPROVALS, plan.meta.namespace, field_selector=selector)
    entitled, refused = [], []
    for approval in [stored(APPROVALS, body) for body in bodies]:
        spec = approval.spec
        if await parts.cluster.may_approve(
            spec.approver, spec.approver_groups, stage=spec.stage, namespace=plan.meta.namespace
        ):
            entitled.append(approval)
        else:
            why = f"is by '{spec.approver}', who may not decide stage '{spec.stage}'"
            refused.append(Ignored(approval.meta.name, why))
    decisions = decide(plan, entitled, requester=request.spec.requested_by, now=parts.now())
    return replace(decisions, ignored=(*decisions.ignored, *refused))


def _approved(report: Report, plan: Plan, decisions: Decisions) -> Report:
    by = [f"{item.stage} by {item.approver}" for item in decisions.counted if item.decision == "Approved"]
    if plan.spec.approved_by_policy:
        by = [f"by policy ({plan.spec.approved_by_policy})"]
    return report.reached(
        ConditionType.APPROVED,
        Reason.APPROVED,
        f"plan {plan.meta.name} is approved: {', '.join(by)}",
        approvals=decisions.counted,
        approved_plan=plan.meta.name,
        deletion_policy=plan.spec.stack.deletion_policy,
    )


def _not_approved(report: Report, plan: Plan, decisions: Decisions) -> Report:
    if decisions.verdict is Verdict.DENIED:
        denial = next(item for item in decisions.counted if item.decision == "Denied")
        message = f"plan {plan.meta.name} is denied by {denial.approver} ({denial.stage}): {denial.reason}"
        return report.waiting(ConditionType.APPROVED, Reason.DENIED, message, approvals=decisions.counted)
    message = f"plan {plan.meta.name} awaits: {', '.join(decisions.missing)}"
    if decisions.counted:
        message += f"; given: {', '.join(_given(item) for item in decisions.counted)}"
    if decisions.ignored:
        message += f" (not counted: {'; '.join(map(str, decisions.ignored))})"
    waiting = report.waiting(ConditionType.APPROVED, Reason.AWAITING_APPROVAL, message, approvals=decisions.counted)
    # What does not count now may count later without any event of ours: a right that was granted too late.
    waiting = waiting.again_after(PERSON_RETRY_SECONDS) if decisions.ignored else waiting
    expiring = decisions.expiring_in_seconds
    return waiting if expiring is None else waiting.again_after(expiring)


def _awaiting_room(report: Report, plan: Plan, decisions: Decisions, lacking: Sequence[Shortfall]) -> Report:
    """Not in force yet, so its approvals may still expire. Whoever frees something wakes it; if unheard, time does."""
    reason = Reason.BUDGET_EXCEEDED if all(item.of_budget for item in lacking) else Reason.QUOTA_EXCEEDED
    words = "; ".join(map(str, lacking))
    message = f"plan {plan.meta.name} has every approval and waits: {words}. It goes on by itself when there is enough"
    waiting = report.waiting(ConditionType.APPROVED, reason, message, approvals=decisions.counted)
    return waiting.again_after(min(decisions.expiring_in_seconds or PERSON_RETRY_SECONDS, PERSON_RETRY_SECONDS))


def _given(item: StageDecision) -> str:
    return f"{item.stage} by {item.approver}{f' (counts until {item.until})' if item.until else ''}"
