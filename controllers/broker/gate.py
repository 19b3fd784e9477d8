"""Who comes in: whoever shows the secret of a session that is ready, has not been opened, and is not too old. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from controllers.api.stored import DesktopSession
from controllers.api.times import seconds_between

REFUSED = "this is not, or no longer, a way in: run `kubectl kunlun desktop open` again"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`said` is for the browser and gives nothing away; `because` is for the log."""

    because: str
    said: str = REFUSED


def objection_to_opening(session: DesktopSession | None, secret: str, *, now: str) -> Refusal | None:
    """Why nobody is let in, or None. An unknown session and a wrong secret look the same from outside."""
    if session is None:
        return Refusal("there is no such session")
    if not hmac.compare_digest(hashlib.sha256(secret.encode()).hexdigest(), session.spec.key):
        return Refusal("the secret is not the session's")
    status = session.status
    if status.use is not None:
        return Refusal("it was opened before")
    if (ended := objection_to_staying(session)) is not None:
        return ended
    if status.expiry_time is None or seconds_between(now, status.expiry_time) < 0:
        return Refusal("its time is over")
    return None if status.address and status.server else Refusal("it names no desktop")


def objection_to_staying(session: DesktopSession | None) -> Refusal | None:
    """Why a session that is open has to end, or None: the operator says so, or somebody has deleted it."""
    if session is None or session.meta.deleting:
        return Refusal("the session is gone", "the session has ended")
    ready = next((item for item in session.status.conditions if item.type == "Ready"), None)
    if ready is None or ready.status != "True":
        because = ready.message if ready else "nobody has looked at it yet"
        return Refusal(because, f"the session has ended: {because}")
    return None
