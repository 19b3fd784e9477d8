"""Kopf wiring: the only module that imports kopf. Every event becomes a key in the work queue, and that is all.

Kopf watches; it keeps nothing on the objects: no annotations, no finalizer of its own. The indices fill the
cache, because Kopf runs no handler before every index is filled: so no reconcile ever sees half a cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kopf
import structlog

import controllers.system.reconcile as systems
import controllers.tenant.reconcile as tenants
import controllers.zone.reconcile as zones
from controllers.api import GROUP, VERSION
from controllers.api.stored import (
    APPROVALS,
    KINDS,
    PLANS,
    REQUESTS,
    SYSTEMS,
    TENANTS,
    ZONES,
    Kind,
)
from controllers.queue import WorkQueue, work
from controllers.request.parts import RequestParts
from controllers.request.reconcile import reconcile as reconcile_request
from controllers.request.reconcile import refuse_unreadable
from controllers.rotation import watch_credential, woken_by_credential
from infra.errors import InvalidRequest

Key = tuple[str, str, str]  # kind, namespace, name
UNUSED_FINALIZER = f"kopf.{GROUP}/unused"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Operator:
    """The running operator: its parts, its queue, its workers."""

    parts: RequestParts
    ready_file: Path
    queue: WorkQueue[Key] = field(default_factory=WorkQueue)
    workers: list[asyncio.Task[None]] = field(default_factory=list)
    interrupted: set[str] = field(default_factory=set)

    async def reconcile(self, key: Key) -> float | None:
        """Run the one reconcile of the key's kind over the object as it is now."""
        kind, namespace, name = key
        cache, parts = self.parts.cache, self.parts
        try:
            if kind == REQUESTS.name and (request := cache.get(REQUESTS, namespace, name)):
                return await reconcile_request(request, parts)
            if kind == SYSTEMS.name and (system := cache.get(SYSTEMS, namespace, name)):
                return await systems.reconcile(system, parts)
            if kind == TENANTS.name and (tenant := cache.get(TENANTS, namespace, name)):
                return await tenants.reconcile(tenant, parts)
            if kind == ZONES.name and (zone := cache.get(ZONES, namespace, name)):
                return await zones.reconcile(zone, parts)
        except InvalidRequest as error:
            log.warning("unreadable", kind=kind, name=name, namespace=namespace, message=error.message)
            if kind == REQUESTS.name:
                return await refuse_unreadable(cache.body(REQUESTS, namespace, name), error, parts)
        return None

    async def stop(self) -> None:
        """End the running passes in order, then the workers: passes can end in order only while their workers live."""
        await self.parts.engine.close()
        for task in self.workers:
            task.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)

    def heard(self, kind: Kind[Any, Any], event: Mapping[str, Any]) -> None:
        """An event came. The wake-up is never skipped: an event that looks old may be the only one."""
        body = event["object"]
        if event["type"] == "DELETED":
            self.parts.cache.drop(kind, body)
            self.interrupted.discard(body["metadata"]["uid"])
        for key in self._woken(kind, body):
            self.queue.add(key)
        if kind is REQUESTS and "deletionTimestamp" in body["metadata"]:
            self._interrupt(body["metadata"]["uid"])

    def credential_changed(self) -> None:
        """What was rejected may be accepted now."""
        for key in woken_by_credential(self.parts.cache, self.parts.memories):
            self.queue.add(key)

    def _interrupt(self, uid: str) -> None:
        """A request that is to go is not built to its end first. Once: its removal is not to be stopped."""
        if uid in self.interrupted:
            return
        self.interrupted.add(uid)
        cancelling = asyncio.get_running_loop().create_task(self.parts.engine.cancel(uid))
        self.workers.append(cancelling)
        cancelling.add_done_callback(self.workers.remove)

    def _woken(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> Iterator[Key]:
        meta, spec = body["metadata"], body.get("spec", {})
        namespace = meta.get("namespace", "")
        if kind in (REQUESTS, SYSTEMS, TENANTS, ZONES):
            yield kind.name, namespace, meta["name"]
        if kind is PLANS:
            yield from ((REQUESTS.name, namespace, owner["name"]) for owner in meta.get("ownerReferences", ()))
        if kind is APPROVALS:
            yield REQUESTS.name, namespace, spec.get("plan", "").rpartition("-")[0]
        if kind is SYSTEMS:
            yield from (key for key, asked in self._requests(namespace) if asked.system == meta["name"])
        if kind is TENANTS:
            yield from (key for key, _ in self._requests(spec.get("namespace", "")))
        if kind is ZONES:
            yield from ((TENANTS.name, "", tenant.meta.name) for tenant in self.parts.cache.all(TENANTS))
            yield from (key for key, asked in self._requests(None) if asked.zone == meta["name"])

    def _requests(self, namespace: str | None) -> Iterator[tuple[Key, Any]]:
        for request in self.parts.cache.all(REQUESTS, namespace):
            yield (REQUESTS.name, request.meta.namespace, request.meta.name), request.spec


def registry_of(operator: Operator) -> kopf.OperatorRegistry:
    """Kopf's registry with one index and one event handler per kind."""
    registry = kopf.OperatorRegistry()
    for kind in KINDS:
        _watch(registry, operator, kind)

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        if operator.parts.settings.kubeconfig is None:
            return kopf.login_with_service_account(**arguments)
        return kopf.login_with_kubeconfig(**arguments)

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        _configure(settings)
        count = operator.parts.settings.workers
        operator.workers += [asyncio.create_task(work(operator.queue, operator.reconcile)) for _ in range(count)]
        watching = watch_credential(operator.parts.clouds, operator.credential_changed)
        operator.workers.append(asyncio.create_task(watching))

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:
        await operator.stop()  # here, because Kopf cancels whatever tasks it still finds afterwards

    return registry


def _watch(registry: kopf.OperatorRegistry, operator: Operator, kind: Kind[Any, Any]) -> None:
    @kopf.index(GROUP, VERSION, kind.plural, registry=registry, id=f"cache-{kind.plural}")
    def index(body: kopf.Body, **_: Any) -> None:
        operator.parts.cache.keep(kind, dict(body))

    @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"wake-{kind.plural}")
    async def event(event: kopf.RawEvent, **_: Any) -> None:
        operator.heard(kind, event)


def _configure(settings: kopf.OperatorSettings) -> None:
    """Times that heal a silent connection; nothing of Kopf's own on our objects."""
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.inactivity_timeout = 70
    settings.watching.connect_timeout = 30
    settings.watching.reconnect_backoff = 2
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.1
    settings.networking.enforce_retry_after = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.finalizer = UNUSED_FINALIZER  # never ours: Kopf removes the finalizer it knows


async def run(operator: Operator) -> None:
    """Watch and work until SIGTERM; then stop running passes so that nothing is left half-recorded."""
    ready = asyncio.Event()
    announcing = asyncio.create_task(_announce(ready, operator.ready_file))
    try:
        await operator.parts.engine.start()
        await kopf.operator(registry=registry_of(operator), clusterwide=True, standalone=True, ready_flag=ready)
    finally:
        operator.ready_file.unlink(missing_ok=True)
        announcing.cancel()
        await asyncio.gather(announcing, return_exceptions=True)
        await operator.stop()


async def _announce(ready: asyncio.Event, ready_file: Path) -> None:
    await ready.wait()
    ready_file.touch()  # noqa: ASYNC240 - a local file, once
    log.info("ready")


def utc_now() -> str:
    """RFC 3339, seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
