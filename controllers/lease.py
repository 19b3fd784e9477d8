"""Who acts: one Lease of the cluster, held by at most one operator at a time.

The holder trusts only its own clock, counted from before the request that renewed the Lease, and for less time
than the others wait: so it stops before anybody may begin. A candidate waits until the Lease has not moved for its
whole duration on the candidate's clock; clocks of different machines are never compared. Renewing runs in the event
loop that does the work, so a loop that hangs loses the Lease. Reference: coordination.k8s.io/v1 Lease, and the leader
election of client-go.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from controllers.holder import Holder
from infra.errors import EngineInterrupted, KunlunError

log = structlog.get_logger(__name__)
Body = Mapping[str, Any]


class LeaseLost(Exception):
    """Another operator may act from now on. The process must end without any further change."""


class LeaseCluster(Protocol):
    """The part of the Kubernetes API a Lease needs. Both raise ClusterUnavailable when the outcome is not known."""

    async def lease(self, namespace: str, name: str) -> dict[str, Any] | None: ...

    async def write_lease(self, lease: Body) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. `renew_deadline` must be below `duration`: the difference is the silence between two leaders."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0
    standby: float = 1.0
    after_failure: float = 0.5
    request: float = 4.0


def boot_clock() -> float:
    """Monotonic seconds that also count while the machine sleeps: a Lease does not wait for it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Acquire it, hold it, release it; ask `ensure_valid` before every change to the outside."""

    def __init__(
        self,
        cluster: LeaseCluster,
        name: tuple[str, str],
        holder: Holder,
        *,
        clock: Callable[[], float] = boot_clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`name` is namespace and name of the Lease object; `holder` this very process."""
        self._cluster = cluster
        self._namespace, self._name = name
        self._holder = holder
        self._clock = clock
        self._sleep = sleep
        self._times = Times()
        self._renewed = -math.inf
        self._known: Body | None = None  # the Lease as our last write left it
        self._seen = ("", 0.0)  # another's resourceVersion, and when we first saw it
        self._told = ""
        self._answered = -math.inf  # when the API server last said what the Lease is, or that there is none
        self.transitions: int | None = None  # how often it has changed hands, as it says itself; None: not read yet

    def valid(self) -> bool:
        """Whether nobody else can be acting. Safe to call from any thread."""
        return self._clock() - self._renewed < self._times.renew_deadline

    def left_seconds(self) -> float:
        """Seconds until it is not valid any more."""
        return max(self._renewed + self._times.renew_deadline - self._clock(), 0.0)

    def unanswered_seconds(self) -> float:
        """Seconds since the API server last said what the Lease is; infinite before that."""
        return self._clock() - self._answered

    def ensure_valid(self) -> None:
        """Raises EngineInterrupted once somebody else may be acting."""
        if not self.valid():
            raise EngineInterrupted("this operator does not lead any more; the next one continues")

    async def acquire(self) -> None:
        """Stands by until the Lease is ours."""
        while not await self._attempt():
            await self._sleep(self._times.standby)
        log.info("leading", lease=f"{self._namespace}/{self._name}", holder=self._holder.identity)

    async def hold(self) -> None:
        """Renews until that fails for too long, or somebody else has it; then raises LeaseLost."""
        pause = self._times.retry
        while self.valid():
            await self._sleep(min(pause, self.left_seconds()))
            pause = self._times.retry if await self._attempt() else self._times.after_failure
        raise LeaseLost

    async def release(self) -> None:
        """Let the next one begin at once. Nothing may be changed from here on."""
        if not self.valid() or self._known is None:
            return
        self._renewed, released = -math.inf, self._body(self._known, "", 1)
        try:
            async with asyncio.timeout(self._times.request):
                await self._cluster.write_lease(released)
            log.info("lease released", lease=f"{self._namespace}/{self._name}")
        except (KunlunError, OSError) as error:
            log.info("lease not released; it expires", message=str(error))

    async def _attempt(self) -> bool:
        """One try to take or renew. Whatever went wrong, the next one begins with what the API server has."""
        began, limit = self._clock(), self._times.request
        known, self._known = self._known, None
        try:
            async with asyncio.timeout(min(limit, self.left_seconds()) if self.valid() else limit):
                known = known or await self._read()
                if known is not None and not self._free(known):
                    self._renewed = -math.inf
                    return False
                body = self._body(known or {}, self._holder.identity, math.ceil(self._times.duration))
                self._known = await self._cluster.write_lease(body)
                self._heard(self._known)
        except (KunlunError, OSError, LookupError, TypeError, ValueError) as error:  # or it is no Lease that was read
            self._warn(str(error))
            return False
        if self._known is None:
            self._warn(f"there is no namespace {self._namespace}, or the Lease has just gone")
            return False
        self._renewed = began
        return True

    async def _read(self) -> Body | None:
        known = await self._cluster.lease(self._namespace, self._name)
        self._heard(known)
        return known

    def _heard(self, known: Body | None) -> None:
        self._answered = self._clock()
        if known is not None:
            self.transitions = int((known.get("spec") or {}).get("leaseTransitions") or 0)

    def _warn(self, message: str) -> None:
        """Nobody leads while this lasts, unless another holds the Lease: it is not routine."""
        self._tell("lease not written", logging.WARNING, message=message)

    def _tell(self, event: str, level: int = logging.INFO, **fields: str) -> None:
        """Once, until something else is to be told."""
        text = f"{event} {fields}"
        if text != self._told:
            self._told = text
            log.log(level, event, lease=f"{self._namespace}/{self._name}", **fields)

    def _free(self, lease: Body) -> bool:
        spec, version = lease.get("spec") or {}, lease["metadata"]["resourceVersion"]
        identity = spec.get("holderIdentity") or ""
        if identity in ("", self._holder.identity):
            return True
        other = Holder.parsed(identity)
        if other is not None and other.is_surely_gone(self._holder):
            log.info("the leader has died", holder=identity)
            return True
        if self._seen[0] != version:
            self._seen = (version, self._clock())
        self._tell("standing by", holder=identity)
        return self._clock() - self._seen[1] > float(spec.get("leaseDurationSeconds") or self._times.duration)

    def _body(self, known: Body, identity: str, seconds: int) -> dict[str, Any]:
        """With the resourceVersion it was read with: of two writers one loses."""
        spec, now = dict(known.get("spec") or {}), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if identity and identity != spec.get("holderIdentity"):
            spec |= {"acquireTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        spec |= {"holderIdentity": identity, "leaseDurationSeconds": seconds, "renewTime": now}
        metadata = {"name": self._name, "namespace": self._namespace}
        if known:
            metadata["resourceVersion"] = known["metadata"]["resourceVersion"]
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
