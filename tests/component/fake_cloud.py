"""An OpenStack in memory with the few calls the provider makes, their shapes and their refusals.

The shapes were recorded from Neutron 29, Nova 34 and Cinder 29. What is in use cannot be deleted, as there, so a wrong
order of deletions fails here too. `log` is every change, in order, as "POST networks" or "DELETE ports/port-3".
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.cloud import Answer, Query, Service
from infra.cloud_answers import Absent, Conflict, OutcomeUnknown
from tests.component.fake_actions import Actions
from tests.component.fake_public import give_address, let_go

DEFAULT_RULES = (
    {"direction": "egress", "ethertype": "IPv4"},
    {"direction": "egress", "ethertype": "IPv6"},
)
RULE_FIELDS = (
    "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id", "remote_address_group_id",
)  # fmt: skip
SINGULAR = {
    "routers": "router",
    "networks": "network",
    "subnets": "subnet",
    "security-groups": "security_group",
    "address-groups": "address_group",
    "ports": "port",
    "servers": "server",
    "volumes": "volume",
    "floatingips": "floatingip",
}


class FakeCloud(Actions):
    """One project. `before` and `after` are called around every change with its log line, and may raise."""

    project_id: str | None = "project-1"

    def __init__(self, *, default_rules: bool = False) -> None:
        self.log: list[str] = []
        self.new_server_status = "ACTIVE"
        self.catalogue = {"images/image-12", "flavors/flavor-small"}
        self.reads: list[str] = []
        self.before: Callable[[str], None] = lambda line: None
        self.after: Callable[[str], None] = lambda line: None
        self._default_rules = DEFAULT_RULES if default_rules else ()
        self._numbers = itertools.count(1)
        self._objects: dict[str, dict[str, Answer]] = {name: {} for name in SINGULAR}

    def project(self, project_id: str) -> FakeCloud:
        """It is its own `Clouds`, too."""
        return self

    def beside(self, project_id: str | None) -> FakeCloud:
        """The same cloud in the scope of another project, or of all."""
        other = copy.copy(self)
        other.project_id = project_id
        return other

    def all(self, collection: str) -> list[Answer]:
        """The objects of one collection, oldest first; a test may change them."""
        return list(self._objects[collection].values())

    def count(self) -> dict[str, int]:
        """How many objects of each collection there are."""
        return {name: len(found) for name, found in self._objects.items() if found}

    def duplicate(self, collection: str, index: int = 0) -> Answer:
        """A second object with everything the first has, its marker included: a twin."""
        twin = copy.deepcopy(self.all(collection)[index])
        return self._keep(collection, twin)

    def add(self, collection: str, **raw: Any) -> Answer:
        """An object that somebody else made."""
        return self._keep(collection, raw)

    def forget(self, collection: str, object_id: str) -> Answer:
        """Takes an object away as if somebody else had deleted it; a server's port becomes free."""
        gone = self._objects[collection].pop(object_id)
        if collection == "servers":
            self._release(gone)
        return gone

    async def has(self, service: Service) -> bool:
        return True

    async def list(self, service: Service, path: str, query: Query | None = None) -> list[Answer]:
        self.reads.append(path)
        collection = path.removesuffix("/detail")
        if collection == "security-group-rules":
            group = self._objects["security-groups"][str((query or {})["security_group_id"])]
            return copy.deepcopy(group["security_group_rules"])
        found = copy.deepcopy(self.all(collection))
        wanted = {
            key: value for key, value in (query or {}).items() if key in {"device_id", "id", "project_id", "status"}
        }
        return [raw for raw in found if all(raw.get(key) == value for key, value in wanted.items())]

    async def get(
        self, service: Service, path: str, query: Query | None = None, *, microversion: str | None = None
    ) -> Answer:
        self.reads.append(path)
        collection, object_id, *rest = path.split("/")
        if collection in {"images", "flavors"}:
            if path not in self.catalogue:
                raise Absent(f"OpenStack refused: no {path}")
            return {}
        if rest[:1] == ["os-volume_attachments"]:
            attached = self._find(collection, object_id)["os-extended-volumes:volumes_attached"]
            if {"id": rest[1]} not in attached:
                raise Absent("OpenStack refused: no such attachment")
            return {"volumeAttachment": {"volumeId": rest[1]}}
        return {SINGULAR[collection]: copy.deepcopy(self._find(collection, object_id))}

    async def post(
        self, service: Service, path: str, body: Mapping[str, Any], *, microversion: str | None = None
    ) -> Answer:
        return self._changed(f"POST {path}", lambda: self._post(path, body))

    async def put(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        return self._changed(f"PUT {path}", lambda: self._put(path, body))

    async def delete(self, service: Service, path: str) -> bool:
        collection, object_id, *_ = path.split("/")
        known = object_id in self._objects.get(collection, {object_id: {}})
        self._changed(f"DELETE {path}", lambda: self._delete(path))
        return known

    def _changed(self, line: str, change: Callable[[], Answer]) -> Answer:
        self.before(line)
        answer = change()
        self.log.append(line)
        self.after(line)
        return copy.deepcopy(answer)

    def _post(self, path: str, body: Mapping[str, Any]) -> Answer:
        collection, *rest = path.split("/")
        if collection == "security-group-rules":
            return {"security_group_rules": [self._add_rule(rule) for rule in body["security_group_rules"]]}
        if rest[1:]:
            return self._part(collection, rest[0], rest[1], body)
        if collection in body:
            for one in body[collection]:  # all or nothing
                self._refuse_taken_address(one)
            return {collection: [self._keep(collection, dict(one)) for one in body[collection]]}
        member = SINGULAR[collection]
        return {member: self._keep(collection, dict(body[member]))}

    def _part(self, collection: str, object_id: str, part: str, body: Mapping[str, Any]) -> Answer:
        match part:
            case "metadata":
                self._find(collection, object_id)["metadata"] |= body["metadata"]
            case "os-interface":
                self._find("ports", body["interfaceAttachment"]["port_id"])["device_id"] = object_id
            case "os-volume_attachments":
                return self._attach(object_id, body["volumeAttachment"]["volumeId"])
            case _:
                return self._act(object_id, body)
        return {}

    def _keep(self, collection: str, raw: Answer) -> Answer:
        number = next(self._numbers)
        raw |= {
            "id": f"{SINGULAR[collection]}-{number}",
            "created_at": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
        }
        raw.setdefault("project_id", self.project_id)
        match collection:
            case "routers":
                raw.setdefault("routes", [])
            case "ports":
                self._refuse_taken_address(raw)
                raw.setdefault("device_id", "")
            case "security-groups":
                raw["security_group_rules"] = []
                for rule in self._default_rules:
                    self._add_rule({**rule, "security_group_id": raw["id"]}, raw)
            case "floatingips":
                give_address(raw, number, floating=self.all(collection), ports=self._objects["ports"])
            case "servers":
                self._boot(raw)
            case "volumes":
                raw |= {"status": "available", "volume_image_metadata": {"image_id": raw.pop("imageRef", None)}}
        self._objects[collection][raw["id"]] = raw
        return raw

    def _boot(self, raw: Answer) -> None:
        port = self._find("ports", raw.pop("networks")[0]["port"])
        if port["device_id"]:
            raise Conflict(f"OpenStack refused POST servers: Port {port['id']} is still in use.")
        port["device_id"] = raw["id"]
        mappings = raw.pop("block_device_mapping_v2", [])
        image = raw.pop("imageRef", None)
        raw |= {
            "status": self.new_server_status,
            "OS-SRV-USG:launched_at": "2026-01-01T00:00:00" if self.new_server_status == "ACTIVE" else None,
            "flavor": {"id": raw.pop("flavorRef")},
            "image": {"id": image} if image else "",
            "os-extended-volumes:volumes_attached": [],
        }
        for mapping in mappings:
            self._attach_to(raw, mapping["uuid"])

    def _attach(self, server_id: str, volume_id: str) -> Answer:
        self._attach_to(self._find("servers", server_id), volume_id)
        return {"volumeAttachment": {"volumeId": volume_id}}

    def _attach_to(self, server: Answer, volume_id: str) -> None:
        volume = self._find("volumes", volume_id)
        if volume["status"] != "available":
            raise Conflict(f"OpenStack refused an attachment: volume {volume_id} is {volume['status']}")
        volume["status"] = "in-use"
        server["os-extended-volumes:volumes_attached"].append({"id": volume_id})

    def _add_rule(self, rule: Mapping[str, Any], group: Answer | None = None) -> Answer:
        kept = {**dict.fromkeys(RULE_FIELDS), **rule, "id": f"rule-{next(self._numbers)}"}
        (group or self._find("security-groups", rule["security_group_id"]))["security_group_rules"].append(kept)
        return kept

    def _act(self, server_id: str, body: Mapping[str, Any]) -> Answer:
        server = self._find("servers", server_id)
        match body:
            case {"resize": {"flavorRef": flavor}}:
                server |= {"flavor": {"id": flavor}, "status": "VERIFY_RESIZE"}
            case {"confirmResize": None} if server["status"] == "VERIFY_RESIZE":
                server["status"] = "ACTIVE"
            case {"os-stop": None} | {"os-start": None}:
                server["status"] = "SHUTOFF" if "os-stop" in body else "ACTIVE"
            case _:
                raise Conflict(f"OpenStack refused {body}")
        return {}

    def _put(self, path: str, body: Mapping[str, Any]) -> Answer:
        collection, object_id, *action = path.split("/")
        raw = self._find(collection, object_id)
        if action:
            return self._put_action(collection, raw, action[0], body)
        raw |= body[SINGULAR[collection]]
        return {SINGULAR[collection]: raw}

    def _delete(self, path: str) -> Answer:
        collection, object_id, *rest = path.split("/")
        if collection == "security-group-rules":
            for group in self.all("security-groups"):
                group["security_group_rules"] = [one for one in group["security_group_rules"] if one["id"] != object_id]
        elif rest[:1] == ["metadata"]:
            self._find(collection, object_id)["metadata"].pop(rest[1], None)
        elif rest[:1] == ["os-volume_attachments"]:
            self._detach(self._find("servers", object_id), rest[1])
        elif rest[:1] == ["os-interface"]:
            self._find("ports", rest[1])["device_id"] = ""
        elif object_id in self._objects[collection]:
            self._refuse_if_used(collection, object_id)
            let_go(self.all("floatingips"), object_id)
            gone = self._objects[collection].pop(object_id)
            if collection == "servers":
                self._release(gone)
        return {}

    def _release(self, server: Answer) -> None:
        for port in self.all("ports"):
            port["device_id"] = "" if port["device_id"] == server["id"] else port["device_id"]
        for entry in list(server["os-extended-volumes:volumes_attached"]):
            self._detach(server, entry["id"])

    def _detach(self, server: Answer, volume_id: str) -> None:
        server["os-extended-volumes:volumes_attached"].remove({"id": volume_id})
        self._find("volumes", volume_id)["status"] = "available"

    def _find(self, collection: str, object_id: str) -> Answer:
        try:
            return self._objects[collection][object_id]
        except KeyError:
            raise Absent(f"OpenStack refused: no {SINGULAR[collection]} {object_id}") from None


def lost_answer(line: str) -> Callable[[str], None]:
    """Raises OutcomeUnknown at the first change whose log line matches the pattern."""
    pending = [re.compile(line)]

    def at(seen: str) -> None:
        if pending and pending[0].fullmatch(seen):
            pending.clear()
            raise OutcomeUnknown("the connection broke")

    return at
