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
        self.declaration = router.declaration
        self.uplink_id = router.uplink_id
        self._plan = plan
        self._full_name = f"{self.declaration.prefix}-{plan.name}"
        self.network = self._network()
        self.subnet = self._subnet()
        self.interface = RouterInterface(
            f"interface-{plan.name}",
            router_id=router.router.id,
            subnet_id=self.subnet.id,
            opts=self.declaration.options(self),
        )
        self.register_outputs({})

    def _network(self) -> Network:
        name = f"network-{self._plan.name}"
        return Network(
            name,
            name=self._full_name,
            description=self.declaration.marker(name),
            opts=self.declaration.options(self),
        )

    def _subnet(self) -> Subnet:
        name = f"subnet-{self._plan.name}"
        return Subnet(
            name,
            name=self._full_name,
            description=self.declaration.marker(name),
            network_id=self.network.id,
            subnetpool_id=self._plan.subnet_pool_id,
            cidr=self._plan.cidr,
            ip_version=4,
            gateway_ip=self._plan.gateway,
            allocation_pools=[{"start": self._plan.service_first, "end": self._plan.service_last}],
            opts=self.declaration.options(self),
        )
