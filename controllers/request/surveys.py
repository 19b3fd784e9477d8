"""Looks at the cloud that several requests share: one listing serves everybody who asks for one not older than it.

Otherwise a project's requests would wait for a cloud that hangs one after the other, and hundreds of plans drafted at
once would each list the same pool.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from infra.catalogue import observe_addresses, observe_prefixes, observe_transits
from infra.cloud import Answer, Cloud, Clouds
from infra.errors import KunlunError
from infra.provider.observe import ProjectListing, list_building, list_project, list_routers, list_servers

KEPT_SECONDS = 30.0  # a listing is large; nobody asks for an older one
PATIENCE_SECONDS = 2.0  # with a listing that serves all departments, before another is tried beside it
MOST_AT_ONCE = 3  # of the same listing: a cloud that hangs must not take all threads

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _Look(Generic[Found]):
    began: float
    task: asyncio.Task[Found | KunlunError]


class SharedLooks(Generic[Found]):
    """By key, the looks under way and those done a moment ago. A failure is shared like an answer.

    While one is under way, others wait for it rather than begin their own, each for `patience_seconds` at most: then
    one more is begun, up to `most_at_once` of them, and whichever ends first serves all it is young enough for.
    """

    def __init__(self, *, patience_seconds: float = math.inf, most_at_once: int = 1) -> None:
        self._patience_seconds = patience_seconds
        self._most_at_once = most_at_once
        self._looks: dict[str, list[_Look[Found]]] = {}

    async def get(self, key: str, look: Callable[[], Awaitable[Found]], *, not_before: float) -> Found:
        """What a look begun at or after `not_before` (event loop time) found. Raises what it failed with."""
        while True:
            looks = self._looks.setdefault(key, [])
            done = next((one for one in looks if one.began >= not_before and one.task.done()), None)
            if done is not None:
                return _answer(done.task.result())
            under_way = [one for one in looks if not one.task.done()]
            pause = self._pause(under_way)
            if pause <= 0:
                self._begin(key, look)
            else:
                await asyncio.wait(
                    [one.task for one in under_way],
                    timeout=None if pause == math.inf else pause,
                    return_when=asyncio.FIRST_COMPLETED,
                )

    def _pause(self, under_way: list[_Look[Found]]) -> float:
        """Seconds until another may begin."""
        if not under_way:
            return 0.0
        if len(under_way) >= self._most_at_once:
            return math.inf
        return max(one.began for one in under_way) + self._patience_seconds - _now()

    def _begin(self, key: str, look: Callable[[], Awaitable[Found]]) -> None:
        recent = _now() - KEPT_SECONDS
        for other, looks in list(self._looks.items()):
            looks[:] = [one for one in looks if one.began > recent or not one.task.done()]
            if not looks and other != key:
                del self._looks[other]
        self._looks.setdefault(key, []).append(_Look(_now(), asyncio.create_task(_found_or_failed(look()))))


class Surveys:
    """The listings that reconciling shares."""

    def __init__(self, clouds: Clouds) -> None:
        self._clouds = clouds
        self._listings: SharedLooks[ProjectListing] = SharedLooks()
        self._addresses: SharedLooks[list[str]] = SharedLooks(
            patience_seconds=PATIENCE_SECONDS, most_at_once=MOST_AT_ONCE
        )
        self._prefixes: SharedLooks[list[str]] = SharedLooks(
            patience_seconds=PATIENCE_SECONDS, most_at_once=MOST_AT_ONCE
        )
        self._routers: SharedLooks[list[Answer]] = SharedLooks()
        self._building: SharedLooks[frozenset[str]] = SharedLooks()

    async def everything(self, project_id: str, *, not_before: float) -> ProjectListing:
        """All kinds, by a listing begun at or after `not_before` (event loop time)."""
        return await self._listed("everything", list_project, project_id, not_before)

    async def servers(self, project_id: str, *, not_before: float) -> ProjectListing:
        """Servers only."""
        return await self._listed("servers", list_servers, project_id, not_before)

    async def building(self, project_id: str, *, not_before: float) -> frozenset[str]:
        """Ids of the servers that are still being built: the poll until there are none."""
        cloud = self._clouds.project(project_id)
        return await self._building.get(project_id, lambda: list_building(cloud), not_before=not_before)

    async def prefixes(self, subnet_pool_id: str, *, not_before: float) -> list[str]:
        """Every prefix that exists of a subnet pool, whoever owns it. A listing that hangs holds up nobody for long."""
        cloud = self._clouds.admin()
        return await self._prefixes.get(
            subnet_pool_id, lambda: observe_prefixes(cloud, subnet_pool_id), not_before=not_before
        )

    async def transits(self, *, not_before: float) -> list[str]:
        """Every network of a link that exists."""
        cloud = self._clouds.admin()
        return await self._prefixes.get("transits", lambda: observe_transits(cloud), not_before=not_before)

    async def routers(self, project_id: str, *, not_before: float) -> list[Answer]:
        """The routers of a project to which links of another lead."""
        cloud = self._clouds.project(project_id)
        return await self._routers.get(project_id, lambda: list_routers(cloud, project_id), not_before=not_before)

    async def management_addresses(self, network_id: str, *, not_before: float) -> list[str]:
        """Every address in use in a zone's management network, whoever uses it."""
        cloud = self._clouds.admin()
        return await self._addresses.get(
            network_id, lambda: observe_addresses(cloud, network_id), not_before=not_before
        )

    async def _listed(
        self,
        what: str,
        listed: Callable[[Cloud], Coroutine[Any, Any, ProjectListing]],
        project_id: str,
        not_before: float,
    ) -> ProjectListing:
        cloud = self._clouds.project(project_id)
        return await self._listings.get(f"{what} {project_id}", lambda: listed(cloud), not_before=not_before)


async def _found_or_failed(look: Awaitable[Found]) -> Found | KunlunError:
    try:
        return await look
    except KunlunError as error:
        return error


def _answer(outcome: Found | KunlunError) -> Found:
    if isinstance(outcome, KunlunError):
        raise outcome.with_traceback(None)
    return outcome


def _now() -> float:
    return asyncio.get_running_loop().time()
