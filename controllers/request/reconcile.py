"""The story of a request, on one screen.

Whatever woke us, the same pass runs over the whole object: first what was asked (is it valid, allowed,
planned, approved), then what is in force (is it built, configured, still so). A newer spec that is not
approved yet, or not even allowed, leaves the plan in force alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controllers.api.conditions import ConditionType
from controllers.api.requeststatus import ResourceRequestStatus
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import REQUESTS, ResourceRequest, Stored, meta_of, readable_status
from controllers.publish import ensure_finalizer, publish
from controllers.request.abandon import abandonment_of
from controllers.request.approve import weigh_approvals
from controllers.request.configure import configure_guests
from controllers.request.desktops import tend_desktops
from controllers.request.draft import draft_plan
from controllers.request.examine import check_form, check_policy
from controllers.request.lifetime import expiry_time
from controllers.request.parts import RequestParts
from controllers.request.progress import written_status
from controllers.request.provision import provision_plan
from controllers.request.restore import restore_plans
from controllers.request.status import Report, begin, status_of
from controllers.request.withdraw import withdraw
from infra.errors import InternalError, KunlunError, StatusUnreadable

Chapter = tuple[ConditionType, Callable[[ResourceRequest, Report, RequestParts], Awaitable[Report]]]

ASKED: Sequence[Chapter] = (
    (ConditionType.VALIDATED, check_form),
    (ConditionType.COMPLIANT, check_policy),
    (ConditionType.PLANNED, draft_plan),
    (ConditionType.APPROVED, weigh_approvals),
)
IN_FORCE: Sequence[Chapter] = (
    (ConditionType.PROVISIONED, provision_plan),
    (ConditionType.CONFIGURED, configure_guests),
)


async def reconcile(request: ResourceRequest, parts: RequestParts) -> float | None:
    """One pass. Returns the seconds after which another is wanted, None to wait for an event."""
    if request.meta.deleting:
        return await withdraw(request, parts)
    parts.memories.of(request.meta.uid).begin_pass()
    await ensure_finalizer(parts, request)
    await restore_plans(request, parts)
    report = replace(begin(request.status), expiry_time=expiry_time(request, parts.cache))
    report = await _read(ASKED, request, report, parts)
    if report.approved_plan is not None:
        report = await _read(IN_FORCE, request, report, parts)
    report = await tend_desktops(request, report, parts)
    if report.bug is not None:
        await _conclude(request, report, parts)
        raise report.bug
    return await _conclude(request, report, parts)


async def _conclude(request: ResourceRequest, report: Report, parts: RequestParts) -> float | None:
    status = status_of(report, before=request.status, generation=request.meta.generation, now=parts.now())
    await publish(parts, request, status)
    return report.retry_after_seconds


async def _read(chapters: Sequence[Chapter], request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    for step, chapter in chapters:
        with parts.measures.passes.chapter(step) as found:
            try:
                report = await chapter(request, report, parts)
            except KunlunError as error:
                report = _intended(report.failed(step, error), request, parts)
            except Exception as error:  # a bug: the requester is told that there is one, the queue logs it
                report = replace(_intended(report.failed(step, InternalError()), request, parts), bug=error)
            found.append(report.steps.get(step))
        if not report.permits_going_on(step):
            break
    return report


def _intended(report: Report, request: ResourceRequest, parts: RequestParts) -> Report:
    """With what this pass has said it would build, even if it was cut off: an intent is never taken back."""
    known = written_status(request, parts)
    report = replace(report, building_plan=known.building_plan, built_plan=known.built_plan)
    return replace(report, replacements=known.replacements)


async def refuse_unreadable(body: Mapping[str, Any] | None, error: KunlunError, parts: RequestParts) -> float | None:
    """Tell the requester of a spec that does not fit the form at all (the API server lets none through).

    A request that is to go goes all the same: what was built is found by its marker, not by its spec. Raises
    StatusUnreadable when the status is what cannot be read, unless the request is given up.
    """
    if body is None:
        return None
    status = _readable_status(body)
    request = Stored(REQUESTS, meta_of(body), ResourceRequestSpec.model_construct(), status)  # type: ignore[call-arg]
    if request.meta.deleting:
        return await withdraw(request, parts)
    return await _conclude(request, begin(status).failed(ConditionType.VALIDATED, error), parts)


def _readable_status(body: Mapping[str, Any]) -> ResourceRequestStatus:
    """Of a request that is given up, an unreadable one is taken for empty: nothing is removed on the strength of it."""
    try:
        return readable_status(REQUESTS, body)
    except StatusUnreadable:
        if abandonment_of(meta_of(body)) is None:
            raise
        return ResourceRequestStatus()
