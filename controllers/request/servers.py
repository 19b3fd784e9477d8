"""Waiting for servers, outside the engine: one shared poll per project, slower the longer it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from controllers.api.conditions import ConditionType, Reason
from controllers.api.stored import Plan, ResourceRequest
from controllers.request.accord import awaited
from controllers.request.faults import fault_among
from controllers.request.memory import Memory
from controllers.request.parts import RequestParts
from controllers.request.rollout import tolerated
from controllers.request.status import Report
from infra.errors import EngineInterrupted, ServerFault, TransientError
from infra.planned import planned_objects
from infra.provider.observe import servers_from_listing
from infra.provider.observed import ObservedObject
from infra.stackplan import Kind

# What Nova calls a server that has been built; people may have stopped it since.
BUILT = {"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "RESCUE"}
SLOWEST_POLL_SECONDS = 10.0
POLL_GROWTH = 0.1  # a tenth of the time waited so far
UNSEEN_SECONDS = 10.0  # at most, while others are still being built: a server in ERROR is to be told of soon
SHOWN = 10


async def await_servers(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    """Provisioned when every planned server has been built; a roll-out goes on with its next batch when this one has.

    How they are is looked at when Nova builds none of them any more, and from time to time until then.
    Raises ServerFault with Nova's own words.
    """
    memory = parts.memories.of(request.meta.uid)
    planned, later = _by_turn(plan, memory.ids)
    waiting = await _being_built(planned, plan, parts, memory)
    if not waiting:
        servers = await _looked_at(planned, request, plan, parts)
        over = tolerated(plan.spec.stack, (servers[name] for name in planned))
        waiting = [name for name in planned if servers[name].status not in BUILT and name not in over]
    if waiting:
        placed = f"{_placed(plan, planned)}; " if later else ""
        message = f"{placed}waiting for {_listed(waiting)} to become ACTIVE"
        report = report.waiting(ConditionType.PROVISIONED, Reason.AWAITING_SERVERS, message)
        return report.again_after(_pause_seconds(waiting, parts, memory))
    if later:
        memory.forget_build()
        message = f"{_placed(plan, planned)}; the next batch begins"
        return report.waiting(ConditionType.PROVISIONED, Reason.ROLLING_OUT, message).again_after(0)
    return provisioned(request, plan, report, parts)


async def _being_built(planned: Collection[str], plan: Plan, parts: RequestParts, memory: Memory) -> list[str]:
    """Of the planned servers those Nova is still building; none when it is time to look at them themselves."""
    if not planned or memory.unseen(parts.monotonic()) > UNSEEN_SECONDS:
        return []
    project = plan.spec.stack.project.id
    building = await parts.surveys.building(project, not_before=_recently(parts))
    return [name for name in planned if memory.ids[name] in building]


async def _looked_at(
    planned: Collection[str], request: ResourceRequest, plan: Plan, parts: RequestParts
) -> Mapping[str, ObservedObject]:
    """All of the request's servers by logical name, the planned ones among them. Raises what went wrong with those."""
    memory = parts.memories.of(request.meta.uid)
    listing = await parts.surveys.servers(plan.spec.stack.project.id, not_before=_recently(parts))
    servers = servers_from_listing(listing, request.meta.uid)
    memory.servers, memory.servers_seen = servers, parts.monotonic()
    if fault := await fault_among((servers[name] for name in planned if name in servers), request, plan, parts):
        if isinstance(fault, TransientError):
            memory.forget_build()  # the next pass looks at everything, and replaces what it may
        raise fault
    if gone := [name for name in planned if name not in servers]:
        memory.forget_build()
        raise EngineInterrupted(f"gone while waiting for it: {_listed(gone)}", retry_after_seconds=2)
    return servers


def _pause_seconds(waiting: list[str], parts: RequestParts, memory: Memory) -> float:
    """Until the next poll. Raises ServerFault when it has taken too long."""
    waited = memory.waited(parts.monotonic())
    if waited > parts.settings.build_deadline_seconds:
        raise ServerFault(f"still not built after {waited / 60:.0f} minutes: {_listed(waiting)}")
    return min(max(parts.settings.server_poll_seconds, waited * POLL_GROWTH), SLOWEST_POLL_SECONDS)


def _recently(parts: RequestParts) -> float:
    """An answer of another request's poll is as good as our own (event loop time)."""
    return asyncio.get_running_loop().time() - parts.settings.server_poll_seconds / 2


def _by_turn(plan: Plan, ids: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Logical names of the planned servers that have been made, and of those whose batch comes later."""
    names = [name for name, item in planned_objects(plan.spec.stack).items() if item.kind is Kind.SERVER]
    return [name for name in names if name in ids], [name for name in names if name not in ids]


def _placed(plan: Plan, made: Collection[str]) -> str:
    """`10 of 20 desktops are made`."""
    desktops = [f"server-{one.name}" for one in plan.spec.stack.servers if one.seat is not None]
    return f"{sum(name in made for name in desktops)} of {len(desktops)} desktops are made"


def provisioned(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    """The plan is real; look again at the project's next turn."""
    found = {"built_plan": plan.meta.name, "replacements": None}
    told = described(plan) + awaited(plan, parts.cache)
    report = report.reached(ConditionType.PROVISIONED, Reason.PROVISIONED, told, **found)
    return report.again_after(until_next_look(request, parts))


def until_next_look(request: ResourceRequest, parts: RequestParts) -> float:
    """Seconds, at least one."""
    next_look = parts.memories.of(request.meta.uid).next_look or 0.0
    return max(next_look - parts.monotonic(), 1.0)


def described(plan: Plan) -> str:
    """`2 servers, 1 network in civil-affairs-extranet`."""
    stack = plan.spec.stack
    desktops = sum(one.seat is not None for one in stack.servers)
    counts = [
        _count(len(stack.servers) - desktops, "server") if desktops < len(stack.servers) or not desktops else "",
        _count(desktops, "desktop") if desktops else "",
        _count(len(stack.networks), "network"),
    ]
    return f"{', '.join(filter(None, counts))} in {stack.project.name}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
