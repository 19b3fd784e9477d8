"""Which plan is in force, and by whose decisions. Reading only; what is read is checked once more here.

The API server has refused forged approvers, missing rights, self-approval and outdated plans already. This
module does not rely on it: it asks again at the moment something is about to be built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from controllers.api.approval import Decision
from controllers.api.conditions import ConditionType, Reason
from controllers.api.plan import plan_digest, plan_name
from controllers.api.requeststatus import StageDecision
from controllers.api.stored import APPROVALS, Approval, Plan, ResourceRequest, stored
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.status import PERSON_RETRY_SECONDS, Report
from infra.errors import ClusterUnavailable, PlanForged


class Verdict(StrEnum):
    """What all stages together say of a plan."""

    APPROVED = "Approved"
    AWAITING = "Awaiting"
    DENIED = "Denied"


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions that count for one plan, and what is still missing. `ignored` says what does not count, and why."""

    verdict: Verdict
    counted: tuple[StageDecision, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...] = ()


def decide(plan: Plan, approvals: Iterable[Approval], *, requester: str) -> Decisions:
    """Weigh the approvals of a plan. One denial denies; every required stage must have approved."""
    counted: dict[tuple[str, Decision], StageDecision] = {}
    ignored: list[str] = []
    required = [needed.stage for needed in plan.spec.stages]
    for approval in sorted(approvals, key=lambda item: (item.meta.created, item.meta.name)):
        objection = objection_to(approval, plan, requester=requester)
        if objection:
            ignored.append(objection)
        elif approval.spec.stage in required:
            counted.setdefault((approval.spec.stage, approval.spec.decision), _decision(approval))
    missing = tuple(stage for stage in required if (stage, Decision.APPROVED) not in counted)
    denied = any(decision is Decision.DENIED for _, decision in counted)
    verdict = Verdict.DENIED if denied else Verdict.AWAITING if missing else Verdict.APPROVED
    return Decisions(verdict, tuple(counted.values()), missing, tuple(ignored))


def objection_to(approval: Approval, plan: Plan, *, requester: str) -> str | None:
    """Why an approval does not count for a plan, or None when it does."""
    spec = approval.spec
    if spec.plan != plan.meta.name:
        return f"approval '{approval.meta.name}' is for plan '{spec.plan}'"
    if spec.digest is not None and spec.digest != plan.spec.digest:
        return f"approval '{approval.meta.name}' is for another content of the plan"
    if spec.approver == requester:
        return f"approval '{approval.meta.name}' is by the requester '{requester}'"
    if spec.approver.startswith("system:") or "system:masters" in spec.approver_groups:
        return f"approval '{approval.meta.name}' is by '{spec.approver}', not by a named officer"
    return None


def prove(plan: Plan, request: ResourceRequest) -> None:
    """The plan is what its digest and name say, and is of this very request. Raises PlanForged."""
    origin = plan.spec.stack.origin
    digest = plan_digest(plan.spec)
    if digest != plan.spec.digest or plan.meta.name != plan_name(origin.name, digest):
        raise PlanForged(f"the content of plan '{plan.meta.name}' does not match its digest; nothing is built from it")
    if origin.uid != request.meta.uid or origin.name != request.meta.name:
        raise PlanForged(f"plan '{plan.meta.name}' was made for another request; nothing is built from it")


def _decision(approval: Approval) -> StageDecision:
    spec = approval.spec
    return StageDecision(stage=spec.stage, decision=spec.decision.value, approver=spec.approver, reason=spec.reason)


async def weigh_approvals(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Find the plan in force. The newest plan comes into force when every stage has approved it."""
    plan = plan_named(report.plan, request, parts.cache)
    if plan is None:
        raise ClusterUnavailable("the plan is being read", retry_after_seconds=1)
    cached = [item for item in parts.cache.all(APPROVALS, plan.meta.namespace) if item.spec.plan == plan.meta.name]
    decisions = decide(plan, cached, requester=request.spec.requested_by)
    if plan.meta.name == request.status.approved_plan:
        return _approved(report, plan, decisions)
    if decisions.verdict is Verdict.APPROVED:
        decisions = await _confirmed(plan, request, parts)
    if decisions.verdict is Verdict.APPROVED:
        return _approved(report, plan, decisions)
    return _not_approved(report, plan, decisions)


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
            refused.append(f"approval '{approval.meta.name}': '{spec.approver}' may not decide stage '{spec.stage}'")
    decisions = decide(plan, entitled, requester=request.spec.requested_by)
    return replace(decisions, ignored=(*decisions.ignored, *refused))


def _approved(report: Report, plan: Plan, decisions: Decisions) -> Report:
    by = ", ".join(f"{item.stage} by {item.approver}" for item in decisions.counted if item.decision == "Approved")
    return report.reached(
        ConditionType.APPROVED,
        Reason.APPROVED,
        f"plan {plan.meta.name} is approved: {by}",
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
    if decisions.ignored:
        message += f" (not counted: {'; '.join(decisions.ignored)})"
    waiting = report.waiting(ConditionType.APPROVED, Reason.AWAITING_APPROVAL, message, approvals=decisions.counted)
    # What does not count now may count later without any event of ours: a right that was granted too late.
    return waiting.again_after(PERSON_RETRY_SECONDS) if decisions.ignored else waiting
