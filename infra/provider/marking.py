"""Writing our marker onto an object that exists, and taking it off again: what import and release consist of.

Networking API v2: `description` of every object. Compute API and Block Storage API v3: one key of `metadata`,
beside whatever people keep there. Nova changes metadata only of a server that is at rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from infra.cloud import Service
from infra.cloud_answers import Absent
from infra.provider.resource import CloudCalls
from infra.provider.volume import IMAGE_KEY
from infra.stackplan import MARKER_PREFIX, Kind

_DESCRIBED: Mapping[Kind, tuple[str, str]] = {
    Kind.ROUTER: ("routers", "router"),
    Kind.NETWORK: ("networks", "network"),
    Kind.SUBNET: ("subnets", "subnet"),
    Kind.SECURITY_GROUP: ("security-groups", "security_group"),
    Kind.ADDRESS_GROUP: ("address-groups", "address_group"),
    Kind.PORT: ("ports", "port"),
    Kind.FLOATING_IP: ("floatingips", "floatingip"),
}
_ANNOTATED: Mapping[Kind, tuple[Service, str]] = {
    Kind.VOLUME: ("volume", "volumes"),
    Kind.SERVER: ("compute", "servers"),
}
MARKED = frozenset({*_DESCRIBED, *_ANNOTATED})
"""Kinds with a marker of their own; the others are ours because both their ends are."""


async def write_marker(cloud: CloudCalls, kind: Kind, object_id: str, text: str) -> None:
    """Makes the object ours. Raises Absent when there is none. Idempotent."""
    if kind in _DESCRIBED:
        await _describe(cloud, kind, object_id, text)
    else:
        service, collection = _ANNOTATED[kind]
        await cloud.post(service, f"{collection}/{object_id}/metadata", {"metadata": {MARKER_PREFIX: text}})


async def take_marker_off(cloud: CloudCalls, kind: Kind, object_id: str) -> None:
    """Makes the object nobody's, and leaves everything else about it alone. Absence is success. Idempotent."""
    if kind in _DESCRIBED:
        try:
            await _describe(cloud, kind, object_id, "")
        except Absent:
            return
    else:
        service, collection = _ANNOTATED[kind]
        keys = (IMAGE_KEY, MARKER_PREFIX) if kind is Kind.VOLUME else (MARKER_PREFIX,)  # ours goes last: it finds it
        for key in keys:
            await cloud.delete(service, f"{collection}/{object_id}/metadata/{key}")


async def _describe(cloud: CloudCalls, kind: Kind, object_id: str, text: str) -> None:
    collection, member = _DESCRIBED[kind]
    await cloud.put("network", f"{collection}/{object_id}", {member: {"description": text}})
