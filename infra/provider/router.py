"""A request's one router, attached to its own zone's uplink only."""

from __future__ import annotations

from typing import Any

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.provider.router_turns import change_router
from infra.stackplan import Kind


class Router:
    """Without source NAT the provider's routers must know the request's prefixes."""

    kind = Kind.ROUTER
    pulumi_type = "openstack:networking/router:Router"
    replaced_by = frozenset({"externalNetworkId", "description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        return {
            "name": given.take("name"),
            "uplink_id": given.take("externalNetworkId"),
            "source_nat": given.take("enableSnat"),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        gateway = raw.get("external_gateway_info") or {}
        return {
            "name": raw["name"],
            "uplink_id": gateway.get("network_id"),
            "source_nat": gateway.get("enable_snat"),
        }

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        body = {**_body(planned), "description": marker}
        raw = (await scene.cloud.post("network", "routers", {"router": body}))["router"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "routers", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        await change_router(scene.cloud, object_id, _body(planned))

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"routers/{object_id}")


def _body(planned: PlannedObject) -> dict[str, Any]:
    inputs = planned.inputs
    gateway = {"network_id": inputs["uplink_id"], "enable_snat": inputs["source_nat"]}
    return {"name": inputs["name"], "external_gateway_info": gateway}
