"""A boot or data volume. The engine goes on only when it is available: servers cannot take it earlier."""

from __future__ import annotations

from functools import partial

from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.errors import CloudRefused
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, find_marked, metadata_marker
from infra.stackplan import MARKER_PREFIX, Kind

IMAGE_KEY = f"{MARKER_PREFIX}.image"
_EXTEND_IN_USE = "volume 3.42"  # Cinder microversion history: extend of an attached volume


class Volume:
    """It can grow, never shrink: one that is larger than planned stays so, and is told of."""

    kind = Kind.VOLUME
    pulumi_type = "openstack:blockstorage/volume:Volume"
    replaced_by = frozenset({"imageId", "metadata"})

    def marker_of(self, given: Given) -> str | None:
        return metadata_marker(given)

    def declared(self, given: Given, names: Names) -> Inputs:
        return {"name": given.take("name"), "size_gib": given.take("size"), "image_id": given.take("imageId")}

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        image = raw.get("volume_image_metadata") or {}
        promised = (raw.get("metadata") or {}).get(IMAGE_KEY)  # Cinder shows the image only when it has been copied
        return {"name": raw["name"], "size_gib": raw["size"], "image_id": image.get("image_id") or promised}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        inputs = planned.inputs
        body = {
            "name": inputs["name"],
            "size": inputs["size_gib"],
            "imageRef": inputs["image_id"],
            "metadata": {MARKER_PREFIX: marker} | ({IMAGE_KEY: inputs["image_id"]} if inputs["image_id"] else {}),
        }
        raw = (await scene.cloud.post("volume", "volumes", {"volume": body}))["volume"]
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "volume", "volumes/detail", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        path = f"volumes/{object_id}"
        volume = (await scene.cloud.get("volume", path))["volume"]
        if volume["name"] != planned.inputs["name"]:
            await scene.cloud.put("volume", path, {"volume": {"name": planned.inputs["name"]}})
        if volume["size"] < planned.inputs["size_gib"]:  # Cinder cannot shrink one
            body = {"os-extend": {"new_size": planned.inputs["size_gib"]}}
            await scene.cloud.post("volume", f"{path}/action", body, microversion=_EXTEND_IN_USE)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        await wait_until_detached(scene, object_id)
        await scene.cloud.delete("volume", f"volumes/{object_id}")
        await scene.patience.until(partial(_gone, scene, object_id), f"the end of volume {object_id}")


async def wait_until_usable(scene: Scene, volume_id: str) -> None:
    """Raises CloudRefused when the volume went into an error state."""
    await scene.patience.until(partial(_in_status, scene, volume_id, ("available", "in-use")), f"volume {volume_id}")


async def wait_until_detached(scene: Scene, volume_id: str) -> None:
    """Absent counts as detached; so does an error state, in which Cinder still deletes."""

    async def seen() -> bool | None:
        try:
            return await _in_status(scene, volume_id, ("available", "error", "deleting"))
        except (Absent, CloudRefused):
            return True

    await scene.patience.until(seen, f"the detachment of volume {volume_id}")


async def _in_status(scene: Scene, volume_id: str, wanted: tuple[str, ...]) -> bool | None:
    status = (await scene.cloud.get("volume", f"volumes/{volume_id}"))["volume"]["status"]
    if status in wanted:
        return True
    if status.startswith("error"):
        raise CloudRefused(f"volume {volume_id} went into status {status}")
    return None


async def _gone(scene: Scene, volume_id: str) -> bool | None:
    try:
        await scene.cloud.get("volume", f"volumes/{volume_id}")
    except Absent:
        return True
    return None
