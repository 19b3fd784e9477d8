"""Watches that fall silent: the real Kopf on an API server that says only what a test lets it say."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web

from controllers.api import API_VERSION, GROUP, VERSION
from controllers.api.stored import KINDS, Kind
from controllers.cluster import Access, Cluster
from controllers.health import Signs, liveness
from controllers.hearing import Hearing
from controllers.lease import Lease
from controllers.measures import Measures
from controllers.operator import Operator
from controllers.probes import application
from controllers.vitals import Vitals
from controllers.watches import Watches
from tests.unit.test_lease import FAR, NAME, ApiServer, Clock
from tests.unit.world import World

PLURALS = {kind.plural for kind in KINDS}
DEAD_SECONDS = 1.0
PATIENCE_SECONDS = 20.0


class Speaker:
    """Lists nothing, and sends bookmarks on the watches of those kinds that may speak. `token` is who may ask."""

    def __init__(self) -> None:
        self.address = ""
        self.token = "first"
        self.speaking = set(PLURALS)
        self.unknown = set[str]()
        self.refused = 0
        self._times = 0

    def forget(self, plural: str) -> None:
        """A kind is served no more; the watches of it end."""
        self.unknown.add(plural)

    def revoke(self, token: str) -> None:
        """Another token from now on; watches that run end."""
        self.token, self._times = token, self._times + 1

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.refused += 1
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        words = request.path.strip("/").split("/")
        if words[-1] in self.unknown:
            return web.Response(status=404, text="404 page not found")
        if request.query.get("watch") == "true":
            return await self._stream(request, words[-1])
        return web.json_response(_document(words))

    async def _stream(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
        began = self._times
        while began == self._times and plural not in self.unknown:
            if plural in self.speaking:
                await response.write(json.dumps(bookmark).encode() + b"\n")
            await asyncio.sleep(0.1)
        return response


class Deaf:
    """Whom the watches tell; here nobody cares."""

    def kept(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> None: ...

    def heard(self, kind: Kind[Any, Any], event: Mapping[str, Any]) -> None: ...

    def relisted(self) -> None: ...


def _document(words: list[str]) -> dict[str, Any]:
    version = {"groupVersion": API_VERSION, "version": VERSION}
    group = {"name": GROUP, "versions": [version], "preferredVersion": version}
    verbs = ["get", "list", "watch", "patch", "delete", "create", "update"]
    match words:
        case ["api"]:
            return {"versions": ["v1"]}
        case ["api", _]:  # Kopf waits for the kind Namespace
            names = {"name": "namespaces", "kind": "Namespace", "singularName": "", "namespaced": False}
            return {"resources": [{**names, "verbs": verbs}]}
        case ["apis"]:
            return {"groups": [group]}
        case ["apis", _]:
            return group
        case ["apis", _, _]:
            kinds = [
                {"name": kind.plural, "kind": kind.name, "singularName": "", "namespaced": True, "verbs": verbs}
                for kind in KINDS
            ]
            return {"resources": kinds}
        case _:
            return {"metadata": {"resourceVersion": "1"}, "items": []}


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture
async def speaker() -> AsyncIterator[Speaker]:
    speaker, app = Speaker(), web.Application()
    app.router.add_route("*", "/{rest:.*}", speaker.answer)
    async with served(app) as speaker.address:
        yield speaker


@asynccontextmanager
async def watching(find_access: Callable[[], Access]) -> AsyncIterator[Watches]:
    """The watches of an operator, with their lists in."""
    measures = Measures()
    async with Cluster(find_access, measures=measures.cluster) as cluster:
        watches = Watches(cluster, Deaf(), Hearing(measures.cluster))
        running = asyncio.create_task(watches.run())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await watches.ready.wait()
            yield watches
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def access(speaker: Speaker) -> Access:
    return Access(speaker.address, ssl.create_default_context(), token=speaker.token)


def verdict(watches: Watches) -> str:
    """What the liveness probe would say."""
    signs = Signs(candidate=True, leading=True, silences=watches.hearing.silences(), lists_in=True)
    return liveness(signs, dead_seconds=DEAD_SECONDS).because


async def becomes(look: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    for _ in range(int(PATIENCE_SECONDS / 0.1)):
        if look():
            return True
        await asyncio.sleep(0.1)
    return False


async def test_one_silent_watch_of_many_is_seen_and_named(speaker: Speaker) -> None:
    """It still has its connection, and everything else is talking; when it speaks again, all is well."""
    async with watching(lambda: access(speaker)) as watches:
        await asyncio.sleep(2 * DEAD_SECONDS)
        quiet = verdict(watches)
        speaker.speaking = PLURALS - {"approvals"}
        dead = await becomes(lambda: "approvals" in verdict(watches))
        said = verdict(watches)
        speaker.speaking = set(PLURALS)

        assert "every watch is heard of" == quiet
        assert dead and not any(plural in said for plural in PLURALS - {"approvals"})
        assert await becomes(lambda: verdict(watches) == "every watch is heard of")


async def test_a_renewed_token_is_used_at_once(speaker: Speaker) -> None:
    """When the API server no longer believes the old one, the access is read again, and the watches go on."""
    async with watching(lambda: access(speaker)) as watches:
        speaker.revoke("second")
        refused = await becomes(lambda: speaker.refused > 0)
        await asyncio.sleep(2 * DEAD_SECONDS)

        assert refused
        assert await becomes(lambda: verdict(watches) == "every watch is heard of")
        assert watches.ready.is_set()


async def test_an_access_that_stays_refused_is_not_tried_without_pause(speaker: Speaker) -> None:
    """Nobody hammers the API server with a token it has refused; once the token is right, the watches are back."""
    old = access(speaker)
    found = [old]
    async with watching(lambda: found[0]) as watches:
        speaker.revoke("second")
        await asyncio.sleep(4 * DEAD_SECONDS)
        refused, dead = speaker.refused, verdict(watches)
        found[0] = access(speaker)

        assert 0 < refused < 100
        assert dead != "every watch is heard of" or not watches.ready.is_set()
        assert await becomes(lambda: watches.ready.is_set() and verdict(watches) == "every watch is heard of")


async def test_a_kind_that_goes_is_waited_for_and_watched_again(speaker: Speaker) -> None:
    """Kopf ends over it, in the midst of watches that go on; nothing of it may hold up the next one."""
    async with watching(lambda: access(speaker)) as watches:
        speaker.forget("approvals")
        gone = await becomes(lambda: not watches.ready.is_set())
        speaker.unknown.clear()

        assert gone
        assert await becomes(lambda: watches.ready.is_set() and verdict(watches) == "every watch is heard of")


async def test_the_probes_and_the_figures_are_served() -> None:
    """200 or 503, a sentence for people, and the text Prometheus reads; a dead watch ends both probes' patience."""
    world, lease_clock, clock = World(), Clock(), Clock()
    lease = Lease(ApiServer(), NAME, FAR, clock=lease_clock, sleep=lease_clock.sleep)
    await lease.acquire()
    operator = Operator(world.parts, Path("ready"))
    operator.watches.hearing.clock = clock
    operator.watches.hearing.expect()
    operator.watches.ready.set()
    vitals = Vitals(measures=world.parts.measures, lease=lease, candidate=True)

    async with served(application(vitals)) as address, aiohttp.ClientSession() as session:

        async def asked(path: str) -> tuple[int, str]:
            async with session.get(address + path) as answer:
                return answer.status, await answer.text()

        standing_by = await asked("/livez"), await asked("/readyz")
        vitals.operator = operator
        leading = await asked("/livez"), await asked("/readyz")
        clock.now += 1000
        dead = await asked("/livez"), await asked("/readyz")
        status, text = await asked("/metrics")

    assert ((200, "stands by\n"), (200, "stands by\n")) == standing_by
    assert ((200, "every watch is heard of\n"), (200, "leads\n")) == leading
    assert (503, 503) == (dead[0][0], dead[1][0])
    assert (200, True) == (status, "\nkunlun_leading 1.0\n" in text)
