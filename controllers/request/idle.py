"""Desktops that nobody uses are stopped, and started again for who opens them. Pure: which, and when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from controllers.api.conditions import Reason
from controllers.api.desktops import DesktopState, DesktopStatus
from controllers.api.stored import DesktopSession
from controllers.api.times import seconds_between


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Desktops to stop and to start, and in how many seconds the next one may be idle."""

    to_stop: tuple[DesktopStatus, ...] = ()
    to_start: tuple[DesktopStatus, ...] = ()
    next_seconds: float | None = None


def stopped(desktops: Iterable[DesktopStatus]) -> tuple[DesktopStatus, ...]:
    """Those that rest."""
    return tuple(one for one in desktops if one.state is DesktopState.STOPPED)


def upkeep(
    desktops: Sequence[DesktopStatus],
    sessions: Iterable[DesktopSession],
    *,
    ready_since: str | None,
    idle_minutes: int,
    now: str,
) -> Upkeep:
    """What to do now. Without `ready_since` the request is at work on them: then none is stopped."""
    known = list(sessions)
    wanted = {session.spec.user for session in known if _waits(session)}
    to_start = tuple(one for one in stopped(desktops) if one.user in wanted)
    if ready_since is None:
        return Upkeep(to_start=to_start)
    left = {
        one.name: idle_minutes * 60.0 - seconds_between(max([ready_since, *_uses(one, known)]), now)
        for one in desktops
        if one.state is DesktopState.RUNNING and one.user not in wanted
    }
    to_stop = tuple(one for one in desktops if left.get(one.name, 1.0) <= 0)
    return Upkeep(to_stop, to_start, min((seconds for seconds in left.values() if seconds > 0), default=None))


def _waits(session: DesktopSession) -> bool:
    """Whether somebody is about to come in."""
    ready = next((item for item in session.status.conditions if item.type == "Ready"), None)
    if session.status.use is not None or session.meta.deleting:
        return False
    return ready is None or ready.status == "True" or ready.reason == Reason.AWAITING_SERVERS


def _uses(desktop: DesktopStatus, sessions: Iterable[DesktopSession]) -> Iterator[str]:
    """When its present user came, and was last seen to type or point."""
    for session in sessions:
        use = session.status.use
        if session.spec.user == desktop.user and use is not None:
            yield use.active_time or use.opened_time
