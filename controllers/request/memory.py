"""What this process remembers of the stacks it worked on. Losing it costs listings, never correctness."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from infra.cloud import Cloud, Clouds
from infra.errors import KunlunError
from infra.provider.observe import ProjectListing, list_project, list_servers

SPREAD = 2**32
KEPT_SECONDS = 30.0  # a listing is large; nobody asks for an older one


@dataclass(slots=True)
class Memory:
    """Per request (by uid): which plan this process has carried out, and when to look again."""

    plan: str | None = None
    ids: dict[str, str] = field(default_factory=dict)
    next_look: float | None = None
    attempts: int = 0
    waiting_since: float | None = None
    failure: tuple[str, float, KunlunError] | None = None  # what failed, until when it rests, and why

    def rest(self, work: str, *, until: float, error: KunlunError) -> None:
        """Work that has failed is left alone for a while, however often somebody knocks: our own status
        writes come back as events, and would make a failing pass run again at once, for ever.
        """
        self.failure = (work, until, error)

    def resting(self, work: str, now: float) -> tuple[float, KunlunError] | None:
        """(seconds left, why) while this very work rests."""
        match self.failure:
            case (failed, until, error) if failed == work and now < until:
                return until - now, error
            case _:
                return None

    def remember_build(self, plan: str, ids: dict[str, str]) -> None:
        """This process has made exactly this plan true."""
        self.plan, self.ids, self.attempts = plan, ids, 0

    def forget_build(self) -> None:
        """What is there has to be looked at again."""
        self.plan, self.ids, self.waiting_since = None, {}, None

    def built_by(self, plan: str) -> dict[str, str]:
        """Ids by logical name of what this process built for exactly this plan; empty when it did not."""
        return self.ids if self.plan == plan else {}

    def count_attempt(self) -> int:
        """How often in a row a build was not as planned afterwards, this time included."""
        self.attempts += 1
        return self.attempts

    def waited(self, now: float) -> float:
        """Seconds since this process began to wait for the servers of its build."""
        self.waiting_since = now if self.waiting_since is None else self.waiting_since
        return now - self.waiting_since


@dataclass(slots=True)
class Memories:
    """All of them; entries go with their requests."""

    by_uid: dict[str, Memory] = field(default_factory=dict)

    def of(self, uid: str) -> Memory:
        return self.by_uid.setdefault(uid, Memory())

    def forget(self, uid: str) -> None:
        self.by_uid.pop(uid, None)


class Surveys:
    """One listing of a project serves everybody who asks for one not older than it; so does its failure.

    Otherwise a project's requests would wait for a cloud that hangs one after the other.
    """

    def __init__(self, clouds: Clouds) -> None:
        self._clouds = clouds
        self._taken: dict[tuple[str, str], tuple[float, ProjectListing]] = {}
        self._failed: dict[tuple[str, str], tuple[float, KunlunError]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def everything(self, project_id: str, *, not_before: float) -> ProjectListing:
        """All kinds, by a listing begun at or after `not_before` (event loop time)."""
        return await self._shared(("everything", project_id), list_project, not_before)

    async def servers(self, project_id: str, *, not_before: float) -> ProjectListing:
        """Servers only: the poll while they build."""
        return await self._shared(("servers", project_id), list_servers, not_before)

    async def _shared(
        self, key: tuple[str, str], listed: Callable[[Cloud], Awaitable[ProjectListing]], not_before: float
    ) -> ProjectListing:
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._taken.get(key)
            if known is None or known[0] < not_before:
                failed = self._failed.get(key)
                if failed is not None and failed[0] >= not_before:
                    raise failed[1].with_traceback(None)
                began = asyncio.get_running_loop().time()
                try:
                    known = (began, await listed(self._clouds.project(key[1])))
                except KunlunError as error:
                    self._failed[key] = (began, error)
                    raise
                self._taken = {other: taken for other, taken in self._taken.items() if taken[0] > began - KEPT_SECONDS}
                self._taken[key] = known
            return known[1]


def next_turn(project_id: str, *, now: float, interval: float) -> float:
    """When a project is looked at next, on the clock of `now`.

    All requests of a project share their turns, so that one listing serves them all; projects are spread
    evenly over the interval, and keep their turns over a restart (the monotonic clock is the machine's).
    """
    offset = interval * zlib.crc32(project_id.encode()) / SPREAD
    return offset + interval * (math.floor((now - offset) / interval) + 1)
