"""A server on its one port, from an image or from its boot volume.

Creation ends with Nova's 202: whether it becomes ACTIVE is seen by the shared poll, not by the engine. A change of
flavor is Nova's resize, which stops at VERIFY_RESIZE and wants to be confirmed; so a server found there with
the wanted flavor is a crashed pass of ours to be continued.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from infra.cloud import Answer
from infra.cloud_answers import Absent, Conflict
from infra.errors import CloudRefused, CloudUnavailable, FlavorMissing, ImageMissing, PlatformError, ServerFault
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene, find_marked
from infra.stackplan import MARKER_PREFIX, TERM_KEY, Kind, marker_parts

_UNCONFIRMED = "VERIFY_RESIZE"
_BOOT_VOLUME_PREFIX = "@boot-"


class Server:
    """Nova deletes in the background, and the port is free only when the server is gone."""

    kind = Kind.SERVER
    pulumi_type = "openstack:compute/instance:Instance"
    replaced_by = frozenset({"imageId", "networks", "blockDevices", "metadata"})

    def marker_of(self, given: Given) -> str | None:
        """Beside the marker the metadata of a desktop has its term; any other entry there makes it no marker at all."""
        metadata = given.see("metadata")
        known = isinstance(metadata, dict) and metadata.keys() <= {MARKER_PREFIX, TERM_KEY}
        return metadata.get(MARKER_PREFIX) if known else None

    def declared(self, given: Given, names: Names) -> Inputs:
        device = dict(given.take_single("blockDevices"))
        volume = device.pop("uuid", None)
        is_boot_device = device == boot_device()
        return {
            "name": given.take("name"),
            "flavor_id": given.take("flavorId"),
            "image_id": given.take("imageId"),
            "port": names.reference(given.take_single("networks").get("port")),
            "boot_volume": names.reference(volume) if is_boot_device or not device else "unexpected",
            "term": _term(given.take("metadata")),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        ports = sorted(str(names.reference(port["id"])) for port in listing.ports_of(raw["id"]))
        volumes = [names.reference(entry["id"]) for entry in raw.get("os-extended-volumes:volumes_attached") or []]
        boot = [volume for volume in volumes if volume and volume.startswith(_BOOT_VOLUME_PREFIX)]
        flavor = raw["flavor"]["id"]
        return {
            "name": raw["name"],
            "flavor_id": f"{flavor}, not confirmed" if raw["status"] == _UNCONFIRMED else flavor,
            "image_id": (raw.get("image") or {}).get("id"),
            "port": ", ".join(ports) or _promised(raw, "port"),
            "boot_volume": boot[0] if boot else _promised(raw, "boot") if not raw.get("image") else None,
            "term": _term(raw.get("metadata")),
        }

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        inputs = planned.inputs
        body: dict[str, Any] = {
            "name": inputs["name"],
            "flavorRef": inputs["flavor_id"],
            "networks": [{"port": scene.names.id(inputs["port"])}],
            "metadata": {MARKER_PREFIX: marker},
        }
        if inputs["term"] is not None:
            body["metadata"][TERM_KEY] = str(inputs["term"])
        if inputs["boot_volume"]:
            body["block_device_mapping_v2"] = [_boot_mapping(scene.names.id(inputs["boot_volume"]))]
        else:
            body["imageRef"] = inputs["image_id"]
        try:
            raw = (await scene.cloud.post("compute", "servers", {"server": body}))["server"]
        except CloudRefused as error:
            raise await _cause(scene, planned, error) from error
        return Made(raw["id"], raw)

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        return await find_marked(scene.cloud, "compute", "servers/detail", marker)

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        path = f"servers/{object_id}"
        server = (await scene.cloud.get("compute", path))["server"]
        if server["name"] != planned.inputs["name"]:
            await scene.cloud.put("compute", path, {"server": {"name": planned.inputs["name"]}})
        await _ensure_only_port(scene, object_id, scene.names.id(planned.inputs["port"]))
        seen = partial(_resized, scene, path, planned.inputs["flavor_id"], set())
        await scene.patience.until(seen, f"the new flavor of server {planned.name}")

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        """Nobody waits for the end of a server that Nova says it does not have: a list shows at once who is right.

        Were it believed, the server's port would be deleted next, or another server made in its place.
        """
        if await scene.cloud.delete("compute", f"servers/{object_id}"):
            await scene.servers.until_gone(object_id, f"server {object_id}")
        elif not await scene.servers.is_gone(object_id):
            raise CloudUnavailable(f"OpenStack answers that there is no server {object_id}, and lists it all the same")


async def _ensure_only_port(scene: Scene, server_id: str, port_id: str) -> None:
    """A server has one port, the approved one: attached if it is not, every other taken off."""
    present = await _ports(scene, server_id)
    path = f"servers/{server_id}/os-interface"
    if port_id not in present:
        await scene.cloud.post("compute", path, {"interfaceAttachment": {"port_id": port_id}})
    for other in present - {port_id}:
        await scene.cloud.delete("compute", f"{path}/{other}")
    if present - {port_id}:  # Nova does it in the background
        await scene.patience.until(partial(_has_only, scene, server_id, port_id), f"the only port of {server_id}")


async def _has_only(scene: Scene, server_id: str, port_id: str) -> bool | None:
    return await _ports(scene, server_id) == {port_id} or None


async def _ports(scene: Scene, server_id: str) -> set[str]:
    return {port["id"] for port in await scene.cloud.list("network", "ports", {"device_id": server_id})}


def _promised(raw: Answer, word: str) -> str | None:
    """What a server was ordered with: Nova attaches it a moment later, and never when it found no host."""
    marker = marker_parts((raw.get("metadata") or {}).get(MARKER_PREFIX))
    if raw["status"] not in {"BUILD", "ERROR"} or marker is None:
        return None
    return f"@{word}-{marker[1].removeprefix('server-')}"


def _term(metadata: Any) -> int | str | None:
    """A number as we write it; anything else as it is, so that it differs from every plan."""
    text = metadata.get(TERM_KEY) if isinstance(metadata, dict) else None
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def boot_device() -> dict[str, Any]:
    """How a boot volume is declared to the engine, the volume's id apart."""
    return {"sourceType": "volume", "destinationType": "volume", "bootIndex": 0, "deleteOnTermination": False}


async def wait_until_active(scene: Scene, server_id: str) -> bool | None:
    """True when it is ACTIVE or was stopped, None while it is on its way; ServerFault when Nova gave up."""
    server = (await scene.cloud.get("compute", f"servers/{server_id}"))["server"]
    if server["status"] == "ERROR":
        raise ServerFault(fault_of(server) or "the server went into ERROR")
    return True if server["status"] in {"ACTIVE", "SHUTOFF"} else None


def fault_of(raw: Answer) -> str | None:
    """Nova's own words about a server in ERROR."""
    return (raw.get("fault") or {}).get("message")


def is_stillborn(raw: Answer) -> bool:
    """In ERROR and never started, so it holds nothing. Compute API: until then `OS-SRV-USG:launched_at` is null."""
    return raw.get("status") == "ERROR" and raw.get("OS-SRV-USG:launched_at", "not said") is None


async def _resized(scene: Scene, path: str, flavor_id: str, sent: set[str]) -> bool | None:
    """One step of a resize from wherever it is: start it, confirm it, or see that it is done.

    Each action is sent once: Nova shows the old status for a while, and refuses to do it again.
    """
    server = (await scene.cloud.get("compute", path))["server"]
    status, has_flavor = server["status"], server["flavor"]["id"] == flavor_id
    if status == "ERROR":
        raise ServerFault(fault_of(server) or "the resize failed")
    if status == _UNCONFIRMED:
        await _act(scene, path, {"confirmResize": None} if has_flavor else {"revertResize": None}, sent)
    elif status in {"ACTIVE", "SHUTOFF"} and has_flavor:
        return True
    elif status in {"ACTIVE", "SHUTOFF"} and not server.get("OS-EXT-STS:task_state"):
        await _act(scene, path, {"resize": {"flavorRef": flavor_id}}, sent)
    return None


async def _act(scene: Scene, path: str, action: dict[str, Any], sent: set[str]) -> None:
    name = next(iter(action))
    if name in sent:
        return
    sent.add(name)
    try:
        await scene.cloud.post("compute", f"{path}/action", action)
    except Conflict:  # its state has moved on since we looked: look again
        sent.discard(name)


async def _cause(scene: Scene, planned: PlannedObject, refusal: CloudRefused) -> PlatformError:
    """Nova answers 400 whatever is missing from the catalogue: look what it is."""
    try:
        await scene.cloud.get("compute", f"flavors/{planned.inputs['flavor_id']}")
    except Absent:
        return FlavorMissing(f"the flavor of server {planned.name} is not in the catalogue any more")
    try:
        if image := planned.inputs["image_id"]:
            await scene.cloud.get("image", f"images/{image}")
    except Absent:
        return ImageMissing(f"the image of server {planned.name} is not in the catalogue any more")
    return refusal


def _boot_mapping(volume_id: str) -> dict[str, Any]:
    return {
        "uuid": volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": False,
    }
