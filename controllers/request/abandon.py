"""Giving a request up: the object goes, what was built for it stays, and it is written down who wanted that and why.

The two annotations can be set only by a holder of the verb `abandon`, whose name the API server writes (see
`policies/admission/abandonment.yaml`). Without a deletion they do nothing. What stays is shown by `kunlun orphans`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from controllers.api import ABANDON, ABANDONED_BY
from controllers.api.stored import Meta, ResourceRequest
from controllers.publish import tell
from controllers.request.parts import RequestParts
from infra.errors import ClusterRefused, KunlunError
from infra.provider.observe import observed_from_listing

LOOK_SECONDS = 5.0
SHOWN = 12
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Abandonment:
    """Who gave the request up, and why."""

    person: str
    reason: str


def abandonment_of(meta: Meta) -> Abandonment | None:
    """The abandonment of a request that is being deleted, if there is one."""
    person, reason = meta.annotations.get(ABANDONED_BY, ""), meta.annotations.get(ABANDON, "").strip()
    return Abandonment(person, reason) if meta.deleting and person and reason else None


async def let_go(request: ResourceRequest, given: Abandonment, parts: RequestParts) -> None:
    """Record what stays, as an Event and in the log, and forget the engine's state. The cloud is only looked at.

    Raises ClusterUnavailable when the Event could not be written: nothing is let go unrecorded.
    """
    stays = await _what_stays(request, parts)
    meta = request.meta
    log.warning(
        "abandoned",
        request=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        by=given.person,
        why=given.reason,
        project=request.status.project,
        stays=list(stays),
    )
    shown = ", ".join(stays[:SHOWN]) or "nothing that is known of"
    more = f" and {len(stays) - SHOWN} more, see the operator's log" if len(stays) > SHOWN else ""
    text = f"given up by {given.person}: {given.reason[:200]}; stays in OpenStack: {shown}{more}"
    with contextlib.suppress(ClusterRefused):  # a namespace that is being deleted takes no Event; the log has all
        await tell(parts, request, "Abandoned", text, worry=True)
    try:
        await parts.engine.forget(meta.uid)
    except KunlunError as error:  # a full disk, say: what is left of the state is dropped at the next start
        log.warning("state not dropped", request=meta.name, namespace=meta.namespace, message=error.message)


async def _what_stays(request: ResourceRequest, parts: RequestParts) -> Sequence[str]:
    """As the cloud lists it, if it answers soon; else as the status has it."""
    recorded = [f"{item.kind} {item.name} {item.id}" for item in request.status.resources]
    if request.status.project is None:
        return recorded
    now = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            listing = await parts.surveys.everything(request.status.project, not_before=now)
    except (KunlunError, TimeoutError):
        return recorded
    return [f"{item.kind} {item.name} {item.id}" for item in observed_from_listing(listing, request.meta.uid).objects]
