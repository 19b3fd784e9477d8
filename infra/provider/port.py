"""A server's one port, with the address the plan promised. Nova never makes a port of its own."""

from __future__ import annotations

from typing import Any

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.bulk import Bulk
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind

_GUARDED = {"port_security_enabled": True, "allowed_address_pairs": []}


class Port:
    """Ports asked for at about the same time are created by one bulk POST: Neutron does that much faster."""

    kind = Kind.PORT
    pulumi_type = "openstack:networking/port:Port"
    replaced_by = frozenset({"networkId", "fixedIps", "description"})

    def __init__(self) -> None:
        self._bulk = Bulk("ports", "port")

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        address = given.take_single("fixedIps")
        return {
            "name": given.take("name"),
            "network": names.reference(given.take("networkId")),
            "subnet": names.reference(address.get("subnetId")),
            "address": address.get("ipAddress"),
            "groups": [names.reference(group) for group in given.take("securityGroupIds") or []],
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        addresses = raw.get("fixed_ips") or []
        address = addresses[0] if len(addresses) == 1 else {}
        inputs = {
            "name": raw["name"],
            "network": names.reference(raw["network_id"]),
            "subnet": names.reference(address.get("subnet_id")),
            "address": address.get("ip_address"),
            "groups": sorted(str(names.reference(group)) for group in raw.get("security_groups") or []),
        }
        return inputs | ({"may_spoof": True} if _may_spoof(raw) else {})

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        inputs = planned.inputs
        address = {"subnet_id": scene.names.id(inputs["subnet"]), "ip_address": inputs["address"]}
        body = {
            **_changeable(planned, scene.names),
            "description": marker,
            "network_id": scene.names.id(inputs["network"]),
            "fixed_ips": [address],
        }
        raw = await self._bulk.create(scene.cloud, body)
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "ports", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        body = {"port": _changeable(planned, scene.names) | _GUARDED}
        await scene.cloud.put("network", f"ports/{object_id}", body)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"ports/{object_id}")


def _may_spoof(raw: Answer) -> bool:
    """Without port security, or with foreign addresses allowed, a guest could leave its zone. No plan allows it."""
    return raw.get("port_security_enabled") is False or bool(raw.get("allowed_address_pairs"))


def _changeable(planned: PlannedObject, names: Names) -> dict[str, Any]:
    groups = [names.id(group) for group in planned.inputs["groups"]]
    return {"name": planned.inputs["name"], "security_groups": groups}
