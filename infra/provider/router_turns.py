"""Changes of a router itself, one at a time: its name and gateway, and the routes that several requests have on it.

Neutron's OVN driver compares all of a router's routes with OVN's inside the call's transaction. Of two calls that
overlap, one takes the other's route out of OVN again, and the API goes on showing both (Neutron 29.0; two calls at
once are enough). The next change of that router puts right what is missing. Networking API v2, "Extra routes".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from infra.provider.resource import CloudCalls

_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def change_router(cloud: CloudCalls, router_id: str, fields: Mapping[str, Any]) -> None:
    """Its own fields, such as name and gateway."""
    await _put(cloud, router_id, f"routers/{router_id}", fields)


async def add_routes(cloud: CloudCalls, router_id: str, routes: object) -> None:
    """Atomic; repeating it changes nothing, and puts right what OVN lacks."""
    await _put(cloud, router_id, f"routers/{router_id}/add_extraroutes", {"routes": routes})


async def remove_routes(cloud: CloudCalls, router_id: str, routes: object) -> None:
    """Atomic; repeating it changes nothing. Raises Absent when there is no such router."""
    await _put(cloud, router_id, f"routers/{router_id}/remove_extraroutes", {"routes": routes})


async def _put(cloud: CloudCalls, router_id: str, path: str, router: Mapping[str, Any]) -> None:
    """Once nobody else in this process changes the router."""
    async with _turns.setdefault(router_id, asyncio.Lock()):
        await cloud.put("network", path, {"router": router})
