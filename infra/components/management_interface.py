"""The router's place in its zone's management network: the way by which guests are configured."""

from __future__ import annotations

from pulumi import ComponentResource, ResourceOptions
from pulumi_openstack.networking import Port, RouterInterface

from infra.components.request_router import RequestRouter
from infra.stackplan import ManagementPlan


class ManagementInterface(ComponentResource):
    """Its network is the provider's; only the port and its place on the router are the request's."""

    def __init__(
        self, name: str, plan: ManagementPlan, *, router: RequestRouter, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("kunlun:index:ManagementInterface", name, None, opts)
        declaration = router.declaration
        port = Port(
            f"port-{name}",
            name=f"{declaration.prefix}-management",
            description=declaration.marker(f"port-{name}"),
            network_id=plan.network_id,
            fixed_ips=[{"subnet_id": plan.subnet_id, "ip_address": plan.address}],
            security_group_ids=[],
            opts=declaration.options(self),
        )
        RouterInterface(
            f"interface-{name}", router_id=router.router.id, port_id=port.id, opts=declaration.options(self)
        )
        self.register_outputs({})
