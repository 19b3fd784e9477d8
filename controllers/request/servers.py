"""Waiting for servers, outside the engine: one shared poll per project, slower the longer it takes."""

from __future__ import annotations

import asyncio

from controllers.api.conditions import ConditionType, Reason
from controllers.api.stored import Plan, ResourceRequest
from controllers.request.faults import fault_among
from controllers.request.parts import RequestParts
from controllers.request.status import Report
from infra.errors import EngineInterrupted, ServerFault, TransientError
from infra.planned import planned_objects
from infra.provider.observe import servers_from_listing
from infra.stackplan import Kind

# What Nova calls a server that has been built; people may have stopped it since.
BUILT = {"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "RESCUE"}
SLOWEST_POLL_SECONDS = 10.0
POLL_GROWTH = 0.1  # a tenth of the time waited so far
SHOWN = 10


async def await_servers(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    """Provisioned when every planned server has been built. Raises ServerFault with Nova's own words."""
    memory = parts.memories.of(request.meta.uid)
    now = asyncio.get_running_loop().time()
    poll = parts.settings.server_poll_seconds
    listing = await parts.surveys.servers(plan.spec.stack.project.id, not_before=now - poll / 2)
    servers = servers_from_listing(listing, request.meta.uid)
    planned = [name for name, item in planned_objects(plan.spec.stack).items() if item.kind is Kind.SERVER]
    if fault := await fault_among((servers[name] for name in planned if name in servers), request, plan, parts):
        if isinstance(fault, TransientError):
            memory.forget_build()  # the next pass looks at everything, and replaces what it may
        raise fault
    if gone := [name for name in planned if name not in servers]:
        memory.forget_build()
        raise EngineInterrupted(f"gone while waiting for it: {_listed(gone)}", retry_after_seconds=2)
    if not (waiting := [name for name in planned if servers[name].status not in BUILT]):
        return provisioned(request, plan, report, parts)
    waited = memory.waited(parts.monotonic())
    if waited > parts.settings.build_deadline_seconds:
        raise ServerFault(f"still not built after {waited / 60:.0f} minutes: {_listed(waiting)}")
    message = f"waiting for {_listed(waiting)} to become ACTIVE"
    report = report.waiting(ConditionType.PROVISIONED, Reason.AWAITING_SERVERS, message)
    return report.again_after(min(max(poll, waited * POLL_GROWTH), SLOWEST_POLL_SECONDS))


def provisioned(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    """The plan is real; look again at the project's next turn."""
    found = {"built_plan": plan.meta.name, "replacements": None}
    report = report.reached(ConditionType.PROVISIONED, Reason.PROVISIONED, described(plan), **found)
    return report.again_after(until_next_look(request, parts))


def until_next_look(request: ResourceRequest, parts: RequestParts) -> float:
    """Seconds, at least one."""
    next_look = parts.memories.of(request.meta.uid).next_look or 0.0
    return max(next_look - parts.monotonic(), 1.0)


def described(plan: Plan) -> str:
    """`2 servers, 1 network in civil-affairs-extranet`."""
    stack = plan.spec.stack
    servers, networks = len(stack.servers), len(stack.networks)
    return f"{_count(servers, 'server')}, {_count(networks, 'network')} in {stack.project.name}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
