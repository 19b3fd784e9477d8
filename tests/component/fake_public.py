"""Public addresses of the cloud in memory: who may have one, and what becomes of it when its port goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from infra.cloud import Answer
from infra.cloud_answers import Absent, Conflict


def give_address(raw: Answer, number: int, *, floating: Collection[Answer], ports: Mapping[str, Answer]) -> None:
    """As Neutron does: an address of the uplink, for a port that a router reaches and that has none yet."""
    port = ports[raw["port_id"]]
    subnets = {entry["subnet_id"] for entry in port["fixed_ips"]}
    legs = [leg for leg in ports.values() if str(leg.get("device_owner", "")).startswith("network:router_interface")]
    if not any(entry["subnet_id"] in subnets for leg in legs for entry in leg["fixed_ips"]):
        raise Absent(f"OpenStack refused: External network {raw['floating_network_id']} is not reachable from subnet")
    if any(one["port_id"] == raw["port_id"] for one in floating):
        raise Conflict("OpenStack refused: the fixed IP already has a floating IP")
    raw |= {"floating_ip_address": f"198.51.100.{number}", "status": "ACTIVE"}


def let_go(floating: Collection[Answer], port_id: str) -> None:
    """A port that is deleted leaves its public address behind, on no port."""
    for one in floating:
        one["port_id"] = None if one["port_id"] == port_id else one["port_id"]
