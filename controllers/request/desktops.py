"""What a request's status tells of its desktops, as they were seen last."""

from __future__ import annotations

from dataclasses import replace

from controllers.api.stored import ResourceRequest
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.rollout import desktop_statuses
from controllers.request.status import Report


def with_desktops(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Every desktop of the plan in force. What this process has not seen is told as the status had it."""
    plan = plan_named(report.approved_plan, request, parts.cache)
    if plan is None:
        return report
    servers = parts.memories.of(request.meta.uid).servers
    return replace(report, desktops=desktop_statuses(plan.spec.stack, servers, request.status.desktops))
