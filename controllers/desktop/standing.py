"""Where a session stands: pure. A session is good for one opening, soon, of the desktop its user has right now."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.api.conditions import Reason, Step
from controllers.api.desktops import DesktopState, DesktopStatus
from controllers.api.desktopsession import DesktopUse
from controllers.api.stored import DesktopSession
from controllers.api.times import later_by, seconds_between

OPEN_WITHIN_SECONDS = 60.0
START_WITHIN_SECONDS = 900.0
KEPT_SECONDS = 3600.0  # what is over stays readable for a while
OVER = {Reason.NOT_ASSIGNED, Reason.EXPIRED, Reason.CLOSED}


@dataclass(frozen=True, slots=True)
class Standing:
    """The condition, until when it has to be opened, and in how many seconds that may have changed by itself."""

    step: Step
    expiry_time: str | None = None
    next_seconds: float | None = None


def standing(session: DesktopSession, desktop: DesktopStatus | None, *, session_minutes: int, now: str) -> Standing:
    """`desktop` is the one that the plan in force gives to the session's user; None when it gives none."""
    use = session.status.use
    if use is not None and use.closed_time is not None:
        return Standing(Step("False", Reason.CLOSED, f"closed at {use.closed_time}"), session.status.expiry_time)
    if desktop is None:  # the same words whether there is such a request or not
        text = f"request '{session.spec.request}' has no desktop for '{session.spec.user}'"
        return Standing(Step("False", Reason.NOT_ASSIGNED, text))
    if session.status.server is not None and desktop.id != session.status.server:
        return Standing(Step("False", Reason.EXPIRED, f"{desktop.name} was built anew; open it again"))
    if use is not None:
        return _in_use(session, use, seconds=session_minutes * 60.0, now=now)
    return _to_be_opened(session, desktop, now)


def _in_use(session: DesktopSession, use: DesktopUse, *, seconds: float, now: str) -> Standing:
    left = seconds - seconds_between(use.opened_time, now)
    if left <= 0:
        text = f"a session lasts {seconds / 60:.0f} minutes here; open it again"
        return Standing(Step("False", Reason.EXPIRED, text), session.status.expiry_time)
    return Standing(Step("True", Reason.READY, f"open since {use.opened_time}"), session.status.expiry_time, left)


def _to_be_opened(session: DesktopSession, desktop: DesktopStatus, now: str) -> Standing:
    expiry = session.status.expiry_time
    left = seconds_between(now, expiry or later_by(session.meta.created, START_WITHIN_SECONDS))
    if left <= 0:
        return Standing(Step("False", Reason.EXPIRED, "it was not opened in time; open it again"), expiry)
    match desktop.state:
        case DesktopState.RUNNING:
            expiry = expiry or later_by(now, OPEN_WITHIN_SECONDS)
            ready = Step("True", Reason.READY, f"{desktop.name} may be opened until {expiry}")
            return Standing(ready, expiry, seconds_between(now, expiry) + 1)
        case DesktopState.FAILED:
            return Standing(Step("False", Reason.SERVER_FAULT, f"{desktop.name} has failed; tell your department"))
        case _:
            word = "is being started" if desktop.state is DesktopState.STOPPED else f"is {desktop.state.lower()}"
            return Standing(Step("False", Reason.AWAITING_SERVERS, f"{desktop.name} {word}"), None, left + 1)
