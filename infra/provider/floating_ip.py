"""A server's public address: a floating IP of the zone's uplink, on the server's one port.

Neutron chooses the address; it is in no plan, and shown once it is known. It takes one only for a port that a router
of the uplink reaches already, so the program makes it after the router's leg (Networking API v2 "Floating IPs").
"""

from __future__ import annotations

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind


class FloatingIp:
    """It survives its server, and goes with its port: another port has another address."""

    kind = Kind.FLOATING_IP
    pulumi_type = "openstack:networking/floatingIp:FloatingIp"
    replaced_by = frozenset({"pool", "description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        return {"uplink_id": given.take("pool"), "port": names.reference(given.take("portId"))}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"uplink_id": raw["floating_network_id"], "port": names.reference(raw.get("port_id"))}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        inputs = planned.inputs
        body = {
            "floating_network_id": inputs["uplink_id"],
            "port_id": scene.names.id(inputs["port"]),
            "description": marker,
        }
        raw = (await scene.cloud.post("network", "floatingips", {"floatingip": body}))["floatingip"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "floatingips", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        body = {"floatingip": {"port_id": scene.names.id(planned.inputs["port"])}}
        await scene.cloud.put("network", f"floatingips/{object_id}", body)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"floatingips/{object_id}")


def address_of(raw: Answer) -> str | None:
    """The address that OpenStack chose."""
    address = raw.get("floating_ip_address")
    return str(address) if address else None
