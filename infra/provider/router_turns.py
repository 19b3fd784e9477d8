"""Changes of a router itself, one at a time: its name and gateway, and the routes that several requests have on it.

Neutron's OVN driver compares all of a router's routes with OVN's inside the call's transaction. Of two calls that
overlap, one takes the other's route out of OVN again, and the API goes on showing both (Neutron 29.0; two calls at
once are enough). The next change of that router puts right what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from infra.provider.resource import CloudCalls

_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def change_router(cloud: CloudCalls, router_id: str, body: Mapping[str, Any], action: str = "") -> None:
    """PUT `{"router": body}`, once nobody else in this process changes the router. `action`: as `add_extraroutes`."""
    async with _turns.setdefault(router_id, asyncio.Lock()):
        await cloud.put("network", f"routers/{router_id}{'/' if action else ''}{action}", {"router": body})


async def add_routes(cloud: CloudCalls, router_id: str, routes: object) -> None:
    """Atomic; repeating it changes nothing, and puts right what OVN lacks."""
    await change_router(cloud, router_id, {"routes": routes}, "add_extraroutes")


async def remove_routes(cloud: CloudCalls, router_id: str, routes: object) -> None:
    """Atomic; repeating it changes nothing. Raises Absent when there is no such router."""
    await change_router(cloud, router_id, {"routes": routes}, "remove_extraroutes")
