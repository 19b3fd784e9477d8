"""Looking at what exists of a request, and saying where it is not what was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from controllers.api.stored import Plan, ResourceRequest
from controllers.request.accord import barred, joinable
from controllers.request.memory import Seen, next_turn
from controllers.request.parts import RequestParts
from controllers.request.rollout import tolerated
from infra.cloud import Answer
from infra.errors import DataLost, EngineInterrupted
from infra.planned import changed_for_life, planned_objects
from infra.provider.observe import observed_from_listing
from infra.provider.observed import Deviation, Difference, Observed, differences, identity_of
from infra.provider.repairs import repairs_of
from infra.stackplan import DATA_VOLUME_PREFIX, Kind

SHOWN = 10
RECENT_SECONDS = 5.0  # a look that old serves who looks in turn


async def observe(
    request: ResourceRequest, plan: Plan, parts: RequestParts, *, not_older_than: float = 0.0
) -> Observed:
    """List the project. A call that a killed process had sent may still take effect: not before that is over."""
    remaining = until_recovered(parts)
    if remaining > 0 and parts.memories.of(request.meta.uid).plan is None:
        raise EngineInterrupted("looking at what exists after a restart", retry_after_seconds=remaining)
    not_before = asyncio.get_running_loop().time() - not_older_than
    listing = await parts.surveys.everything(plan.spec.stack.project.id, not_before=not_before)
    listing = replace(listing, beyond=(*listing.beyond, *await _routers_beyond(plan, parts, not_before)))
    return replace(observed_from_listing(listing, request.meta.uid), barred=barred(plan, parts.cache))


async def _routers_beyond(plan: Plan, parts: RequestParts, not_before: float) -> list[Answer]:
    """Those of the other projects that links of the plan lead to; a plan without such links costs no call."""
    stack = plan.spec.stack
    projects = sorted({link.project_id for link in stack.links} - {stack.project.id})
    found = await asyncio.gather(*(parts.surveys.routers(one, not_before=not_before) for one in projects))
    return [router for routers in found for router in routers]


async def observe_surely(
    request: ResourceRequest, plan: Plan, parts: RequestParts, *, not_older_than: float = 0.0
) -> Observed:
    """As `observe`, but what we know to have built is not taken for gone on the word of one listing.

    A Neutron that has just started may answer with an empty list; acting on that would build everything twice.
    What was found gone in this way is not doubted again, so a difference that lasts costs one listing a turn.
    """
    memory = parts.memories.of(request.meta.uid)
    built = {item.id for item in request.status.resources}
    observed = await observe(request, plan, parts, not_older_than=not_older_than)
    for pause in parts.settings.second_looks_seconds:
        if not built - observed.by_id.keys() - memory.gone:
            break
        await asyncio.sleep(pause)
        observed = await observe(request, plan, parts)
    memory.gone = frozenset(built - observed.by_id.keys())
    return observed


def until_recovered(parts: RequestParts) -> float:
    """Seconds until nothing that an earlier process sent can still take effect; negative when that is over."""
    return parts.started + parts.settings.recovery_delay_seconds - parts.monotonic()


def differing(plan: Plan, observed: Observed) -> list[Difference]:
    """Where the cloud is not what the plan says; a data volume that outlived its server is no difference, nor is a
    failed desktop within its budget: the status names it.
    """
    spared = tolerated(plan.spec.stack, (found for found in observed.objects if found.kind is Kind.SERVER))
    found = differences(planned_objects(plan.spec.stack), observed)
    return [item for item in found if not _was_kept(plan, item) and not _is_spared(item, spared)]


def see(request: ResourceRequest, plan: Plan, observed: Observed, parts: RequestParts) -> Seen:
    """Judge an observation of the plan in force, and remember the judgement until the next one."""
    memory = parts.memories.of(request.meta.uid)
    memory.servers = {found.name: found for found in observed.objects if found.kind is Kind.SERVER and not found.twin}
    drift, repairs = tuple(differing(plan, observed)), repairs_of(plan.spec.stack, observed)
    memory.seen = Seen(plan.meta.name, drift, repairs, joinable(plan, parts.cache))
    return memory.seen


def can_be_corrected(plan: Plan, item: Difference) -> bool:
    """Whether the approved plan permits to put it right: missing, changed in place, to be removed by it, or a spare one
    of what it has once (never a volume: a restored backup bears our marker, too).
    """
    match item.deviation:
        case Deviation.MISSING:
            return True
        case Deviation.CHANGED:
            return not _stays_changed(item) or _is_removal(plan, item)
        case Deviation.TWIN if item.kind is not Kind.VOLUME:
            return True
        case _:
            return _is_removal(plan, item)


def is_lost_data(item: Difference) -> bool:
    """A data volume of a built plan that is not there any more, with what was on it."""
    return item.deviation is Deviation.MISSING and item.name.startswith(DATA_VOLUME_PREFIX)


def require_data(request: ResourceRequest, plan: Plan, observed: Observed) -> None:
    """Raises DataLost when a data volume that was built, and that the plan keeps as it is, is not there any more."""
    planned = planned_objects(plan.spec.stack)
    replaced = {gone.name for gone in plan.spec.stack.removals}
    lost = []
    for known in request.status.resources:
        one = planned.get(known.name)
        if one is None or not known.name.startswith(DATA_VOLUME_PREFIX) or identity_of(one) in observed.by_identity:
            continue
        # A status of an earlier release names no fingerprint.
        if known.fingerprint == one.fingerprint or (known.fingerprint is None and known.name not in replaced):
            lost.append(f"{known.name} ({known.id})")
    if lost:
        raise DataLost(
            f"gone, with what was on them: data volumes {', '.join(lost[:SHOWN])}. No empty one is made in its place: "
            "restore it, or take it out of the request and add one of another name"
        )


def plan_next_look(request: ResourceRequest, plan: Plan, parts: RequestParts) -> None:
    """Look again at the project's next turn, but not while an earlier process may still be at work."""
    project, interval = plan.spec.stack.project.id, parts.settings.observe_interval_seconds
    turn = next_turn(project, now=parts.monotonic(), interval=interval)
    parts.memories.of(request.meta.uid).next_look = max(turn, parts.monotonic() + until_recovered(parts))


def _was_kept(plan: Plan, item: Difference) -> bool:
    is_data = item.deviation is Deviation.UNEXPECTED and item.name.startswith(DATA_VOLUME_PREFIX)
    return is_data and not _is_removal(plan, item)


def _is_spared(item: Difference, spared: Collection[str]) -> bool:
    return item.deviation is Deviation.FAULTY and item.name in spared


def _is_removal(plan: Plan, item: Difference) -> bool:
    """By its identity, or this very object by its id."""
    identity = (item.kind, item.name, item.fingerprint)
    return any(
        identity == (gone.kind, gone.name, gone.fingerprint) and gone.id in (None, item.id)
        for gone in plan.spec.stack.removals
    )


def _stays_changed(item: Difference) -> bool:
    """Whether only another object could be as planned: it differs in something fixed, or grew and cannot shrink."""
    grew = item.kind is Kind.VOLUME and item.found.get("size_gib", 0) > item.wanted.get("size_gib", 0)
    return grew or bool(changed_for_life(item.kind, item.fields, item.found))
