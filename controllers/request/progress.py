"""What people see while a pass goes on: the intent before it changes the cloud, progress during it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from controllers.api.conditions import ConditionType, Reason
from controllers.api.requeststatus import Progress, ResourceRequestStatus
from controllers.api.stored import REQUESTS, Plan, ResourceRequest
from controllers.publish import publish
from controllers.request.parts import RequestParts
from controllers.request.status import Report, status_of
from infra.engine import StepEvent
from infra.errors import EngineInterrupted, KunlunError

WRITE_INTERVAL_SECONDS = 0.7
Told = TypeVar("Told")


def written_status(request: ResourceRequest, parts: RequestParts) -> ResourceRequestStatus:
    """The status as it was written last, which may be by this very pass."""
    return (parts.cache.get(REQUESTS, request.meta.namespace, request.meta.name) or request).status


async def publish_intent(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> None:
    """Say which plan is about to be built. Raises when it could not be said: then nothing may be done."""
    starting = _building(plan, report, Progress(done=0, total=0, step="starting"))
    if not await _publish(request, starting, parts):
        raise EngineInterrupted("the request went away before it was built", retry_after_seconds=1)


@contextlib.asynccontextmanager
async def reporting_progress(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts
) -> AsyncIterator[Callable[[StepEvent], None]]:
    """As `reporting`, of a plan that is being built."""
    async with reporting(request, report, parts, partial(_step, plan)) as tell:
        yield tell


@contextlib.asynccontextmanager
async def reporting(
    request: ResourceRequest, report: Report, parts: RequestParts, shown: Callable[[Report, Told], Report]
) -> AsyncIterator[Callable[[Told], None]]:
    """Gives a callback; what it is told is shown in the status at most every 0.7 s, and never stops the work."""
    newest: list[Told] = []
    writer = asyncio.create_task(_write(newest, request, parts, partial(shown, report)))
    try:
        yield newest.append
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def _write(
    newest: list[Told], request: ResourceRequest, parts: RequestParts, shown: Callable[[Told], Report]
) -> None:
    while True:
        await asyncio.sleep(WRITE_INTERVAL_SECONDS)
        if not newest:
            continue
        told = newest[-1]
        newest.clear()
        with contextlib.suppress(KunlunError):
            await _publish(request, shown(told), parts)


def _step(plan: Plan, report: Report, event: StepEvent) -> Report:
    step = f"{event.operation} {event.kind} {event.name}"
    return _building(plan, report, Progress(done=event.done, total=event.total, step=step))


def _building(plan: Plan, report: Report, progress: Progress) -> Report:
    report = report.waiting(ConditionType.PROVISIONED, Reason.BUILDING, f"building plan {plan.meta.name}")
    return replace(report, building_plan=plan.meta.name, built_plan=None, progress=progress)


async def _publish(request: ResourceRequest, report: Report, parts: RequestParts) -> bool:
    status = status_of(report, before=request.status, generation=request.meta.generation, now=parts.now())
    return await publish(parts, request, status)
