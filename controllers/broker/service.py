"""The web server: one page, noVNC's own files, and one WebSocket for each opening."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from controllers.api.stored import DesktopSession
from controllers.broker.gate import Refusal, objection_to_opening
from controllers.broker.reach import Reach
from controllers.broker.relay import Relay
from controllers.broker.sessions import Sessions
from infra.errors import KunlunError

PAGE = Path(__file__).parent / "page"
LONGEST_NAME = 253
PROTOCOL, SECRET_PREFIX = "binary", "kunlun."
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Lets people in, and carries what they see."""

    sessions: Sessions
    reach: Reach
    now: Callable[[], str]
    novnc: Path

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_secured])
        application.router.add_get("/desktop", _page)
        application.router.add_get("/connect", self.connect)
        application.router.add_static("/page", PAGE)
        application.router.add_static("/novnc", self.novnc)
        return application

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The secret comes as a subprotocol, so it is in no address, no history and no access log."""
        if not _is_ours(request):
            raise web.HTTPForbidden(text="a page of another origin asks")
        client = request.remote or "unknown"
        try:
            session = await self._admitted(request, client)
        except KunlunError as error:
            raise web.HTTPServiceUnavailable(text=error.message) from error
        if isinstance(session, Refusal):
            log.warning("desktop refused", client=client, because=session.because)
            raise web.HTTPForbidden(text=session.said)
        socket = web.WebSocketResponse(protocols=(PROTOCOL,), heartbeat=20, max_msg_size=1 << 22)
        await socket.prepare(request)
        return await self._carried(session, socket)

    async def _admitted(self, request: web.Request, client: str) -> DesktopSession | Refusal:
        namespace, _, name = request.query.get("session", "").partition("/")
        found = await self.sessions.read(namespace, name) if _is_name(namespace) and _is_name(name) else None
        session = found[0] if found else None
        if (refusal := objection_to_opening(session, _secret(request), now=self.now())) is not None:
            return refusal
        assert found is not None and session is not None  # noqa: S101
        if not await self.sessions.take(session, found[1], client=client, now=self.now()):
            return Refusal("somebody else was faster, or it has just changed")
        return session

    async def _carried(self, session: DesktopSession, socket: web.WebSocketResponse) -> web.StreamResponse:
        because = "the broker ended"
        try:
            line = await self.reach.open(session)
            try:
                because = await Relay(session, socket, line, self.sessions, self.now).run()
            finally:
                await line.close()
        except KunlunError as error:
            because = error.message
            await socket.close(code=4002, message=error.message.encode()[:120])
        finally:
            await asyncio.shield(self.sessions.close(session, because=because, now=self.now()))
        await socket.close()
        return socket


async def _page(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "desktop.html")


@web.middleware
async def _secured(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    answer = await handler(request)
    if not isinstance(answer, web.WebSocketResponse):
        answer.headers.update(SECURITY)
    return answer


def _is_ours(request: web.Request) -> bool:
    """A browser says which page asks. RFC 6455, section 10.2."""
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host


def _is_name(text: str) -> bool:
    """What a Kubernetes name may be; nothing else becomes part of a path."""
    return (
        bool(text) and len(text) <= LONGEST_NAME and all(part.isalnum() and part.isascii() for part in text.split("-"))
    )


def _secret(request: web.Request) -> str:
    offered = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return next((word.removeprefix(SECRET_PREFIX) for word in offered if word.startswith(SECRET_PREFIX)), "")
