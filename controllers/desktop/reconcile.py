"""One session: said whether it may be opened, and forgotten when it has been over for a while."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, condition_from
from controllers.api.desktops import DesktopStatus
from controllers.api.desktopsession import DesktopSessionStatus
from controllers.api.stored import PLANS, REQUESTS, SESSIONS, ZONES, DesktopSession, ResourceRequest
from controllers.api.times import seconds_between
from controllers.desktop.standing import KEPT_SECONDS, OVER, Standing, standing
from controllers.parts import Parts
from controllers.publish import publish

WRITTEN_BY_THE_BROKER = frozenset({"use"})


async def reconcile(session: DesktopSession, parts: Parts) -> float | None:
    """Say whether the session may be opened. What was over for an hour goes."""
    if session.meta.deleting:
        return None
    request = parts.cache.get(REQUESTS, session.meta.namespace, session.spec.request)
    desktop, now = desktop_of(request, session.spec.user), parts.now()
    zone = parts.cache.get(ZONES, "", request.spec.zone) if request else None
    minutes = zone.spec.desktop_rules.session_minutes if zone else 0
    found = standing(session, desktop, session_minutes=minutes, now=now)
    if found.step.reason in OVER:
        age = seconds_between(_ended(session), now)
        if age >= KEPT_SECONDS:
            await parts.cluster.delete(SESSIONS, session.meta)
            return None
        await publish(parts, session, _status(session, found, None, None, parts), besides=WRITTEN_BY_THE_BROKER)
        return KEPT_SECONDS - age
    status = _status(session, found, request, desktop, parts)
    await publish(parts, session, status, besides=WRITTEN_BY_THE_BROKER)
    return found.next_seconds


def desktop_of(request: ResourceRequest | None, user: str) -> DesktopStatus | None:
    """The desktop that the plan in force gives to this user."""
    if request is None or request.meta.deleting:
        return None
    return next((one for one in request.status.desktops if one.user == user), None)


def _gateway(request: ResourceRequest | None, parts: Parts) -> str | None:
    """Where the management network leads to the desktops of the plan in force."""
    name = request.status.approved_plan if request else None
    plan = parts.cache.get(PLANS, request.meta.namespace, name) if request and name else None
    management = plan.spec.stack.router.management if plan else None
    return management.address if management else None


def _ended(session: DesktopSession) -> str:
    use = session.status.use
    return (use and (use.closed_time or use.opened_time)) or session.status.expiry_time or session.meta.created


def _status(
    session: DesktopSession,
    found: Standing,
    request: ResourceRequest | None,
    desktop: DesktopStatus | None,
    parts: Parts,
) -> DesktopSessionStatus:
    meta, before = session.meta, session.status.conditions
    ready = condition_from(ConditionType.READY, found.step, before=before, generation=meta.generation, now=parts.now())
    opened = found.step.status == "True"
    url = f"{parts.settings.desktop_url}/desktop?session={meta.namespace}/{meta.name}"
    return DesktopSessionStatus(
        observed_generation=meta.generation,
        desktop=desktop.name if desktop else None,
        zone=request.spec.zone if request else None,
        server=desktop.id if desktop and opened else None,
        address=desktop.address if desktop and opened else None,
        gateway=_gateway(request, parts) if opened else None,
        url=url if opened else None,
        expiry_time=found.expiry_time,
        conditions=(ready,),
    )
