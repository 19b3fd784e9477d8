"""A subnet's place on a router. It has no marker: it is ours because both its ends are, or because its port is.

A network's has the id of the port Neutron makes for it. A link's is made of a port of the plan; Neutron deletes that
port together with it.
"""

from __future__ import annotations

from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.declared import LINK_PORT_PREFIX
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene
from infra.stackplan import Kind, marker_parts

_BY_PORT_SUFFIX = "/interface"
_OWNER_PREFIX = "network:router_interface"  # also "..._distributed" and "network:ha_router_replicated_interface"


class RouterInterface:
    """The slowest object of all on OVN (about two seconds): nothing waits for it."""

    kind = Kind.ROUTER_INTERFACE
    pulumi_type = "openstack:networking/routerInterface:RouterInterface"
    replaced_by = frozenset({"routerId", "subnetId", "portId"})

    def marker_of(self, given: Given) -> str | None:
        return None

    def declared(self, given: Given, names: Names) -> Inputs:
        router, port = names.router_reference(given.take("routerId")), given.take("portId")
        if port is not None:
            return {"router": router, "port": names.reference(port)}
        return {"router": router, "subnet": names.reference(given.take("subnetId"))}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        router, port = names.router_reference(raw["device_id"]), names.reference(raw["id"])
        if port != raw["id"]:
            return {"router": router, "port": port}
        return {"router": router, "subnet": names.reference(subnet_of(raw))}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        router, by_port = scene.names.id(planned.inputs["router"]), planned.inputs.get("port")
        end = {"port_id": by_port} if by_port else {"subnet_id": planned.inputs["subnet"]}
        body = {key: scene.names.id(reference) for key, reference in end.items()}
        answer = await scene.cloud.put("network", f"routers/{router}/add_router_interface", body)
        made_of = answer["port_id"]
        return Made(by_port_id(made_of) if by_port else made_of, {"id": made_of, "device_id": router})

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        if "port" in planned.inputs:
            return await _find_by_port(scene, planned)
        router, subnet = (scene.names.id(planned.inputs[end]) for end in ("router", "subnet"))
        for raw in await scene.cloud.list("network", "ports", {"device_id": router}):
            if is_interface(raw) and subnet_of(raw) == subnet:
                return Made(raw["id"], raw)
        return None

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        """Nothing about it can change in place."""

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        port, path = object_id.removesuffix(_BY_PORT_SUFFIX), f"routers/{raw['device_id']}/remove_router_interface"
        try:
            await scene.cloud.put("network", path, {"port_id": port})
        except Absent:  # the interface is gone, or its router is: then Neutron lets its port be deleted as such
            await scene.cloud.delete("network", f"ports/{port}")


def by_port_id(port_id: str) -> str:
    """The id this provider gives to what a port of the plan is on a router."""
    return port_id + _BY_PORT_SUFFIX


def is_by_port(interface_id: str) -> bool:
    """Whether an interface's id is of a link."""
    return interface_id.endswith(_BY_PORT_SUFFIX)


async def _find_by_port(scene: Scene, planned: PlannedObject) -> Made | None:
    router, port = (scene.names.id(planned.inputs[end]) for end in ("router", "port"))
    raw = (await scene.cloud.get("network", f"ports/{port}"))["port"]
    return Made(by_port_id(port), raw) if is_interface(raw) and raw.get("device_id") == router else None


def is_interface(raw: Answer) -> bool:
    """Whether a port is a router's leg in a tenant subnet."""
    return str(raw.get("device_owner", "")).startswith(_OWNER_PREFIX)


def is_of_link(raw: Answer) -> bool:
    """Whether a port is one side of a link of some request."""
    parts = marker_parts(raw.get("description"))
    return parts is not None and parts[1].startswith(LINK_PORT_PREFIX)


def subnet_of(raw: Answer) -> str | None:
    """The subnet of a port's only address."""
    addresses = raw.get("fixed_ips") or []
    return addresses[0]["subnet_id"] if len(addresses) == 1 else None
