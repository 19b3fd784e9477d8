"""What people see while a pass changes the cloud: the intent before it, progress during it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from controllers.api.conditions import ConditionType, Reason
from controllers.api.requeststatus import Progress, ResourceRequestStatus
from controllers.api.stored import REQUESTS, Plan, ResourceRequest
from controllers.publish import publish
from controllers.request.parts import RequestParts
from controllers.request.status import Report, status_of
from infra.engine import StepEvent
from infra.errors import EngineInterrupted, KunlunError

WRITE_INTERVAL_SECONDS = 0.7


def written_status(request: ResourceRequest, parts: RequestParts) -> ResourceRequestStatus:
    """The status as it was written last, which may be by this very pass."""
    return (parts.cache.get(REQUESTS, request.meta.namespace, request.meta.name) or request).status


async def publish_intent(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> None:
    """Say which plan is about to be built. Raises when it could not be said: then nothing may be done."""
    if not await _publish(request, plan, report, parts, Progress(done=0, total=0, step="starting")):
        raise EngineInterrupted("the request went away before it was built", retry_after_seconds=1)


@contextlib.asynccontextmanager
async def reporting_progress(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts
) -> AsyncIterator[Callable[[StepEvent], None]]:
    """Gives a callback; what it is told is written at most every 0.7 s, and never stops the work."""
    newest: list[StepEvent] = []
    writer = asyncio.create_task(_write(newest, request, plan, report, parts))
    try:
        yield newest.append
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def _write(
    newest: list[StepEvent], request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts
) -> None:
    while True:
        await asyncio.sleep(WRITE_INTERVAL_SECONDS)
        if not newest:
            continue
        event = newest[-1]
        newest.clear()
        step = f"{event.operation} {event.kind} {event.name}"
        with contextlib.suppress(KunlunError):
            await _publish(request, plan, report, parts, Progress(done=event.done, total=event.total, step=step))


async def _publish(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts, progress: Progress
) -> bool:
    message = f"building plan {plan.meta.name}"
    building = replace(
        report.waiting(ConditionType.PROVISIONED, Reason.BUILDING, message),
        building_plan=plan.meta.name,
        built_plan=None,
        progress=progress,
    )
    status = status_of(building, before=request.status, generation=request.meta.generation, now=parts.now())
    return await publish(parts, request, status)
