"""A security group. Its rules are one object of their own, so that no rule exists that nobody approved."""

from __future__ import annotations

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind


class SecurityGroup:
    """The rules a cloud puts into every new group are surplus, and go when the rules are set."""

    kind = Kind.SECURITY_GROUP
    pulumi_type = "openstack:networking/secGroup:SecGroup"
    replaced_by = frozenset({"description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        bare = given.take("deleteDefaultRules") is True
        return {"name": given.take("name") if bare else None}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"name": raw["name"]}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        body = {"security_group": {"name": planned.inputs["name"], "description": marker}}
        raw = (await scene.cloud.post("network", "security-groups", body))["security_group"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "network", "security-groups", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        body = {"security_group": {"name": planned.inputs["name"]}}
        await scene.cloud.put("network", f"security-groups/{object_id}", body)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"security-groups/{object_id}")
