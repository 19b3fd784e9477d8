"""What Neutron does with routers and address groups beyond making and deleting them, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from infra.cloud import Answer
from infra.cloud_answers import Conflict
from infra.errors import CloudRefused


class Actions:
    """A part of `FakeCloud`, which finds and keeps the objects."""

    _objects: dict[str, dict[str, Answer]]

    def all(self, collection: str) -> list[Answer]:
        raise NotImplementedError

    def _keep(self, collection: str, raw: Answer) -> Answer:
        raise NotImplementedError

    def _find(self, collection: str, object_id: str) -> Answer:
        raise NotImplementedError

    def _put_action(self, collection: str, raw: Answer, action: str, body: Mapping[str, Any]) -> Answer:
        match action:
            case "add_router_interface":
                return self._add_interface(raw["id"], body)
            case "remove_router_interface":
                port = self._find("ports", body["port_id"])
                self._refuse_if_routed(raw, port)
                self._objects["ports"].pop(port["id"])
            case "add_extraroutes":
                routes = body["router"]["routes"]
                self._refuse_if_unreachable(raw, routes)
                raw["routes"] += [dict(route) for route in routes if route not in raw["routes"]]
            case "remove_extraroutes":
                raw["routes"] = [route for route in raw["routes"] if route not in body["router"]["routes"]]
            case "add_addresses":
                self._refuse_members(
                    body, [one for one in body["address_group"]["addresses"] if one in raw["addresses"]]
                )
                raw["addresses"] = raw["addresses"] + body["address_group"]["addresses"]
            case "remove_addresses":
                gone = body["address_group"]["addresses"]
                self._refuse_members(body, [one for one in gone if one not in raw["addresses"]])
                raw["addresses"] = [one for one in raw["addresses"] if one not in gone]
        return {collection.removesuffix("s").replace("-", "_"): raw}

    @staticmethod
    def _refuse_members(body: Mapping[str, Any], wrong: Sequence[str]) -> None:
        if wrong:
            raise CloudRefused(f"OpenStack refused {body}: {wrong}")

    def _gateway(self, subnet_id: str) -> str:
        return str(self._objects["subnets"].get(subnet_id, {}).get("gateway_ip") or "10.10.1.1")

    def _cidr_of(self, port: Answer) -> IPv4Network:
        return IPv4Network(self._find("subnets", port["fixed_ips"][0]["subnet_id"])["cidr"])

    def _refuse_if_routed(self, router: Answer, port: Answer) -> None:
        if not port["fixed_ips"]:
            return
        cidr = self._cidr_of(port)
        if any(IPv4Address(route["nexthop"]) in cidr for route in router["routes"]):
            raise Conflict("OpenStack refused PUT routers/remove_router_interface: required by one or more routes")

    def _refuse_if_unreachable(self, router: Answer, routes: Sequence[Answer]) -> None:
        legs = [self._cidr_of(port) for port in self.all("ports") if port["device_id"] == router["id"]]
        if not all(any(IPv4Address(route["nexthop"]) in leg for leg in legs) for route in routes):
            raise CloudRefused(
                "OpenStack refused PUT routers/add_extraroutes: the nexthop is not connected with router"
            )

    def _add_interface(self, object_id: str, body: Mapping[str, Any]) -> Answer:
        owner = {"device_id": object_id, "device_owner": "network:router_interface"}
        if "port_id" in body:
            port = self._find("ports", body["port_id"])
            if port["device_id"] not in ("", object_id):
                raise Conflict(f"OpenStack refused: Port {port['id']} is still in use.")
            port |= owner
            return {"port_id": port["id"], "subnet_id": port["fixed_ips"][0]["subnet_id"]}
        leg = {"subnet_id": body["subnet_id"], "ip_address": self._gateway(body["subnet_id"])}
        port = self._keep("ports", {**owner, "network_id": "any", "name": "", "fixed_ips": [leg]})
        return {"port_id": port["id"], "subnet_id": body["subnet_id"]}

    def _refuse_taken_address(self, raw: Mapping[str, Any]) -> None:
        taken = [port["fixed_ips"] for port in self.all("ports") if port.get("fixed_ips")]
        if raw["fixed_ips"] in taken:
            raise Conflict("OpenStack refused POST ports: IP address already allocated in subnet")

    def _refuse_if_used(self, collection: str, object_id: str) -> None:
        ports = self.all("ports")
        subnets = [entry["subnet_id"] for port in ports for entry in port["fixed_ips"]]
        groups = [group for port in ports for group in port.get("security_groups", [])]
        rules = [rule for group in self.all("security-groups") for rule in group["security_group_rules"]]
        users = {
            "networks": [raw["network_id"] for raw in self.all("subnets")] + [port["network_id"] for port in ports],
            "subnets": subnets,
            "security-groups": groups,
            "address-groups": [rule["remote_address_group_id"] for rule in rules],
            "routers": [port["device_id"] for port in ports],
            "volumes": [raw["id"] for raw in self.all("volumes") if raw["status"] == "in-use"],
        }
        if object_id in users.get(collection, []):
            raise Conflict(f"OpenStack refused DELETE {collection}: {object_id} is in use")
