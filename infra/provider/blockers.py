"""Who stands in the way of a deletion: OpenStack says that something is in use, not by what."""

from __future__ import annotations

from collections.abc import Iterator

from infra.cloud import Answer
from infra.errors import KunlunError
from infra.provider.resource import CloudCalls
from infra.stackplan import Kind

SHOWN = 5
_GO_ALONG = {"network:dhcp", "network:distributed", "network:router_gateway"}  # Neutron removes these itself
_QUERIES = {Kind.NETWORK: "network_id", Kind.ROUTER: "device_id", Kind.SUBNET: None, Kind.SECURITY_GROUP: None}


async def blockers(cloud: CloudCalls, kind: Kind, object_id: str) -> str:
    """`port "printer" (1f…, of server 2c…)`, several joined; empty when nothing is seen. Never raises what it meets."""
    if kind not in _QUERIES:
        return ""
    key = _QUERIES[kind]
    try:
        ports = await cloud.list("network", "ports", {key: object_id} if key else None)
    except KunlunError:  # the refusal itself is what has to be told
        return ""
    blocking = [port for port in ports if port.get("device_owner") not in _GO_ALONG and object_id in _used_by(port)]
    words = [_described(port) for port in blocking]
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def _used_by(port: Answer) -> Iterator[str]:
    yield from (str(port.get(key, "")) for key in ("network_id", "device_id"))
    yield from (entry["subnet_id"] for entry in port.get("fixed_ips") or [])
    yield from port.get("security_groups") or []


def _described(port: Answer) -> str:
    device = f", of {port['device_id']}" if port.get("device_id") else ""
    name = f'"{port["name"]}" ' if port.get("name") else ""
    return f"port {name}({port['id']}{device})"
