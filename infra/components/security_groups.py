"""All security groups of a request. Groups come before rules, because rules may name any group."""

from __future__ import annotations

from typing import Any

from pulumi import ComponentResource, CustomResource, Input, ResourceOptions
from pulumi_openstack.networking import SecGroup

from infra.components.declaration import Declaration
from infra.stackplan import GroupPlan, RulePlan


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
        self, name: str, plans: tuple[GroupPlan, ...], declaration: Declaration, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("kunlun:index:SecurityGroups", name, None, opts)
        self.groups = {plan.name: self._group(plan, declaration) for plan in plans}
        for plan in plans:
            SecurityGroupRules(
                f"rules-{plan.name}",
                security_group_id=self.groups[plan.name].id,
                rules=[self._rule(rule) for rule in plan.rules],
                opts=declaration.options(self),
            )
        self.register_outputs({})

    def _group(self, plan: GroupPlan, declaration: Declaration) -> SecGroup:
        return SecGroup(
            f"group-{plan.name}",
            name=f"{declaration.prefix}-{plan.name}",
            description=declaration.marker(f"group-{plan.name}"),
            delete_default_rules=True,
            opts=declaration.options(self),
        )

    def _rule(self, rule: RulePlan) -> dict[str, Any]:
        group = self.groups[rule.remote_group] if rule.remote_group else None
        return {
            "direction": rule.direction,
            "protocol": rule.protocol,
            "portFirst": rule.port_first,
            "portLast": rule.port_last,
            "remoteCidr": rule.remote_cidr,
            "remoteGroupId": group.id if group else None,
        }
