"""The end of a request: everything of ours goes (or is let go), is seen to be gone, and only then the object may go."""

from __future__ import annotations

from dataclasses import replace

import structlog

from controllers.api import FINALIZER
from controllers.api.stored import Plan, ResourceRequest
from controllers.publish import drop_finalizer, publish
from controllers.request.abandon import abandonment_of, let_go
from controllers.request.observe import until_recovered
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.progress import reporting
from controllers.request.release import is_to_be_released, release
from controllers.request.status import Report, begin, status_of
from infra.correlation import call_id, correlated
from infra.engine import StepEvent
from infra.errors import InternalError, InvalidRequest, KunlunError, TransientError
from infra.stackplan import DATA_VOLUME_PREFIX, Origin

AFTER_FAILURE_SECONDS = 10.0
REMOVAL = "removal"
log = structlog.get_logger(__name__)


async def withdraw(request: ResourceRequest, parts: RequestParts) -> float | None:
    """Remove what was built, then the finalizer. Failures are shown in the status and tried again.

    A request that was given up is let go as it is.
    """
    if FINALIZER not in request.meta.finalizers:
        parts.memories.forget(request.meta.uid)
        return None
    if (given := abandonment_of(request.meta)) is not None:
        await let_go(request, given, parts)
    elif request.status.approved_plan is not None and request.status.project is not None:
        if (pause := _pause(request, parts)) > 0:
            return pause
        try:
            await _end(request, request.status.project, parts)
        except KunlunError as error:
            return await _failed(request, error, parts)
        except Exception:
            await _failed(request, InternalError(), parts)
            raise
    await drop_finalizer(parts, request)
    parts.memories.forget(request.meta.uid)
    return None


async def _end(request: ResourceRequest, project: str, parts: RequestParts) -> None:
    plan = _plan_in_force(request, parts)
    if is_to_be_released(request, plan):
        await _tell(request, "releasing everything that was built; nothing is deleted", parts)
        await release(request, _origin(request), project, parts)
    else:
        await _tell(request, "removing everything that was built", parts)
        await _remove(request, project, plan, parts)


def _origin(request: ResourceRequest) -> Origin:
    meta = request.meta
    return Origin(namespace=meta.namespace, name=meta.name, uid=meta.uid, generation=meta.generation)


async def _failed(request: ResourceRequest, error: KunlunError, parts: RequestParts) -> float:
    pause = error.retry_after_seconds if isinstance(error, TransientError) else AFTER_FAILURE_SECONDS
    rest = parts.memories.of(request.meta.uid).rest(REMOVAL, now=parts.monotonic(), pause=pause, error=error)
    await _tell(request, f"{error.reason}: {error.message}", parts)
    return rest


def _pause(request: ResourceRequest, parts: RequestParts) -> float:
    """Not while a call that a killed process had sent may still take effect, nor right after a failure."""
    resting = parts.memories.of(request.meta.uid).resting(REMOVAL, parts.monotonic())
    return max(until_recovered(parts), resting[0] if resting else 0.0)


def discarded_volumes(plan: Plan | None) -> set[str]:
    """Logical names of the data volumes that the plan in force says go with their servers; without it none do.

    Among them are those it removes itself: signed for already, if it was not carried out to its end.
    """
    if plan is None:
        return set()
    stack = plan.spec.stack
    going = {
        f"{DATA_VOLUME_PREFIX}{server.name}.{volume.name}"
        for server in stack.servers
        for volume in server.volumes
        if volume.on_delete == "Delete"
    }
    return going | {gone.name for gone in stack.removals if gone.name.startswith(DATA_VOLUME_PREFIX)}


def _plan_in_force(request: ResourceRequest, parts: RequestParts) -> Plan | None:
    """Its last known version, if it went before its request: a namespace that ends deletes both at once."""
    name = request.status.approved_plan
    try:
        return plan_named(name, request, parts.cache) or parts.departed.named(name or "", request)
    except InvalidRequest:  # written by another release: what it says of data is not known, so all data stays
        return None


async def _remove(request: ResourceRequest, project: str, plan: Plan | None, parts: RequestParts) -> None:
    with correlated(call_id(request.meta.uid)):
        async with reporting(request, begin(request.status), parts, _removed) as tell:
            kept = await parts.engine.remove(
                _origin(request),
                project,
                expected={item.id: item.kind for item in request.status.resources},
                discard=discarded_volumes(plan),
                on_progress=lambda event: tell(event) if event.moment == "done" else None,
            )
    if kept:
        log.info("volumes kept", request=request.meta.name, namespace=request.meta.namespace, volumes=kept)


def _removed(report: Report, event: StepEvent) -> Report:
    return replace(report, deleting=f"removed {event.done} of {event.total}: {event.kind} {event.name}")


async def _tell(request: ResourceRequest, message: str, parts: RequestParts) -> None:
    report = replace(begin(request.status), deleting=message)
    status = status_of(report, before=request.status, generation=request.meta.generation, now=parts.now())
    await publish(parts, request, status)
