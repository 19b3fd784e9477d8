"""Other requests' links on a router that goes: taken off, so that neither side waits for the other.

The link's request made its port there, and its own plan allows it to be made again when there is a router again; what
is left of the link leads nowhere.
"""

from __future__ import annotations

import structlog

from infra.cloud_answers import Absent
from infra.provider.resource import CloudCalls
from infra.provider.router_interface import is_interface, is_of_link
from infra.provider.router_routes import routes_into, transit_of
from infra.provider.router_turns import remove_routes

_log = structlog.get_logger(__name__)


async def take_links_off(cloud: CloudCalls, router_id: str) -> bool:
    """Removes routes into links and the links' places on a router; whether there were any. Idempotent.

    Ports of other projects are seen only by who may see all: the list is not of one project.
    """
    ports = await cloud.list("network", "ports", {"device_id": router_id})
    linked = [port for port in ports if is_interface(port) and is_of_link(port)]
    for port in linked:
        try:
            await _take_off(cloud, router_id, port["id"], [entry["ip_address"] for entry in port["fixed_ips"]])
        except Absent:  # the other request was faster
            continue
        _log.info("link taken off", router=router_id, port=port["id"], marker=port["description"])
    return bool(linked)


async def _take_off(cloud: CloudCalls, router_id: str, port_id: str, addresses: list[str]) -> None:
    router = (await cloud.get("network", f"routers/{router_id}"))["router"]
    known = router.get("routes") or []
    if routes := [route for address in addresses for route in routes_into(transit_of(address), known)]:
        await remove_routes(cloud, router_id, routes)
    await cloud.put("network", f"routers/{router_id}/remove_router_interface", {"port_id": port_id})
