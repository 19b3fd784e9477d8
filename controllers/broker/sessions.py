"""Sessions as the API server has them right now, and what the broker writes into them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import structlog

from controllers.api import API_VERSION
from controllers.api.desktopsession import DesktopUse
from controllers.api.stored import SESSIONS, DesktopSession, stored
from controllers.cluster import Cluster
from infra.errors import ClusterUnavailable, InvalidRequest, KunlunError

log = structlog.get_logger(__name__)
TRIES = 3


@dataclass(frozen=True, slots=True)
class Sessions:
    """Reads past any cache: an assignment that ended a second ago has ended."""

    cluster: Cluster

    async def read(self, namespace: str, name: str) -> tuple[DesktopSession, str] | None:
        """The session and its version; None when there is none that can be read."""
        body = await self.cluster.get(SESSIONS, namespace, name)
        if body is None:
            return None
        try:
            return stored(SESSIONS, body), str(body["metadata"]["resourceVersion"])
        except InvalidRequest:
            return None

    async def take(self, session: DesktopSession, version: str, *, client: str, now: str) -> bool:
        """Mark it as opened, this very version: of two who come at once one is let in. Said in an Event and the log."""
        use = DesktopUse(opened_time=now, client=client[:64])
        if not await self.cluster.merge_status(SESSIONS, session.meta, version, {"use": _wire(use)}):
            return False
        text = f"{session.spec.user} opened {session.status.desktop} from {client}"
        log.info("desktop opened", **_fields(session), client=client)
        await self._tell(session, "DesktopOpened", text, now)
        return True

    async def write(self, session: DesktopSession, **changed: str) -> None:
        """`active_time` or `closed_time`. What stays unwritten costs a desktop some idle minutes, no more."""
        for _ in range(TRIES):
            try:
                found = await self.read(session.meta.namespace, session.meta.name)
                if found is None or found[0].status.use is None:
                    return
                use = found[0].status.use.model_copy(update=changed)
                if await self.cluster.merge_status(SESSIONS, found[0].meta, found[1], {"use": _wire(use)}):
                    return
            except KunlunError as error:
                log.warning("session not written", **_fields(session), message=error.message)
                return

    async def close(self, session: DesktopSession, *, because: str, now: str) -> None:
        """Say that it is over."""
        log.info("desktop closed", **_fields(session), because=because)
        await self.write(session, closed_time=now)
        await self._tell(session, "DesktopClosed", f"{session.status.desktop}: {because}", now)

    async def _tell(self, session: DesktopSession, reason: str, text: str, now: str) -> None:
        try:
            await self.cluster.post_event(session.meta.namespace, _event(session, reason, text, now))
        except (ClusterUnavailable, KunlunError) as error:
            log.warning("event not written", **_fields(session), message=error.message)


def _fields(session: DesktopSession) -> dict[str, str | None]:
    return {
        "user": session.spec.user,
        "desktop": session.status.desktop,
        "request": session.spec.request,
        "namespace": session.meta.namespace,
        "session": session.meta.name,
    }


def _wire(use: DesktopUse) -> dict[str, Any]:
    return use.model_dump(mode="json", by_alias=True, exclude_none=True)


def _event(session: DesktopSession, reason: str, text: str, now: str) -> dict[str, Any]:
    meta = session.meta
    about = {"apiVersion": API_VERSION, "kind": SESSIONS.name, "name": meta.name, "uid": meta.uid}
    return {
        "metadata": {"name": f"{meta.name}.{uuid.uuid4().hex[:12]}", "namespace": meta.namespace},
        "involvedObject": {**about, "namespace": meta.namespace},
        "reason": reason,
        "message": text,
        "type": "Normal",
        "source": {"component": "kunlun-broker"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
