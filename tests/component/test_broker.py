"""The broker as browsers meet it: real HTTP and WebSockets; the API server and the desktop are stood in for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from controllers.api.stored import DesktopSession, Kind, Meta
from controllers.broker.reach import Line
from controllers.broker.service import Broker
from controllers.broker.sessions import Sessions
from infra.errors import GuestUnreachable

SECRET, NAME = "secret-of-li-na", "permit-portal-x7k2p"
NOW = "2026-01-01T00:00:30Z"
GREETING = b"RFB 003.008\n"


@dataclass
class FakeApi:
    """One session, with versions as the API server has them."""

    status: dict[str, Any]
    version: int = 1
    events: list[str] = field(default_factory=list)

    async def get(self, kind: Kind[Any, Any], namespace: str, name: str) -> dict[str, Any] | None:
        if (namespace, name) != ("civil-affairs", NAME):
            return None
        meta = {"name": name, "namespace": namespace, "uid": "u", "resourceVersion": str(self.version)}
        key = hashlib.sha256(SECRET.encode()).hexdigest()
        spec = {"request": "permit-portal", "user": "li.na", "key": key}
        return {"metadata": meta, "spec": spec, "status": self.status}

    async def merge_status(self, kind: Kind[Any, Any], meta: Meta, version: str, change: Mapping[str, Any]) -> bool:
        if version != str(self.version):
            return False
        self.version += 1
        self.status = {**self.status, **change}
        return True

    async def post_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        self.events.append(f"{event['reason']}: {event['message']}")


class FakeLine:
    """A desktop that greets and repeats."""

    greeting = GREETING

    def __init__(self) -> None:
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False

    async def read(self) -> bytes:
        return await self._sent.get()

    async def write(self, data: bytes) -> None:
        self._sent.put_nowait(data)

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeReach:
    """`lines` are those that were opened; `failure` is what stands in the way."""

    lines: list[FakeLine] = field(default_factory=list)
    failure: Exception | None = None

    async def open(self, session: DesktopSession) -> Line:
        if self.failure is not None:
            raise self.failure
        self.lines.append(FakeLine())
        return self.lines[-1]


@dataclass
class Place:
    """A running broker."""

    origin: str
    api: FakeApi
    reach: FakeReach
    client: aiohttp.ClientSession

    def connect(self, secret: str = SECRET, *, name: str = NAME, origin: str | None = None) -> Any:
        return self.client.ws_connect(
            f"{self.origin}/connect?session=civil-affairs/{name}",
            protocols=("binary", f"kunlun.{secret}"),
            origin=origin or self.origin,
        )


@asynccontextmanager
async def a_place(**status: Any) -> AsyncIterator[Place]:
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": NOW}
    known = {"desktop": "counter-0", "zone": "extranet", "server": "id-0", "address": "10.10.0.4"}
    api = FakeApi(known | {"expiryTime": "2026-01-01T00:01:00Z", "conditions": [ready]} | status)
    reach = FakeReach()
    broker = Broker(Sessions(cast(Any, api)), reach, lambda: NOW, Path(__file__).parent)
    runner = web.AppRunner(broker.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = cast(Any, site)._server.sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as client:
            yield Place(f"http://127.0.0.1:{port}", api, reach, client)
    finally:
        await runner.cleanup()


async def status_of(attempt: Any) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await attempt
    return refused.value.status


def test_bytes_pass_both_ways_and_opening_and_closing_are_recorded() -> None:
    """The browser sees the desktop's greeting, the desktop what the browser sends; who and when is in the session."""

    async def run() -> None:
        async with a_place() as place:
            async with place.connect() as socket:
                assert "binary" == socket.protocol
                assert GREETING == await socket.receive_bytes()
                await socket.send_bytes(b"hello")
                assert b"hello" == await socket.receive_bytes()
                assert {"openedTime": NOW, "client": "127.0.0.1"} == place.api.status["use"]
            await eventually(lambda: len(place.api.events) == 2)

            assert place.reach.lines[0].closed
            assert NOW == place.api.status["use"]["closedTime"]
            assert ["DesktopOpened: li.na opened counter-0 from 127.0.0.1", "DesktopClosed: counter-0: "] == [
                place.api.events[0],
                place.api.events[1].removesuffix("closed by its user"),
            ]

    asyncio.run(run())


def test_an_address_opens_once() -> None:
    """A replay is refused, also of one that comes at the same moment."""

    async def run() -> None:
        async with a_place() as place:
            ends = await asyncio.gather(*(place.connect() for _ in range(5)), return_exceptions=True)
            opened = [end for end in ends if isinstance(end, aiohttp.ClientWebSocketResponse)]
            refused = [end.status for end in ends if isinstance(end, aiohttp.WSServerHandshakeError)]

            assert (1, [403] * 4) == (len(opened), refused)
            assert 1 == len(place.reach.lines)
            assert 403 == await status_of(place.connect())

    asyncio.run(run())


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param({"secret": "guessed"}, id="another secret"),
        pytest.param({"name": "permit-portal-other"}, id="a session that is not there"),
        pytest.param({"name": "../../secrets/x"}, id="a name that is no name"),
        pytest.param({"origin": "https://elsewhere.example"}, id="a page of another origin"),
    ],
)
def test_who_has_no_right_gets_nothing(attempt: dict[str, str]) -> None:
    """No desktop is even asked."""

    async def run() -> None:
        async with a_place() as place:
            assert 403 == await status_of(place.connect(**attempt))
            assert [] == place.reach.lines
            assert "use" not in place.api.status

    asyncio.run(run())


def test_an_open_desktop_is_cut_when_it_is_no_longer_its_users() -> None:
    """Within a few seconds of the operator's word."""

    async def run() -> None:
        async with a_place() as place, place.connect() as socket:
            await socket.receive_bytes()
            gone = {"status": "False", "reason": "NotAssigned", "message": "no desktop for 'li.na'"}
            place.api.status["conditions"] = [place.api.status["conditions"][0] | gone]
            message = await socket.receive(timeout=10)

            assert (aiohttp.WSMsgType.CLOSE, 4001) == (message.type, message.data)
            await eventually(lambda: place.reach.lines[0].closed)

    asyncio.run(run())


def test_a_desktop_that_does_not_answer_is_said() -> None:
    """And the session is over: it opens nothing later on."""

    async def run() -> None:
        async with a_place() as place:
            place.reach.failure = GuestUnreachable("the desktop does not answer")
            async with place.connect() as socket:
                message = await socket.receive(timeout=10)

            assert (4002, "the desktop does not answer") == (message.data, message.extra)
            await eventually(lambda: "closedTime" in place.api.status["use"])

    asyncio.run(run())


def test_the_page_lets_nobody_else_in() -> None:
    """It loads nothing from elsewhere, is in no other page's frame, and no cache keeps it."""

    async def run() -> None:
        async with a_place() as place, place.client.get(f"{place.origin}/desktop?session=a/b") as page:
            assert 200 == page.status
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
            assert "no-store" == page.headers["Cache-Control"]

    asyncio.run(run())


async def eventually(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in the broker
            await asyncio.sleep(0.02)
