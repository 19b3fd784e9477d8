"""What somebody opened by hand: drift that lets something through is a security event, healed or not."""

from __future__ import annotations

import contextlib

import structlog

from controllers.api.conditions import Reason
from controllers.api.stored import ResourceRequest
from controllers.publish import tell
from controllers.request.drift import told
from controllers.request.memory import Seen
from controllers.request.parts import RequestParts
from infra.containment import opens
from infra.errors import KunlunError

log = structlog.get_logger(__name__)


async def warn_of_openings(request: ResourceRequest, before: Seen | None, seen: Seen, parts: RequestParts) -> None:
    """One Warning event for each opening that the look before did not show; the zone's audit says it, too."""
    opened = [told([item]) for item in seen.drift if opens(item)]
    known = {told([item]) for item in (before.drift if before else ()) if opens(item)}
    parts.audits.opened.pop(request.meta.uid, None)
    if opened:
        parts.audits.opened[request.meta.uid] = tuple(opened)
    for what in opened:
        if what not in known:
            log.warning("security violation", request=request.meta.uid, what=what)
            with contextlib.suppress(KunlunError):  # the conditions are the record
                await tell(parts, request, Reason.SECURITY_VIOLATION, what, worry=True)
