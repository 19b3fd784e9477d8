"""All rules of one security group as one unit: one bulk POST, and no rule outside the plan survives.

It has no marker of its own: it is ours because its group is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rfc8785

from infra.cloud import Answer
from infra.cloud_answers import Conflict
from infra.planned import PlannedObject
from infra.provider.resource import Given, Inputs, Listing, Made, Names, Scene
from infra.stackplan import Kind

_ETHERTYPE = "IPv4"
_ID_SUFFIX = "/rules"


class SecurityGroupRules:
    """Its update is its creation: whatever is there is compared with the plan."""

    kind = Kind.SECURITY_GROUP_RULES
    pulumi_type = "openstack:networking/securityGroupRules:SecurityGroupRules"
    replaced_by = frozenset({"securityGroupId"})

    def marker_of(self, given: Given) -> str | None:
        return None

    def declared(self, given: Given, names: Names) -> Inputs:
        return {
            "group": names.reference(given.take("securityGroupId")),
            "rules": _sorted(_declared_rule(Given(rule), names) for rule in given.take("rules") or []),
        }

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        rules = raw.get("security_group_rules") or []
        return {"group": names.reference(raw["id"]), "rules": _sorted(_live_rule(rule, names) for rule in rules)}

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        group = scene.names.id(planned.inputs["group"])
        fresh = scene.made.get(group)  # made in this very pass: its answer shows all its rules
        await _ensure_rules(scene, planned, group, fresh["security_group_rules"] if fresh else None)
        return Made(rules_id(group), {})

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        """After an unknown outcome the difference is simply made again: it is idempotent."""
        group = scene.names.id(planned.inputs["group"])
        await _ensure_rules(scene, planned, group, None)
        return Made(rules_id(group), {})

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        await _ensure_rules(scene, planned, object_id.removesuffix(_ID_SUFFIX), None)

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        """The rules go with their group."""


def rules_id(group_id: str) -> str:
    """The id this provider gives to the rules of a group."""
    return group_id + _ID_SUFFIX


async def _ensure_rules(scene: Scene, planned: PlannedObject, group: str, present: list[Answer] | None) -> None:
    if present is None:
        present = await _listed(scene, group)
    try:
        await _apply(scene, planned, group, present)
    except Conflict:  # somebody added a rule in between: look again, once
        await _apply(scene, planned, group, await _listed(scene, group))


async def _listed(scene: Scene, group: str) -> list[Answer]:
    return await scene.cloud.list("network", "security-group-rules", {"security_group_id": group})


async def _apply(scene: Scene, planned: PlannedObject, group: str, present: list[Answer]) -> None:
    wanted: list[Inputs] = planned.inputs["rules"]
    live = [_live_rule(rule, scene.names) for rule in present]
    surplus = [raw["id"] for raw, rule in zip(present, live, strict=True) if rule not in wanted]
    missing = [_body(rule, group, scene.names) for rule in wanted if rule not in live]
    if missing:
        await scene.cloud.post("network", "security-group-rules", {"security_group_rules": missing})
    for rule_id in surplus:
        await scene.cloud.delete("network", f"security-group-rules/{rule_id}")


def _declared_rule(given: Given, names: Names) -> Inputs:
    group = given.take("remoteGroupId") or given.take("remoteAddressGroupId")
    rule = {
        "direction": given.take("direction"),
        "protocol": given.take("protocol"),
        "port_first": given.take("portFirst"),
        "port_last": given.take("portLast"),
        "remote": names.reference(group) if group else given.take("remoteCidr"),
    }
    return rule | dict.fromkeys(given.left(), "unexpected")


def _live_rule(raw: Answer, names: Names) -> Inputs:
    group, addresses = raw.get("remote_group_id"), raw.get("remote_address_group_id")
    known = names.reference(addresses)
    if addresses and known != addresses and not group and not raw.get("remote_ip_prefix"):
        group, addresses = addresses, None
    rule = {
        "direction": raw["direction"],
        "protocol": raw.get("protocol"),
        "port_first": raw.get("port_range_min"),
        "port_last": raw.get("port_range_max"),
        "remote": names.reference(group) if group else raw.get("remote_ip_prefix"),
    }
    if raw.get("ethertype", _ETHERTYPE) != _ETHERTYPE:
        rule["ethertype"] = raw["ethertype"]
    if addresses:
        rule["address_group"] = addresses
    return rule


def _body(rule: Inputs, group: str, names: Names) -> dict[str, Any]:
    remote: str | None = rule["remote"]
    return {
        "security_group_id": group,
        "ethertype": _ETHERTYPE,
        "direction": rule["direction"],
        "protocol": rule["protocol"],
        "port_range_min": rule["port_first"],
        "port_range_max": rule["port_last"],
        **_remote_body(remote, names),
    }


def _remote_body(remote: str | None, names: Names) -> dict[str, str | None]:
    match (remote or "").partition("-")[0]:
        case "@group":
            return {"remote_group_id": names.id(remote or "")}
        case "@addresses":
            return {"remote_address_group_id": names.id(remote or "")}
        case _:
            return {"remote_ip_prefix": remote}


def _sorted(rules: Iterable[Inputs]) -> list[Inputs]:
    return sorted(rules, key=rfc8785.dumps)
