"""The record of decisions: every one as soon as it is seen, and every plan that comes into force before it does.

A line is named after what it records, so whoever repeats it after a crash adds nothing. The status keeps a fingerprint
of the approvals that are recorded: a settled pass writes nothing, and what is missing is added, whenever it was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from typing import Any

from controllers.api.approval import Decision
from controllers.api.decision import DecisionSpec, Outcome
from controllers.api.stored import DECISIONS, Approval, Plan, ResourceRequest
from controllers.publish import tell
from controllers.request.decisions import Decisions
from controllers.request.parts import RequestParts
from controllers.request.plans import summary
from infra.errors import ClusterUnavailable, KunlunError

NOTE_LENGTH = 1024
LATER_SECONDS = 15.0


async def ensure_recorded(
    request: ResourceRequest, plan: Plan, approvals: Sequence[Approval], decisions: Decisions, parts: RequestParts
) -> str | None:
    """Every approval of the plan is in the record and in the request's Events; returns the fingerprint for the status.

    Raises when it could not be written: nothing comes into force on the strength of what is not recorded.
    """
    seen = fingerprint(plan, approvals)
    if seen != request.status.recorded:
        why = {ignored.approval: ignored.why for ignored in decisions.ignored}
        await asyncio.gather(*(_record(request, plan, item, why.get(item.meta.name, ""), parts) for item in approvals))
    return seen


async def record_in_force(request: ResourceRequest, plan: Plan, decisions: Decisions, parts: RequestParts) -> None:
    """That the plan comes into force, and by whose decisions. Raises when it could not be written."""
    by = "; ".join(f"{item.stage} by {item.approver}" for item in decisions.counted)
    note = f"by policy: {plan.spec.approved_by_policy}" if plan.spec.approved_by_policy else by
    line = _line(request, plan, outcome=Outcome.IN_FORCE, note=note)
    await _written(f"{plan.meta.name}-in-force", plan.meta.namespace, line, parts)


def fingerprint(plan: Plan, approvals: Sequence[Approval]) -> str | None:
    """The same for the same approvals of the same plan; None when there are none."""
    if not approvals:
        return None
    identities = [plan.meta.name, *sorted(item.meta.uid for item in approvals)]
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()[:16]


async def _record(request: ResourceRequest, plan: Plan, item: Approval, why: str, parts: RequestParts) -> None:
    """The Event first: it has a name of its own, too, so a crash between the two loses and doubles neither."""
    spec = item.spec
    outcome = Outcome.DENIED if spec.decision is Decision.DENIED else Outcome.APPROVED
    words = f"{outcome} by {spec.approver} for stage {spec.stage}: plan {plan.meta.name}"
    words += f". Reason: {spec.reason}" if spec.reason else ""
    words += f". It does not count: it {why}" if why else ""
    with contextlib.suppress(KunlunError):  # an Event is a courtesy; the line below is the record
        await tell(parts, request, str(outcome), words, worry=bool(why), name=f"{request.meta.name}.{item.meta.uid}")
    line = _line(
        request,
        plan,
        outcome=outcome,
        stage=spec.stage,
        approver=spec.approver,
        reason=spec.reason,
        approval=item.meta.name,
        decided_at=item.meta.created,
        counted=not why,
        note=why,
    )
    await _written(f"approval-{item.meta.uid}", plan.meta.namespace, line, parts)


def _line(request: ResourceRequest, plan: Plan, *, note: str, **fields: Any) -> DecisionSpec:
    return DecisionSpec(
        request=request.meta.name,
        request_uid=request.meta.uid,
        requested_by=request.spec.requested_by,
        plan=plan.meta.name,
        digest=plan.spec.digest,
        summary=summary(plan.spec),
        note=note[:NOTE_LENGTH],
        **fields,
    )


async def _written(name: str, namespace: str, line: DecisionSpec, parts: RequestParts) -> None:
    body = {
        "metadata": {"name": name, "namespace": namespace},
        "spec": line.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    if await parts.cluster.create(DECISIONS, body) is not None:
        return
    there = await parts.cluster.objects(DECISIONS, namespace, field_selector=f"metadata.name={name}")
    if not there:  # not made before, so it could not be made: the kind is not installed
        message = "decisions cannot be recorded: the kind Decision is not served; install the CRDs of this release"
        raise ClusterUnavailable(message, retry_after_seconds=LATER_SECONDS)
