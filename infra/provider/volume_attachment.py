"""A data volume's place on its server. It has no marker: it is ours because both its ends are."""

from __future__ import annotations

from functools import partial

from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene
from infra.provider.server import wait_until_active
from infra.provider.volume import wait_until_detached
from infra.stackplan import Kind


class VolumeAttachment:
    """Nova refuses to attach while a server is building, so this one waits for it."""

    kind = Kind.VOLUME_ATTACHMENT
    pulumi_type = "openstack:compute/volumeAttach:VolumeAttach"
    replaced_by = frozenset({"instanceId", "volumeId"})

    def marker_of(self, given: Given) -> str | None:
        return None

    def declared(self, given: Given, names: Names) -> Inputs:
        return {
            "server": names.reference(given.take("instanceId")),
            "volume": names.reference(given.take("volumeId")),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        return {"server": names.reference(raw["server_id"]), "volume": names.reference(raw["volume_id"])}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        server, volume = _ends(scene, planned)
        await scene.patience.until(partial(wait_until_active, scene, server), f"server {server}")
        body = {"volumeAttachment": {"volumeId": volume}}
        await scene.cloud.post("compute", f"servers/{server}/os-volume_attachments", body)
        return _made(server, volume)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        server, volume = _ends(scene, planned)
        try:
            await scene.cloud.get("compute", f"servers/{server}/os-volume_attachments/{volume}")
        except Absent:
            return None
        return _made(server, volume)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        """Nothing about it can change in place."""

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        server, volume = raw["server_id"], raw["volume_id"]
        await scene.cloud.delete("compute", f"servers/{server}/os-volume_attachments/{volume}")
        await wait_until_detached(scene, volume)


def attachment_id(server_id: str, volume_id: str) -> str:
    """The id this provider gives to an attachment."""
    return f"{server_id}/{volume_id}"


def _ends(scene: Scene, planned: PlannedObject) -> tuple[str, str]:
    return scene.names.id(planned.inputs["server"]), scene.names.id(planned.inputs["volume"])


def _made(server: str, volume: str) -> Made:
    return Made(attachment_id(server, volume), {"server_id": server, "volume_id": volume})
