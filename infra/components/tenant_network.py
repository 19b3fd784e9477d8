"""A network, its one subnet, and the subnet's place on the router."""

from __future__ import annotations

from pulumi import ComponentResource, ResourceOptions
from pulumi_openstack.networking import Network, RouterInterface, Subnet

from infra.components.request_router import RequestRouter
from infra.stackplan import NetworkPlan


class TenantNetwork(ComponentResource):
    """The prefix is an exact part of the zone's subnet pool, so it tells the zone."""

    def __init__(
        self,
        name: str,
        plan: NetworkPlan,
        *,
        router: RequestRouter,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("kunlun:index:TenantNetwork", name, None, opts)
        self.declaration = declaration = router.declaration
        full_name = f"{declaration.prefix}-{plan.name}"
        self.network = Network(
            f"network-{plan.name}",
            name=full_name,
            description=declaration.marker(f"network-{plan.name}"),
            opts=declaration.options(self),
        )
        self.subnet = Subnet(
            f"subnet-{plan.name}",
            name=full_name,
            description=declaration.marker(f"subnet-{plan.name}"),
            network_id=self.network.id,
            subnetpool_id=plan.subnet_pool_id,
            cidr=plan.cidr,
            ip_version=4,
            gateway_ip=plan.gateway,
            allocation_pools=[{"start": plan.service_first, "end": plan.service_last}],
            opts=declaration.options(self),
        )
        RouterInterface(
            f"interface-{plan.name}",
            router_id=router.router.id,
            subnet_id=self.subnet.id,
            opts=declaration.options(self),
        )
        self.register_outputs({})
