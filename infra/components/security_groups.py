"""All security groups of a request. Groups come before rules, because rules may name any group.

Sets of addresses come before groups: at the end they go after the groups, whose rules name them.
"""

from __future__ import annotations

from typing import Any

from pulumi import ComponentResource, CustomResource, Input, ResourceOptions
from pulumi_openstack.networking import AddressGroupV2, SecGroup

from infra.components.declaration import Declaration
from infra.stackplan import AddressGroupPlan, GroupPlan, RulePlan, StackPlan


class SecurityGroupRules(CustomResource):
    """All rules of one group as one unit: one call, and nothing beside them survives."""

    def __init__(
        self,
        name: str,
        *,
        security_group_id: Input[str],
        rules: list[dict[str, Any]],
        opts: ResourceOptions | None = None,
    ) -> None:
        properties = {"securityGroupId": security_group_id, "rules": rules}
        super().__init__("openstack:networking/securityGroupRules:SecurityGroupRules", name, properties, opts)


class SecurityGroups(ComponentResource):
    """`groups` by the plan's names."""

    def __init__(
        self, name: str, plan: StackPlan, declaration: Declaration, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("kunlun:index:SecurityGroups", name, None, opts)
        self._addresses = {one.name: self._address_group(one, declaration) for one in plan.address_groups}
        self.groups = {group.name: self._group(group, declaration) for group in plan.groups}
        for group in plan.groups:
            SecurityGroupRules(
                f"rules-{group.name}",
                security_group_id=self.groups[group.name].id,
                rules=[self._rule(rule) for rule in group.rules],
                opts=declaration.options(self),
            )
        self.register_outputs({})

    def _address_group(self, plan: AddressGroupPlan, declaration: Declaration) -> AddressGroupV2:
        return AddressGroupV2(
            f"addresses-{plan.name}",
            name=f"{declaration.prefix}-{plan.name}",
            description=declaration.marker(f"addresses-{plan.name}"),
            addresses=sorted(plan.addresses),
            opts=declaration.options(self),
        )

    def _group(self, plan: GroupPlan, declaration: Declaration) -> SecGroup:
        named = {rule.remote_addresses for rule in plan.rules if rule.remote_addresses}
        after = ResourceOptions(depends_on=[self._addresses[name] for name in sorted(named)])
        return SecGroup(
            f"group-{plan.name}",
            name=f"{declaration.prefix}-{plan.name}",
            description=declaration.marker(f"group-{plan.name}"),
            delete_default_rules=True,
            opts=ResourceOptions.merge(declaration.options(self), after),
        )

    def _rule(self, rule: RulePlan) -> dict[str, Any]:
        group = self.groups[rule.remote_group] if rule.remote_group else None
        addresses = self._addresses[rule.remote_addresses] if rule.remote_addresses else None
        return {
            "direction": rule.direction,
            "protocol": rule.protocol,
            "portFirst": rule.port_first,
            "portLast": rule.port_last,
            "remoteCidr": rule.remote_cidr,
            "remoteGroupId": group.id if group else None,
            **({"remoteAddressGroupId": addresses.id} if addresses else {}),
        }
