"""The proxy: one listener per service, in a thread and an event loop of its own, so that any test can use it.

Answers are read whole before they are passed on, streams (watches) are passed on as they come. The caller's
`Host` is kept, so that addresses in answers lead through the proxy again. The upstream's TLS is verified.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from infra.correlation import HEADER
from tests.faults.actions import Dropped
from tests.faults.calls import WATCH, Answer, Call
from tests.faults.rules import Book

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "accept-encoding"}
NOT_ADDED = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
LARGEST_BODY = 64 * 2**20
SILENT_POLL_SECONDS = 0.1


class FaultProxy:
    """Use it as a context manager. `book` holds the rules and the counts; it outlives the proxy."""

    def __init__(self, upstreams: Mapping[str, str], tls: ssl.SSLContext | None = None) -> None:
        """`upstreams`: addresses by service; `tls` is how those with https are believed."""
        self.book = Book()
        self._upstreams = dict(upstreams)
        self._tls = tls
        self._sockets: dict[str, socket.socket] = {}
        self._ending: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread

    def __enter__(self) -> FaultProxy:
        self._sockets = {service: socket.create_server(("127.0.0.1", 0)) for service in self._upstreams}
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="fault proxy", daemon=True)
        self._thread.start()
        started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.book.clear()
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def address(self, service: str) -> str:
        """Where the service is to be asked: as upstream, but with the proxy's host and port, without TLS."""
        port = self._sockets[service].getsockname()[1]
        return urlunsplit(("http", f"127.0.0.1:{port}", urlsplit(self._upstreams[service]).path, "", ""))

    def serves(self, service: str) -> bool:
        """Whether there is an upstream of that name."""
        return service in self._upstreams

    def _run(self, started: Future[None]) -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    async def _serve(self, started: Future[None]) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        patient = aiohttp.ClientTimeout(total=None, sock_connect=10)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=patient, connector=connector, auto_decompress=False) as session:
            runners = [await self._listen(service, session) for service in self._upstreams]
            started.set_result(None)
            await self._ending.wait()
            await asyncio.gather(*(runner.cleanup() for runner in runners))

    async def _listen(self, service: str, session: aiohttp.ClientSession) -> web.AppRunner:
        line = Line(service, urlsplit(self._upstreams[service])[:2], session, self._tls, self.book)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{rest:.*}", line.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2, auto_decompress=False)
        await runner.setup()
        await web.SockSite(runner, self._sockets[service]).start()
        return runner


class Line:
    """From one listener to one upstream."""

    def __init__(
        self,
        service: str,
        place: tuple[str, str],
        session: aiohttp.ClientSession,
        tls: ssl.SSLContext | None,
        book: Book,
    ) -> None:
        self._service = service
        self._scheme, self._host = place
        self._session = session
        self._tls = tls
        self._book = book

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass the call on as the rules allow."""
        call = await call_of(self._service, request)
        action = self._book.action_for(call)
        try:
            early = await action.before(call)
            if early is not None:
                return _response(early)
            async with self._ask(request, call) as upstream:
                if call.method == WATCH:
                    return await self._stream(request, call, upstream)
                answer = Answer(upstream.status, await upstream.read(), _passed_on(upstream.headers))
            return _response(await action.after(call, answer))
        except (Dropped, aiohttp.ClientError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # nobody is there to read it

    def _ask(
        self, request: web.Request, call: Call
    ) -> aiohttp.client._BaseRequestContextManager[aiohttp.ClientResponse]:
        return self._session.request(
            request.method,
            URL(f"{self._scheme}://{self._host}{request.raw_path}", encoded=True),
            headers=_passed_on(request.headers),
            skip_auto_headers=NOT_ADDED,
            data=call.body or None,
            allow_redirects=False,
            ssl=self._tls if self._tls is not None else True,
        )

    async def _stream(self, request: web.Request, call: Call, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status, headers=_passed_on(upstream.headers))
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await self._silence(request, call)
            await response.write(chunk)
        await self._silence(request, call)
        return response

    async def _silence(self, request: web.Request, call: Call) -> None:
        """While the stream is silenced, and somebody still listens. What the upstream says meanwhile comes later."""
        while self._book.silences(call):
            if request.transport is None or request.transport.is_closing():
                raise Dropped
            await asyncio.sleep(SILENT_POLL_SECONDS)


async def call_of(service: str, request: web.Request) -> Call:
    """The call as the rules see it."""
    watching = request.query.get("watch") in {"true", "1"}
    method = WATCH if watching else request.method
    token = request.headers.get("X-Auth-Token", "")
    cause = request.headers.get(HEADER, "")
    return Call(service, method, request.path, dict(request.query), await request.read(), token=token, cause=cause)


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """End-to-end headers only (RFC 9110 §7.6.1); nothing is compressed, so that it can be changed on the way."""
    passed: CIMultiDict[str] = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        passed.popall(name, None)
    return passed


def _response(answer: Answer) -> web.Response:
    headers = CIMultiDict(answer.headers)
    with suppress(KeyError):
        del headers["Content-Length"]
    return web.Response(status=answer.status, body=answer.body, headers=headers)
