"""The one subnet of a network: an exact prefix of the zone's pool, or of no pool: the way between two routers.

Server addresses are given by the plan and lie outside the allocation pool, which is left to Neutron's own
ports (DHCP, metadata), so that no such port can take an address that was promised.
"""

from __future__ import annotations

from typing import Any

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind

_IP_VERSION = 4


class Subnet:
    """The prefix is fixed for life; the gateway and the allocation pool are not."""

    kind = Kind.SUBNET
    pulumi_type = "openstack:networking/subnet:Subnet"
    replaced_by = frozenset({"networkId", "cidr", "subnetpoolId", "description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        pool = given.take_single("allocationPools")
        known_version = given.take("ipVersion") == _IP_VERSION
        inputs = {
            "name": given.take("name"),
            "network": names.reference(given.take("networkId")),
            "subnet_pool_id": given.take("subnetpoolId"),
            "cidr": given.take("cidr") if known_version else None,
            "gateway": given.take("gatewayIp"),
            "service_first": pool.get("start"),
            "service_last": pool.get("end"),
        }
        if inputs["subnet_pool_id"] is not None:
            return inputs
        if inputs["gateway"] is None and given.take("noGateway") is not True:
            inputs["gateway"] = "whatever Neutron takes"
        return inputs | {"dhcp": given.take("enableDhcp")}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        pools = raw.get("allocation_pools") or []
        pool = pools[0] if len(pools) == 1 else {}
        inputs = {
            "name": raw["name"],
            "network": names.reference(raw["network_id"]),
            "subnet_pool_id": raw.get("subnetpool_id"),
            "cidr": raw["cidr"],
            "gateway": raw.get("gateway_ip"),
            "service_first": pool.get("start"),
            "service_last": pool.get("end"),
        }
        return inputs if inputs["subnet_pool_id"] else inputs | {"dhcp": raw.get("enable_dhcp")}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        pool = planned.inputs["subnet_pool_id"]
        body = {
            **_changeable(planned),
            "description": marker,
            "network_id": scene.names.id(planned.inputs["network"]),
            **({"subnetpool_id": pool} if pool else {}),
            "cidr": planned.inputs["cidr"],
            "ip_version": _IP_VERSION,
        }
        raw = (await scene.cloud.post("network", "subnets", {"subnet": body}))["subnet"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "subnets", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        await scene.cloud.put("network", f"subnets/{object_id}", {"subnet": _changeable(planned)})

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"subnets/{object_id}")


def _changeable(planned: PlannedObject) -> dict[str, Any]:
    inputs = planned.inputs
    return {
        "name": inputs["name"],
        "gateway_ip": inputs["gateway"],
        "allocation_pools": [{"start": inputs["service_first"], "end": inputs["service_last"]}],
        **({"enable_dhcp": inputs["dhcp"]} if "dhcp" in inputs else {}),
    }
