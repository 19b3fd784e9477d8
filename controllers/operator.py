"""The operator: every event becomes a key in the work queue, and that is all. `leading` begins and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

import controllers.audit.reconcile as audit
import controllers.cutover.reconcile as cutovers
import controllers.desktop.reconcile as sessions
import controllers.system.reconcile as systems
import controllers.tenant.reconcile as tenants
import controllers.zone.reconcile as zones
from controllers.api.stored import (
    APPROVALS,
    CUTOVERS,
    NOT_KEPT,
    PLANS,
    REQUESTS,
    SESSIONS,
    SYSTEMS,
    TENANTS,
    ZONES,
    Kind,
    meta_of,
)
from controllers.cutover.parts import CutoverParts
from controllers.cutover.waking import woken_cutovers
from controllers.hearing import Hearing
from controllers.measures import pass_result
from controllers.queue import WorkQueue
from controllers.request.abandon import abandonment_of
from controllers.request.lifetime import tend_lifetime
from controllers.request.links import linked_with
from controllers.request.reconcile import reconcile as reconcile_request
from controllers.request.reconcile import refuse_unreadable
from controllers.request.reserve import frees_room
from controllers.rotation import woken_by_credential
from controllers.sweep import find_ghosts
from controllers.watches import Watches
from infra.errors import InvalidRequest, KunlunError, StatusUnreadable

Key = tuple[str, str, str]  # kind, namespace, name
AUDIT = "Audit"  # of a zone, beside its own reconcile
LIFETIME = "Lifetime"  # of a request: its end does not wait for a pass that builds
RECONCILES: Mapping[str, tuple[Kind[Any, Any], Callable[[Any, CutoverParts], Awaitable[float | None]]]] = {
    REQUESTS.name: (REQUESTS, reconcile_request),
    LIFETIME: (REQUESTS, tend_lifetime),
    SYSTEMS.name: (SYSTEMS, systems.reconcile),
    TENANTS.name: (TENANTS, tenants.reconcile),
    SESSIONS.name: (SESSIONS, sessions.reconcile),
    ZONES.name: (ZONES, zones.reconcile),
    AUDIT: (ZONES, audit.reconcile),
    CUTOVERS.name: (CUTOVERS, cutovers.reconcile),
}
SWEEP_SECONDS = 300.0
AFTER_RELISTING_SECONDS = 5.0
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Operator:
    """Its parts, its queue, and what goes on beside it."""

    parts: CutoverParts
    ready_file: Path
    queue: WorkQueue[Key] = field(init=False)
    beside: set[asyncio.Task[None]] = field(default_factory=set)
    interrupted: set[tuple[str, bool]] = field(default_factory=set)
    missed: asyncio.Event = field(default_factory=asyncio.Event)  # deletions, perhaps
    watches: Watches = field(init=False)

    def __post_init__(self) -> None:
        self.queue = WorkQueue(self.reconcile, ended=self._ended)
        self.watches = Watches(self.parts.cluster, self, Hearing(self.parts.measures.cluster))
        self.parts.runner.tell(lambda namespace, name: self.queue.add((CUTOVERS.name, namespace, name)))

    async def reconcile(self, key: Key) -> float | None:
        """Run the one reconcile of the key's kind over the object as it is now."""
        kind, namespace, name = key
        structlog.contextvars.bind_contextvars(kind=kind, namespace=namespace, name=name)  # of this pass's task alone
        cache, parts = self.parts.cache, self.parts
        try:
            own, reconcile = RECONCILES[kind]
            if item := cache.get(own, namespace, name):
                return await reconcile(item, parts)
        except (InvalidRequest, StatusUnreadable) as error:
            log.warning("unreadable", message=error.message)
            if kind == REQUESTS.name:
                return await refuse_unreadable(cache.body(REQUESTS, namespace, name), error, parts)
            if isinstance(error, StatusUnreadable):
                raise
        return None

    def _ended(self, key: Key, retry_after: float | None, error: BaseException | None, seconds: float) -> None:
        result = pass_result(retry_after, error)
        self.parts.measures.passes.passed(key[0], result, seconds)
        log.debug("pass", result=result, duration_seconds=round(seconds, 3))

    async def stop(self) -> None:
        """End the running passes in order, then whatever still waits; cancelled first, they would end in disorder."""
        parts = self.parts
        await asyncio.gather(parts.engine.close(), parts.configurator.close(), parts.runner.close())
        await self.queue.stop()

    async def stop_beside(self) -> None:
        """End what changes nothing: watching, sweeping."""
        for task in self.beside:
            task.cancel()
        await asyncio.gather(*self.beside, return_exceptions=True)

    def start_beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Ended by `stop_beside`."""
        task = asyncio.get_running_loop().create_task(work)
        self.beside.add(task)
        task.add_done_callback(self.beside.discard)
        return task

    async def sweep(self) -> None:
        """Every few minutes, and after a watch was interrupted: what is gone is heard of at last."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_SECONDS * random.uniform(0.8, 1.2)):
                    await self.missed.wait()
                    await asyncio.sleep(AFTER_RELISTING_SECONDS)  # other watches were interrupted, too
            except TimeoutError:
                pass
            self.missed.clear()
            try:
                ghosts = await find_ghosts(self.parts.cluster, self.parts.cache)
            except KunlunError as error:
                log.debug("sweep put off", message=error.message)
                continue
            await self._forget_states()
            for ghost in ghosts:
                meta = ghost.body["metadata"]
                log.info("gone unheard", kind=ghost.kind.name, name=meta["name"], namespace=meta.get("namespace", ""))
                self.heard(ghost.kind, {"type": "DELETED", "object": ghost.body})

    async def _forget_states(self) -> None:
        """What the engine keeps of requests that another operator has ended."""
        kept = self.parts.engine.kept()  # before the list: a request that is made meanwhile is no request that is gone
        with contextlib.suppress(KunlunError):
            if kept and (listing := await self.parts.cluster.listing(REQUESTS)) is not None:
                self.parts.engine.drop(kept - listing.uids)

    def relisted(self) -> None:
        """A watch was interrupted."""
        self.missed.set()

    def kept(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> None:
        """A version of an object, before anything is done about any."""
        if kind.name not in NOT_KEPT:
            self.parts.cache.keep(kind, body)

    def heard(self, kind: Kind[Any, Any], event: Mapping[str, Any]) -> None:
        """An event came. The wake-up is never skipped: an event that looks old may be the only one."""
        body = event["object"]
        gone = event["type"] == "DELETED"
        if gone:
            self._gone(kind, body)
        for key in (*self._woken(kind, body), *woken_cutovers(kind, body, self.parts.cache)):
            self.queue.add(key)
        if kind is REQUESTS and (gone or frees_room(body)):
            self._wake_those_who_wait(body["metadata"].get("namespace", ""))
        if kind is REQUESTS and "deletionTimestamp" in body["metadata"] and not gone:
            self._interrupt(body["metadata"]["uid"], given_up=abandonment_of(meta_of(body)) is not None)

    def credential_changed(self) -> None:
        """What was rejected may be accepted now."""
        for key in woken_by_credential(self.parts.cache, self.parts.memories):
            self.queue.add(key)

    def _gone(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> None:
        uid = body["metadata"]["uid"]
        self.parts.cache.drop(kind, body)
        if kind is PLANS and self._is_missed(body):
            self.parts.departed.keep(body)
        if kind is REQUESTS:
            self.interrupted -= {(uid, given_up) for given_up in (False, True)}
            self.parts.memories.forget(uid)
            self.parts.audits.forget_request(uid)
            self.parts.departed.forget(uid)

    def _wake_those_who_wait(self, namespace: str) -> None:
        """Quota and budget of the department may suffice now."""
        for name in self.parts.memories.awaiting_room(namespace):
            self.queue.add((REQUESTS.name, namespace, name))

    def _is_missed(self, plan: Mapping[str, Any]) -> bool:
        """Whether its request lives. Usually a Plan goes after its request, and nobody misses it."""
        meta = plan["metadata"]
        for owner in meta.get("ownerReferences", ()):
            request = self.parts.cache.body(REQUESTS, meta["namespace"], owner["name"])
            if request is not None and request["metadata"]["uid"] == owner["uid"]:
                return True
        return False

    def _interrupt(self, uid: str, *, given_up: bool) -> None:
        """A request that is to go is not built to its end first. Once: its removal is not to be stopped.

        But for good reason: a request that is given up meanwhile is not removed to its end either.
        """
        if (uid, given_up) not in self.interrupted:
            self.interrupted.add((uid, given_up))
            self.start_beside(self.parts.engine.cancel(uid))
            self.start_beside(self.parts.configurator.cancel(uid))

    def _woken(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> Iterator[Key]:
        meta, spec = body["metadata"], body.get("spec", {})
        namespace = meta.get("namespace", "")
        if kind in (REQUESTS, SYSTEMS, TENANTS, ZONES, SESSIONS):
            yield kind.name, namespace, meta["name"]
        if kind is SESSIONS:  # its desktop may have to be started, or may be idle from now on
            yield REQUESTS.name, namespace, spec.get("request", "")
        if kind is REQUESTS:
            yield from self._woken_by_request(namespace, meta["name"], body)
        if kind is PLANS:
            yield from ((REQUESTS.name, namespace, owner["name"]) for owner in meta.get("ownerReferences", ()))
        if kind is APPROVALS:
            yield REQUESTS.name, namespace, spec.get("plan", "").rpartition("-")[0]
        if kind is SYSTEMS:
            yield from (key for key, asked in self._requests(namespace) if asked.system == meta["name"])
        if kind in (TENANTS, ZONES):
            yield from ((AUDIT, "", zone.meta.name) for zone in self.parts.cache.all(ZONES))
        if kind is TENANTS:
            yield from (key for key, _ in self._requests(spec.get("namespace", "")))
        if kind is ZONES:
            yield from ((TENANTS.name, "", tenant.meta.name) for tenant in self.parts.cache.all(TENANTS))
            yield from (key for key, asked in self._requests(None) if asked.zone == meta["name"])

    def _woken_by_request(self, namespace: str, name: str, body: Mapping[str, Any]) -> Iterator[Key]:
        if body.get("spec", {}).get("timeToLive"):
            yield LIFETIME, namespace, name
        if body.get("status", {}).get("desktops"):
            yield from self._sessions(namespace, name)
        for other in sorted(linked_with(name, namespace, self.parts.cache)):
            yield REQUESTS.name, namespace, other

    def _sessions(self, namespace: str, request: str) -> Iterator[Key]:
        for session in self.parts.cache.all(SESSIONS, namespace):
            if session.spec.request == request:
                yield SESSIONS.name, namespace, session.meta.name

    def _requests(self, namespace: str | None) -> Iterator[tuple[Key, Any]]:
        for request in self.parts.cache.all(REQUESTS, namespace):
            yield (REQUESTS.name, request.meta.namespace, request.meta.name), request.spec
