"""Servers that Nova put into ERROR: which are built anew, how often, and what a person has to do.

Only a server that never started is replaced, for it holds nothing. How often is counted in the status before it is
done, so that no restart begins the count again. Want of room on the hosts is no fault: that is waited for, and where
nothing shows the want, it is tried ever more seldom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from controllers.api.requeststatus import Replacements
from controllers.api.stored import Plan, ResourceRequest
from controllers.request.parts import RequestParts
from controllers.request.progress import written_status
from controllers.request.rollout import stopped_rollout, tolerated
from controllers.request.scarcity import require_hosts
from controllers.request.status import Report
from infra.errors import KunlunError, QuotaExceeded, ReplacingServer, RolloutStopped, ServerFault
from infra.planned import planned_objects
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.provider.server import is_stillborn

MOST_REPLACEMENTS = 3
PAUSES_SECONDS = (10.0, 30.0, 90.0)
CAPACITY_RETRY_SECONDS = 30.0
LONGEST_CAPACITY_RETRY_SECONDS = 300.0
MOST_COUNTED = 100  # as the status has it
SHOWN = 10
LONGEST_TEXT = 1500  # of Nova's words: a condition has to have room for what to do
# Nova counts quota twice: of two servers that came at once the second is accepted and then put into ERROR for it.
_NO_ROOM = re.compile(r"no valid host|insufficient|not enough|quota exceeded", re.IGNORECASE)


def verdict(servers: Iterable[ObservedObject], replaced: int) -> KunlunError | None:
    """What becomes of these servers, of which some may be in ERROR; None when none is. Pure."""
    faulty = [found for found in servers if found.status == "ERROR"]
    if not faulty:
        return None
    told = _told(faulty)
    if ran := [found.name for found in faulty if not is_stillborn(found.raw)]:
        return ServerFault(
            f"{told}. It ran before and may hold data, so it is not replaced by itself: repair it in OpenStack, or "
            f"delete it there to have it built anew ({', '.join(ran[:SHOWN])})"
        )
    if all(_NO_ROOM.search(found.fault or "") for found in faulty):
        pause = min(CAPACITY_RETRY_SECONDS * 2.0**replaced, LONGEST_CAPACITY_RETRY_SECONDS)
        return QuotaExceeded(f"{told}; tried again when there is room", retry_after_seconds=pause)
    if replaced >= MOST_REPLACEMENTS:
        return ServerFault(
            f"{told}. Built anew {replaced} times without success: find the cause in OpenStack, then delete the "
            "server there to have it built once more"
        )
    pause = PAUSES_SECONDS[replaced]
    again = f"built anew in {pause:.0f} s ({replaced + 1} of {MOST_REPLACEMENTS})"
    return ReplacingServer(f"{told}; {again}", retry_after_seconds=pause)


def planned_servers(plan: Plan, observed: Observed) -> list[ObservedObject]:
    """The observed servers that the plan wants."""
    wanted = {identity_of(one) for one in planned_objects(plan.spec.stack).values()}
    return [found for found in observed.objects if found.status and found.identity in wanted]


def stillborn_servers(plan: Plan, observed: Observed) -> list[ObservedObject]:
    """Those in ERROR that never started, but for desktops within their budget: these wait for a person."""
    planned = planned_servers(plan, observed)
    spared = tolerated(plan.spec.stack, planned)
    return [found for found in planned if is_stillborn(found.raw) and found.name not in spared]


async def fault_among(
    servers: Iterable[ObservedObject], request: ResourceRequest, plan: Plan, parts: RequestParts
) -> KunlunError | None:
    """The verdict, and where there is no room, how much is wanted and how much the hosts have."""
    known = list(servers)
    fault = _judged(plan, known, _replaced(request, plan, parts))
    if isinstance(fault, QuotaExceeded):
        try:
            await require_hosts(plan, [found for found in known if found.status == "ERROR"], parts)
        except QuotaExceeded as shortage:
            return QuotaExceeded(f"{fault.message}: {shortage}", retry_after_seconds=CAPACITY_RETRY_SECONDS)
    return fault


def _judged(plan: Plan, servers: Sequence[ObservedObject], replaced: int) -> KunlunError | None:
    """The verdict, which spares what a roll-out's budget allows, and says where a roll-out came to its end."""
    spared = tolerated(plan.spec.stack, servers)
    fault = verdict([found for found in servers if found.name not in spared], replaced)
    place = stopped_rollout(plan.spec.stack, servers) if isinstance(fault, ServerFault) else None
    return RolloutStopped(f"{place}. {fault.message}") if fault and place else fault


async def permit_replacing(
    request: ResourceRequest, plan: Plan, observed: Observed, report: Report, parts: RequestParts
) -> Report:
    """Before a pass that replaces what never started: the report with the count, to be written first.

    Raises what says that it is not to be, or not yet.
    """
    stillborn = stillborn_servers(plan, observed)
    replaced = _replaced(request, plan, parts)
    match _judged(plan, stillborn, replaced):
        case None:
            return report
        case ServerFault() | RolloutStopped() as fault:
            raise fault
        case QuotaExceeded():
            await require_hosts(plan, stillborn, parts)
    count = min(replaced + 1, MOST_COUNTED)
    return replace(report, replacements=Replacements(plan=plan.meta.name, count=count))


def _replaced(request: ResourceRequest, plan: Plan, parts: RequestParts) -> int:
    """How often servers of this very plan were built anew, this pass included."""
    known = written_status(request, parts).replacements
    return known.count if known is not None and known.plan == plan.meta.name else 0


def _told(faulty: Sequence[ObservedObject]) -> str:
    faults = [f"{found.name}: {found.fault or 'no reason given'}" for found in faulty]
    more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    text = f"OpenStack could not build {'; '.join(faults[:SHOWN])}{more}"
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
