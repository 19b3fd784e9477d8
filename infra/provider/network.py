"""A tenant network; its one subnet is an object of its own."""

from __future__ import annotations

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind


class Network:
    """Only its name can ever change."""

    kind = Kind.NETWORK
    pulumi_type = "openstack:networking/network:Network"
    replaced_by = frozenset({"description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        return {"name": given.take("name")}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"name": raw["name"]}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        body = {"network": {"name": planned.inputs["name"], "description": marker}}
        raw = (await scene.cloud.post("network", "networks", body))["network"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "networks", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        body = {"network": {"name": planned.inputs["name"]}}
        await scene.cloud.put("network", f"networks/{object_id}", body)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"networks/{object_id}")
