"""A set of addresses that rules name: its members change in place, and with them what is open at once.

Networking API v2 "Address groups": `add_addresses` refuses all when one is there, `remove_addresses` when one is not,
so only the difference is sent. A group in use by a rule cannot be deleted.
"""

from __future__ import annotations

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, description_marker, find_marked
from infra.stackplan import Kind


class AddressGroup:
    """Neutron fills a new group after it has made it: one whose making was cut off is filled when it is adopted."""

    kind = Kind.ADDRESS_GROUP
    pulumi_type = "openstack:networking/addressGroupV2:AddressGroupV2"
    replaced_by = frozenset({"description"})

    def marker_of(self, given: Given) -> str | None:
        return description_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        return {"name": given.take("name"), "addresses": sorted(given.take("addresses") or [])}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"name": raw["name"], "addresses": sorted(raw["addresses"])}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        body = {"address_group": {**planned.inputs, "description": marker}}
        raw = (await scene.cloud.post("network", "address-groups", body))["address_group"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        found = await find_marked(scene.cloud, "network", "address-groups", marker)
        if found is not None:
            await self.update(scene, found.id, planned)
        return found

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        path, wanted = f"address-groups/{object_id}", set(planned.inputs["addresses"])
        raw = (await scene.cloud.get("network", path))["address_group"]
        present = set(raw["addresses"])
        if surplus := sorted(present - wanted):
            await scene.cloud.put("network", f"{path}/remove_addresses", _members(surplus))
        if missing := sorted(wanted - present):
            await scene.cloud.put("network", f"{path}/add_addresses", _members(missing))
        if raw["name"] != planned.inputs["name"]:
            await scene.cloud.put("network", path, {"address_group": {"name": planned.inputs["name"]}})

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await scene.cloud.delete("network", f"address-groups/{object_id}")


def _members(addresses: list[str]) -> dict[str, dict[str, list[str]]]:
    return {"address_group": {"addresses": addresses}}
