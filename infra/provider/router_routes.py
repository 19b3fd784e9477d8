"""The routes of one router into one link, as one unit. All others of that router are somebody else's, and left alone.

It has no marker: the routes are ours because the port they lead to is in our link's network.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene
from infra.provider.router_turns import add_routes, remove_routes
from infra.stackplan import TRANSIT_LENGTH, Kind

_ID_SUFFIX = "/routes"


class RouterRoutes:
    """There is such an object where there is any route into the link."""

    kind = Kind.ROUTER_ROUTES
    pulumi_type = "openstack:networking/routerRoutesV2:RouterRoutesV2"
    replaced_by = frozenset({"routerId"})

    def marker_of(self, given: Given) -> str | None:
        return None

    def declared(self, given: Given, names: Names) -> Inputs:
        routes = [Given(route) for route in given.take("routes") or []]
        return {
            "router": names.router_reference(given.take("routerId")),
            "routes": _sorted(_declared_route(route) for route in routes),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"router": names.router_reference(raw["device_id"]), "routes": _sorted(raw["routes"])}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        router = scene.names.id(planned.inputs["router"])
        await add_routes(scene.cloud, router, planned.inputs["routes"])
        port = scene.names.id(planned.after[0].replace("interface-", "port-", 1))
        return Made(routes_id(port), {"device_id": router, "routes": planned.inputs["routes"]})

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        """After an unknown outcome the same is asked for again."""
        return await self.create(scene, planned, marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        router, wanted = scene.names.id(planned.inputs["router"]), planned.inputs["routes"]
        routes = (await scene.cloud.get("network", f"routers/{router}"))["router"].get("routes") or []
        link = transit_of(wanted[0]["nexthop"])
        surplus = [route for route in routes_into(link, routes) if route not in wanted]
        if any(route not in routes for route in wanted):
            await add_routes(scene.cloud, router, wanted)
        if surplus:
            await remove_routes(scene.cloud, router, surplus)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        try:
            await remove_routes(scene.cloud, raw["device_id"], raw["routes"])
        except Absent:  # the router is gone, and its routes with it
            return


def routes_id(port_id: str) -> str:
    """The id this provider gives to the routes that one side of a link has."""
    return port_id + _ID_SUFFIX


def transit_of(address: str) -> IPv4Network:
    """The link's network that an address of it is in."""
    return IPv4Network((address, TRANSIT_LENGTH), strict=False)


def routes_into(link: IPv4Network, routes: Iterable[Answer]) -> list[dict[str, Any]]:
    """Those of a router's routes that lead into a network."""
    return [
        {"destination": route["destination"], "nexthop": route["nexthop"]}
        for route in routes
        if IPv4Address(route["nexthop"]) in link
    ]


def _declared_route(given: Given) -> Inputs:
    route = {"destination": given.take("destinationCidr"), "nexthop": given.take("nextHop")}
    return route | dict.fromkeys(given.left(), "unexpected")


def _sorted(routes: Iterable[Inputs]) -> list[Inputs]:
    return sorted(routes, key=lambda route: (str(route["destination"]), str(route["nexthop"])))
