"""Whoever changes a router waits for whoever does already; of another router nobody waits."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from infra.provider.resource import CloudCalls
from infra.provider.router_turns import add_routes, change_router, remove_routes


class SlowCloud:
    """Remembers which calls were under way when each began."""

    def __init__(self) -> None:
        self.under_way: list[str] = []
        self.beside: dict[str, list[str]] = {}

    async def put(self, service: str, path: str, body: dict[str, Any]) -> None:
        self.beside[path] = list(self.under_way)
        self.under_way.append(path)
        await asyncio.sleep(0.01)
        self.under_way.remove(path)


async def test_a_router_is_changed_by_one_call_at_a_time_and_another_beside_it() -> None:
    """Whatever is changed: its name, or routes that come or go."""
    slow = SlowCloud()
    cloud = cast(CloudCalls, slow)
    await asyncio.gather(
        add_routes(cloud, "one", []),
        remove_routes(cloud, "one", []),
        change_router(cloud, "one", {"name": "turned"}),
        add_routes(cloud, "other", []),
    )

    ours = {path: beside for path, beside in slow.beside.items() if path.startswith("routers/one")}
    assert {"routers/one", "routers/one/add_extraroutes", "routers/one/remove_extraroutes"} == set(ours)
    assert not any(path in ours for beside in ours.values() for path in beside)
    assert ["routers/one/add_extraroutes"] == slow.beside["routers/other/add_extraroutes"]
