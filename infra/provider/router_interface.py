"""A subnet's place on the router. It has no marker: it is ours because both its ends are.

Its id is that of the port Neutron makes for it.
"""

from __future__ import annotations

from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene
from infra.stackplan import Kind

_OWNER_PREFIX = "network:router_interface"  # also "..._distributed" and "network:ha_router_replicated_interface"


class RouterInterface:
    """The slowest object of all on OVN (about two seconds): nothing waits for it."""

    kind = Kind.ROUTER_INTERFACE
    pulumi_type = "openstack:networking/routerInterface:RouterInterface"
    replaced_by = frozenset({"routerId", "subnetId"})

    def marker_of(self, given: Given) -> str | None:
        return None

    def declared(self, given: Given, names: Names) -> Inputs:
        return {
            "router": names.reference(given.take("routerId")),
            "subnet": names.reference(given.take("subnetId")),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"router": names.reference(raw["device_id"]), "subnet": names.reference(subnet_of(raw))}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        router = scene.names.id(planned.inputs["router"])
        body = {"subnet_id": scene.names.id(planned.inputs["subnet"])}
        answer = await scene.cloud.put("network", f"routers/{router}/add_router_interface", body)
        return Made(answer["port_id"], {"id": answer["port_id"], "device_id": router})

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        router, subnet = (scene.names.id(planned.inputs[end]) for end in ("router", "subnet"))
        for raw in await scene.cloud.list("network", "ports", {"device_id": router}):
            if is_interface(raw) and subnet_of(raw) == subnet:
                return Made(raw["id"], raw)
        return None

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        """Nothing about it can change in place."""

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        path = f"routers/{raw['device_id']}/remove_router_interface"
        try:
            await scene.cloud.put("network", path, {"port_id": object_id})
        except Absent:  # the interface is gone, or its router is: then Neutron lets its port be deleted as such
            await scene.cloud.delete("network", f"ports/{object_id}")


def is_interface(raw: Answer) -> bool:
    """Whether a port is a router's leg in a tenant subnet."""
    return str(raw.get("device_owner", "")).startswith(_OWNER_PREFIX)


def subnet_of(raw: Answer) -> str | None:
    """The subnet of a port's only address."""
    addresses = raw.get("fixed_ips") or []
    return addresses[0]["subnet_id"] if len(addresses) == 1 else None
