"""The end of a request whose plan in force says Release: everything stays, and is managed no longer.

Only our markers are taken off. That everything is let go is seen by a listing before the request itself may go.
"""

from __future__ import annotations

import contextlib

import structlog

from controllers.api.stored import Plan, ResourceRequest
from controllers.publish import tell
from controllers.request.parts import RequestParts
from infra.correlation import call_id, correlated
from infra.engine import StepEvent
from infra.errors import KunlunError
from infra.stackplan import Origin

RELEASED = "Released"
log = structlog.get_logger(__name__)


def is_to_be_released(request: ResourceRequest, plan: Plan | None) -> bool:
    """What the plan in force says; without it (it may be gone before its request) what the status remembers of it."""
    policy = plan.spec.stack.deletion_policy if plan else request.status.deletion_policy
    return policy == "Release"


async def release(request: ResourceRequest, origin: Origin, project: str, parts: RequestParts) -> None:
    """Let everything go, half-built or not, and leave a record of it: an Event and a line of the log. Idempotent."""
    expected = {item.id: item.kind for item in request.status.resources}
    with correlated(call_id(request.meta.uid)):
        await parts.engine.release(origin, project, expected=expected, on_progress=_unheard)
    left = [f"{item.name} ({item.id})" for item in request.status.resources]
    log.info("request released", request=request.meta.name, namespace=request.meta.namespace, objects=left)
    text = f"nothing was deleted; no longer managed: {', '.join(left) or 'nothing had been built'}"
    with contextlib.suppress(KunlunError):  # an Event is a courtesy; the log is the record
        await tell(parts, request, RELEASED, text, worry=False)


def _unheard(event: StepEvent) -> None:
    """Releasing takes a moment; the log names every object."""
