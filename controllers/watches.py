"""Kopf as a watcher, and as nothing else: the only module that imports kopf.

It runs in a thread with an event loop of its own. Kopf ends when the API server forbids, fails for too long, or does
not know a kind any more, and cancels every task it finds in its loop; over there it finds only its own. Here it is
started again, and the passes in our loop go on meanwhile. What it hears is handed over in order. The indices come
first: Kopf runs no handler before every index is filled, so no reconcile ever sees half a cluster.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import kopf
import structlog

from controllers.api import GROUP, VERSION
from controllers.api.stored import KINDS, Kind
from controllers.cluster import Access, Cluster
from controllers.hearing import SILENT_SECONDS, Hearing
from infra.errors import ClusterUnavailable, KunlunError

UNUSED_FINALIZER = f"kopf.{GROUP}/unused"
PAUSE_SECONDS = 2.0
END_SECONDS = 5.0
TOLD_AGAIN_SECONDS = 1.0
FIRST_LISTING_SECONDS = 60.0
log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Called in the loop that runs the watches."""

    def kept(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> None:
        """A version of an object; nothing is to be done about it yet."""

    def heard(self, kind: Kind[Any, Any], event: Mapping[str, Any]) -> None:
        """Something happened to an object."""

    def relisted(self) -> None:
        """A watch was interrupted: what was deleted meanwhile was not reported."""


@dataclass(slots=True)
class Watches:
    """All our kinds, watched until the task is cancelled."""

    cluster: Cluster
    listener: Listener
    hearing: Hearing
    ready: asyncio.Event = field(default_factory=asyncio.Event)  # every list is in

    async def run(self) -> None:
        """Watch; begin again whenever that ends. A kind that is not served (any more) is waited for."""
        while True:
            await self._kinds_are_served()
            self.hearing.expect()
            try:
                await self._watch()
            except Exception as error:  # whatever ended Kopf: everything of it is in the thread, and that is gone
                log.warning("watching ended; it begins again", error=f"{type(error).__name__}: {error}")
            self.ready.clear()
            self.listener.relisted()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _kinds_are_served(self) -> None:
        told: list[str] = []
        while missing := [kind.plural for kind in KINDS if not await self._is_served(kind)]:
            if missing != told:
                log.warning("kinds are not served; install the CRDs", kinds=missing)
            told = missing
            self.hearing.excuse()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _is_served(self, kind: Kind[Any, Any]) -> bool:
        try:
            return await self.cluster.listing(kind, limit=1) is not None
        except KunlunError as error:
            log.debug("kind not listed", kind=kind.name, message=error.message)
            return False

    async def _watch(self) -> None:
        """Until Kopf ends, or until we are cancelled: then Kopf is told to end."""
        loop, ended = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        thread = _Thread(self, loop, ended)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            thread.stop()
            await asyncio.wait({ended}, timeout=END_SECONDS)


class _Thread(threading.Thread):
    """One run of Kopf. A daemon: should it hang, the process can still end."""

    def __init__(self, watches: Watches, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        super().__init__(name="watches", daemon=True)
        self._watches = watches
        self._ours = loop
        self._ended = ended
        self._kopfs: asyncio.AbstractEventLoop | None = None
        self._operators: asyncio.Task[Any] | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._operator())
        except BaseException as error:  # handed over to the one who waits
            self._hand_over(self._end, error)
        else:
            self._hand_over(self._end, None)

    def stop(self) -> None:
        """From our own loop; idempotent. Cancelled, because told by its stop flag Kopf waits five seconds first."""
        if self._kopfs is not None and self._operators is not None and not self._kopfs.is_closed():
            self._kopfs.call_soon_threadsafe(self._operators.cancel)

    async def _operator(self) -> None:
        self._kopfs, self._operators = asyncio.get_running_loop(), asyncio.current_task()
        ready = asyncio.Event()
        announcing = asyncio.create_task(self._announce(ready))
        registry = _registry(self._watches, self._hand_over, self._tell_again)
        try:
            await kopf.operator(registry=registry, clusterwide=True, standalone=True, ready_flag=ready)
        finally:
            announcing.cancel()

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._hand_over(self._watches.ready.set)

    def _tell_again(self) -> None:
        """Kopf ends, and cancels each of its tasks once. A watch can miss that one word, and would be waited for ever.

        It takes the cancellation for that of its stream, and asks for credentials that nobody gives any more.
        """

        def tell() -> None:
            for task in asyncio.all_tasks(loop) - {self._operators}:
                task.cancel()
            loop.call_later(TOLD_AGAIN_SECONDS, tell)

        loop = asyncio.get_running_loop()
        loop.call_later(TOLD_AGAIN_SECONDS, tell)

    def _hand_over(self, call: Callable[..., None], *arguments: Any) -> None:
        """In order; nothing is heard any more by a loop that has ended."""
        if not self._ours.is_closed():
            self._ours.call_soon_threadsafe(call, *arguments)

    def _end(self, error: BaseException | None) -> None:
        if self._ended.done():
            return
        if isinstance(error, Exception):
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


def _registry(watches: Watches, hand_over: Callable[..., None], ending: Callable[[], None]) -> kopf.OperatorRegistry:
    """One index and one event handler per kind."""
    registry = kopf.OperatorRegistry()
    for kind in KINDS:
        _watch_kind(registry, watches, kind, hand_over)

    entrance = _Entrance(watches)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return entrance.session()

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        _configure(settings)

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:
        ending()

    return registry


@dataclass(slots=True)
class _Entrance:
    """How Kopf comes to the API server: over a connection that is listened to."""

    watches: Watches
    _known: tuple[tuple[str, Mapping[str, str]], kopf.AiohttpSession] | None = None

    def session(self) -> kopf.AiohttpSession:
        """Of the access as it is now. The very one that was refused, if it is still the same: then Kopf gives up."""
        try:
            access = self.watches.cluster.renewed_access()
        except ClusterUnavailable as error:
            raise kopf.PermanentError(error.message) from error  # Kopf ends, and is begun anew
        if self._known is None or self._known[0] != _identity(access):
            session = self.watches.hearing.session(access)
            self._known = _identity(access), kopf.AiohttpSession(server=access.server, aiohttp_session=session)
        return self._known[1]


def _identity(access: Access) -> tuple[str, Mapping[str, str]]:
    return access.server, access.headers()


def _watch_kind(
    registry: kopf.OperatorRegistry, watches: Watches, kind: Kind[Any, Any], hand_over: Callable[..., None]
) -> None:
    listener, clock = watches.listener, asyncio.get_running_loop().time
    first_listing_over = clock() + FIRST_LISTING_SECONDS

    @kopf.index(GROUP, VERSION, kind.plural, registry=registry, id=f"cache-{kind.plural}")
    def index(body: kopf.Body, **_: Any) -> None:
        hand_over(listener.kept, kind, dict(body))

    @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"wake-{kind.plural}")
    async def event(event: kopf.RawEvent, **_: Any) -> None:
        hand_over(listener.heard, kind, event)
        if event["type"] is None and clock() > first_listing_over:
            hand_over(listener.relisted)


def _configure(settings: kopf.OperatorSettings) -> None:
    """Times that heal a silent connection; nothing of Kopf's own on our objects."""
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    # The API server sends a bookmark about every minute: with less, every quiet watch would be begun anew for nothing.
    settings.watching.inactivity_timeout = SILENT_SECONDS
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 2
    settings.networking.request_timeout = 30  # of a listing; without an answer Kopf would wait five minutes
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = (1, 1, 2, 3, 5)  # then it ends, and is begun anew
    settings.networking.enforce_retry_after = True
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.1
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None  # it would kill the whole process
    settings.persistence.finalizer = UNUSED_FINALIZER  # never ours: Kopf removes the finalizer it knows
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)  # "signals are ignored": they are ours
