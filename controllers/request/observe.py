"""Looking at what exists of a request, and saying where it is not what was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from controllers.api.stored import Plan, ResourceRequest
from controllers.request.memory import next_turn
from controllers.request.parts import RequestParts
from infra.errors import EngineInterrupted
from infra.planned import planned_objects
from infra.provider.observe import observed_from_listing
from infra.provider.observed import Deviation, Difference, Observed, differences
from infra.stackplan import DATA_VOLUME_PREFIX

SHOWN = 10
UNDONE = {Deviation.MISSING, Deviation.CHANGED}
SECOND_LOOKS_SECONDS = (0.5, 1.5)


async def observe(
    request: ResourceRequest, plan: Plan, parts: RequestParts, *, not_older_than: float = 0.0
) -> Observed:
    """List the project. A call that a killed process had sent may still take effect: not before that is over."""
    remaining = until_recovered(parts)
    if remaining > 0 and parts.memories.of(request.meta.uid).plan is None:
        raise EngineInterrupted("looking at what exists after a restart", retry_after_seconds=remaining)
    now = asyncio.get_running_loop().time()
    listing = await parts.surveys.everything(plan.spec.stack.project.id, not_before=now - not_older_than)
    return observed_from_listing(listing, request.meta.uid)


async def observe_surely(
    request: ResourceRequest, plan: Plan, parts: RequestParts, *, not_older_than: float = 0.0
) -> Observed:
    """As `observe`, but what we know to have built is not taken for gone on the word of one listing.

    A Neutron that has just started may answer with an empty list; acting on that would build everything twice.
    """
    observed = await observe(request, plan, parts, not_older_than=not_older_than)
    for pause in SECOND_LOOKS_SECONDS:
        if {item.id for item in request.status.resources} <= observed.by_id.keys():
            break
        await asyncio.sleep(pause)
        observed = await observe(request, plan, parts)
    return observed


def until_recovered(parts: RequestParts) -> float:
    """Seconds until nothing that an earlier process sent can still take effect; negative when that is over."""
    return parts.started + parts.settings.recovery_delay_seconds - parts.monotonic()


def differing(plan: Plan, observed: Observed) -> list[Difference]:
    """Where the cloud is not what the plan says; a data volume that outlived its server is no difference."""
    return [item for item in differences(planned_objects(plan.spec.stack), observed) if not _was_kept(plan, item)]


def can_be_corrected(plan: Plan, item: Difference) -> bool:
    """Whether the approved plan permits to put it right: what is missing, changed, or to be removed by it."""
    return item.deviation in UNDONE or _is_removal(plan, item)


def told(found: Collection[Difference]) -> str:
    """Differences in words, bounded."""
    every = [_in_words(item) for item in found]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more


def plan_next_look(request: ResourceRequest, plan: Plan, parts: RequestParts) -> None:
    """Look again at the project's next turn, but not while an earlier process may still be at work."""
    project, interval = plan.spec.stack.project.id, parts.settings.observe_interval_seconds
    turn = next_turn(project, now=parts.monotonic(), interval=interval)
    parts.memories.of(request.meta.uid).next_look = max(turn, parts.monotonic() + until_recovered(parts))


def _was_kept(plan: Plan, item: Difference) -> bool:
    is_data = item.deviation is Deviation.UNEXPECTED and item.name.startswith(DATA_VOLUME_PREFIX)
    return is_data and not _is_removal(plan, item)


def _is_removal(plan: Plan, item: Difference) -> bool:
    identity = (item.kind, item.name, item.fingerprint)
    return any(identity == (gone.kind, gone.name, gone.fingerprint) for gone in plan.spec.stack.removals)


def _in_words(found: Difference) -> str:
    fields = f" in {', '.join(found.fields)}" if found.fields else ""
    fault = f" ({found.fault})" if found.fault else ""
    return f"{found.kind} {found.name} is {found.deviation.lower()}{fields}{fault}"
