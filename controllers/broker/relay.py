"""The bytes between a browser and a desktop, until one of them, or the operator, ends it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from controllers.api.stored import DesktopSession
from controllers.broker.gate import objection_to_staying
from controllers.broker.reach import Line
from controllers.broker.rfb import ClientStream
from controllers.broker.sessions import Sessions
from infra.errors import KunlunError

LOOK_SECONDS, WRITE_SECONDS = 2.0, 30.0
ENDED = 4001  # RFC 6455, section 7.4.2: codes from 4000 on are the application's


@dataclass(slots=True)
class Relay:
    """One open session. `now` gives RFC 3339 time."""

    session: DesktopSession
    socket: web.WebSocketResponse
    line: Line
    sessions: Sessions
    now: Callable[[], str]
    stream: ClientStream = field(default_factory=ClientStream)
    active_time: str | None = None

    async def run(self) -> str:
        """Carry bytes; returns why it ended."""
        await self.socket.send_bytes(self.line.greeting)
        tasks = [asyncio.create_task(work()) for work in (self._inward, self._outward, self._watch)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return next((task.result() for task in done if task.exception() is None), "the connection broke")

    async def _inward(self) -> str:
        async for message in self.socket:
            if message.type is not WSMsgType.BINARY:
                break
            if self.stream.feed(message.data):
                self.active_time = self.now()
            await self.line.write(message.data)
        return "closed by its user"

    async def _outward(self) -> str:
        while data := await self.line.read():
            await self.socket.send_bytes(data)
        return "the desktop went away"

    async def _watch(self) -> str:
        """Ask again and again whether it may go on; the desktop may have got another user a second ago."""
        written, looks = None, 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            looks += 1
            with contextlib.suppress(KunlunError):  # an API server that is away ends nobody's work
                found = await self.sessions.read(self.session.meta.namespace, self.session.meta.name)
                if (ended := objection_to_staying(found[0] if found else None)) is not None:
                    await self.socket.close(code=ENDED, message=ended.said.encode()[:120])
                    return ended.because
            if self.active_time != written and looks % int(WRITE_SECONDS / LOOK_SECONDS) == 1:
                written = self.active_time
                await self.sessions.write(self.session, active_time=written or "")
