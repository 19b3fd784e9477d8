"""Who does not lead writes nothing: the question is asked directly before each request that is not a read."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from controllers.api.stored import PLANS, REQUESTS, Meta
from controllers.cluster import Access, Cluster, Listing
from infra.errors import EngineInterrupted

META = Meta("name", "namespace", "uid", 1, "", False, ())


class Api:
    """Remembers what reached it; its lists are empty, as the API server writes them when asked for metadata only."""

    def __init__(self) -> None:
        self.address = ""
        self.seen: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request.method)
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": None})


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    api, app = Api(), web.Application()
    app.router.add_route("*", "/{rest:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


def refuse() -> None:
    raise EngineInterrupted("this operator does not lead any more")


WRITES: dict[str, Callable[[Cluster], Awaitable[Any]]] = {
    "a status": lambda cluster: cluster.apply_status(REQUESTS, META, {}),
    "finalizers": lambda cluster: cluster.apply_finalizers(REQUESTS, META, []),
    "a plan": lambda cluster: cluster.create(PLANS, {"metadata": {"name": "plan", "namespace": "namespace"}}),
    "an event": lambda cluster: cluster.post_event("namespace", {}),
}


@pytest.mark.parametrize("what", WRITES)
async def test_nothing_is_sent_when_we_must_not_write(api: Api, what: str) -> None:
    """Not one byte of it reaches the API server."""
    async with Cluster(lambda: access(api), before_change=refuse) as cluster:
        with pytest.raises(EngineInterrupted):
            await WRITES[what](cluster)

    assert [] == api.seen


async def test_reading_needs_no_lease(api: Api) -> None:
    """Looking harms nobody."""
    async with Cluster(lambda: access(api), before_change=refuse) as cluster:
        assert Listing(7, frozenset()) == await cluster.listing(REQUESTS)

    assert ["GET"] == api.seen


def access(api: Api) -> Access:
    return Access(api.address, ssl.create_default_context())
