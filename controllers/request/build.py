"""Making the plan in force true through the engine: intent first, then the pass, then a look at the result."""

from __future__ import annotations

from controllers.api.stored import REQUESTS, Plan, ResourceRequest
from controllers.request.drift import told
from controllers.request.examine import require_registered
from controllers.request.faults import fault_among, permit_replacing, planned_servers, stillborn_servers
from controllers.request.observe import (
    can_be_corrected,
    differing,
    observe,
    observe_surely,
    plan_next_look,
    require_data,
    see,
)
from controllers.request.parts import RequestParts
from controllers.request.progress import publish_intent, reporting_progress
from controllers.request.rollout import next_portion, tolerated, without
from controllers.request.scarcity import require_quota
from controllers.request.status import Report
from infra.correlation import call_id, correlated
from infra.engine import Built
from infra.errors import EngineInterrupted, KunlunError, QuotaExceeded, ServerFault
from infra.provider.observed import Observed
from infra.stackplan import StackPlan

LONGEST_RETRY_SECONDS = 300.0


async def build_plan(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Built:
    """Make exactly the plan true; returns what it consists of. What this process knew of the stack is forgotten."""
    memory = parts.memories.of(request.meta.uid)
    require_registered(request, parts)
    first = request.status.building_plan is None
    observed = None if first and not plan.spec.stack.links else await observe_surely(request, plan, parts)
    portion = next_portion(plan, observed)
    if observed is not None:
        require_data(request, plan, observed)
        if memory.failed_for(plan.meta.name, QuotaExceeded):
            await require_quota(portion, observed, parts)
        report = await permit_replacing(request, plan, observed, report, parts)
    memory.forget_build()
    if observed is not None and not _is_work(request, plan, observed, parts):
        built = Built.of(observed)
    else:
        try:
            built = await _converge(request, portion, report, parts, observed)
        except (QuotaExceeded, ServerFault) as error:
            raise await _explained(error, request, portion, parts) from error
        if observed is not None:
            await _verify(request, plan, portion, parts)
    memory.remember_build(plan.meta.name, built)
    plan_next_look(request, plan, parts)
    return built


def _is_work(request: ResourceRequest, plan: Plan, observed: Observed, parts: RequestParts) -> bool:
    """Whether the engine could do anything: not for what only a person may put right."""
    drift = see(request, plan, observed, parts).drift
    return any(can_be_corrected(plan, item) for item in drift) or bool(stillborn_servers(plan, observed))


async def _converge(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts, observed: Observed | None
) -> Built:
    await publish_intent(request, plan, report, parts)
    known = parts.cache.body(REQUESTS, request.meta.namespace, request.meta.name)
    if known is None or "deletionTimestamp" in known["metadata"]:
        raise EngineInterrupted("the request is being deleted", retry_after_seconds=1)
    with correlated(call_id(plan.spec.digest)):
        async with reporting_progress(request, plan, report, parts) as on_progress:
            if observed is not None and stillborn_servers(plan, observed):
                replaced = _without_spared(plan, observed)
                observed = await parts.engine.discard_faulty(replaced, observed, on_progress=on_progress)
            return await parts.engine.converge(plan.spec.stack, observed=observed, on_progress=on_progress)


async def _explained(error: KunlunError, request: ResourceRequest, plan: Plan, parts: RequestParts) -> KunlunError:
    """What a look at the cloud says about a refusal; the refusal itself when it says nothing."""
    try:
        observed = await observe(request, plan, parts)
        await require_quota(plan, observed, parts)
        return await fault_among(planned_servers(plan, observed), request, plan, parts) or error
    except QuotaExceeded as shortage:
        return shortage
    except KunlunError:
        return error


def _without_spared(plan: Plan, observed: Observed) -> StackPlan:
    spared = tolerated(plan.spec.stack, planned_servers(plan, observed))
    return without(plan.spec.stack, {name.removeprefix("server-") for name in spared})


async def _verify(request: ResourceRequest, plan: Plan, portion: Plan, parts: RequestParts) -> None:
    """Look whether the cloud is as this portion of the plan says. Raises when something is left that should have been
    done; less and less often. What the plan does not permit to put right is only remembered.
    """
    observed = await observe(request, plan, parts)
    see(request, plan, observed, parts)
    if undone := [item for item in differing(portion, observed) if can_be_corrected(portion, item)]:
        pause = min(2.0 ** parts.memories.of(request.meta.uid).count_attempt(), LONGEST_RETRY_SECONDS)
        raise EngineInterrupted(f"not yet as planned: {told(undone)}", retry_after_seconds=pause)
