"""The end of a test environment: when it comes, and the deletion that is asked for then.

The time counts from the request's creation: a moment that the API server has written, that nobody moves, and that is
there before anything is built, so an environment that never becomes ready ends as well. Extending means a longer
`timeToLive`. The deletion is the ordinary one; an extension that comes in the same moment wins.
"""

from __future__ import annotations

import contextlib

import structlog

from controllers.api.fields import lifetime_seconds
from controllers.api.stored import REQUESTS, ZONES, ResourceRequest
from controllers.api.times import later_by, seconds_between
from controllers.api.zone import ZoneSpec
from controllers.cache import Cache
from controllers.publish import tell
from controllers.request.parts import RequestParts
from infra.errors import KunlunError

EXPIRED = "Expired"
LONGEST_WAIT_SECONDS = 3600.0  # timers count on another clock than expiry times: the two are compared now and then
log = structlog.get_logger(__name__)


async def tend_lifetime(request: ResourceRequest, parts: RequestParts) -> float | None:
    """Ask for the deletion of a request that is over. Returns the seconds after which to look again; None: never."""
    end = None if request.meta.deleting else expiry_time(request, parts.cache)
    if end is None:
        return None
    left = seconds_between(parts.now(), end)
    if left > 0:
        return min(left, LONGEST_WAIT_SECONDS)
    log.info("request expired", request=request.meta.name, namespace=request.meta.namespace, end=end)
    with contextlib.suppress(KunlunError):  # an Event is a courtesy; the deletion is what counts
        text = f"its timeToLive of {request.spec.time_to_live} ended at {end}: everything that was built for it goes"
        await tell(parts, request, EXPIRED, text, worry=False, name=f"{request.meta.name}.expired-{request.meta.uid}")
    await parts.cluster.delete_unchanged(REQUESTS, request.meta)
    return None


def expiry_time(request: ResourceRequest, cache: Cache) -> str | None:
    """When the request is over; None: never."""
    if request.spec.time_to_live is None:
        return None
    zones = (zone.spec for zone in cache.all(ZONES) if zone.meta.name == request.spec.zone)
    return expiry_in(request, next(zones, None))


def expiry_in(request: ResourceRequest, zone: ZoneSpec | None) -> str | None:
    """By the request's own `timeToLive`, where the zone permits it.

    One beyond the zone's bound (it was lowered, or admission did not see the request) moves no end that stands
    already, and sets none later than the bound.
    """
    asked, created = request.spec.time_to_live, request.meta.created
    if asked is None:
        return None
    seconds = lifetime_seconds(asked)
    bound = lifetime_seconds(zone.longest_time_to_live) if zone else seconds
    if seconds <= bound:
        return later_by(created, seconds)
    return request.status.expiry_time or later_by(created, bound)
