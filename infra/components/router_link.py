"""The way from another request's servers to ours: a network of its own between the two routers."""

from __future__ import annotations

from ipaddress import IPv4Network

from pulumi import ComponentResource, Input, Resource, ResourceOptions
from pulumi_openstack.networking import Network, Port, RouterInterface, RouterRoutesV2, Subnet

from infra.components.request_router import RequestRouter
from infra.declared import SERVICE_FIRST, SERVICE_LAST, Crossing, Side
from infra.provider.observed import Observed
from infra.stackplan import LinkPlan


class RouterLink(ComponentResource):
    """What needs the other's router is declared when that router is there (see `Observed.reaches`)."""

    def __init__(
        self,
        name: str,
        plan: LinkPlan,
        *,
        router: RequestRouter,
        observed: Observed,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("kunlun:index:RouterLink", name, None, opts)
        self._plan, self._name, self._observed = plan, f"link.{plan.request}", observed
        self._declaration = router.declaration
        self._full_name = f"{self._declaration.prefix}-{plan.request}"
        self._crossing = Crossing(IPv4Network(plan.transit))
        self._network = self._made_network()
        self._subnet = self._made_subnet()
        self._side("near", router.router.id)
        self._side("far", observed.routers.get(plan.uid, ""))
        self.register_outputs({})

    def _made_network(self) -> Network:
        name = f"network-{self._name}"
        return Network(
            name,
            name=self._full_name,
            description=self._declaration.marker(name),
            opts=self._declaration.options(self),
        )

    def _made_subnet(self) -> Subnet:
        name, transit = f"subnet-{self._name}", self._crossing.transit
        return Subnet(
            name,
            name=self._full_name,
            description=self._declaration.marker(name),
            network_id=self._network.id,
            cidr=self._plan.transit,
            ip_version=4,
            no_gateway=True,
            enable_dhcp=False,
            allocation_pools=[{"start": str(transit[SERVICE_FIRST]), "end": str(transit[SERVICE_LAST])}],
            opts=self._declaration.options(self),
        )

    def _side(self, side: Side, router_id: Input[str]) -> None:
        if not self._is_reached(f"port-{self._name}.{side}"):
            return
        port = self._port(side)
        name = f"interface-{self._name}.{side}"
        if not self._is_reached(name):
            return
        interface = RouterInterface(name, router_id=router_id, port_id=port.id, opts=self._declaration.options(self))
        if self._is_reached(f"routes-{self._name}.{side}"):
            self._routes(side, router_id, interface)

    def _is_reached(self, name: str) -> bool:
        return self._observed.reaches(self._declaration.planned(name))

    def _port(self, side: Side) -> Port:
        name = f"port-{self._name}.{side}"
        return Port(
            name,
            name=f"{self._full_name}-{side}",
            description=self._declaration.marker(name),
            network_id=self._network.id,
            fixed_ips=[{"subnet_id": self._subnet.id, "ip_address": self._crossing.address(side)}],
            security_group_ids=[],
            opts=self._declaration.options(self),
        )

    def _routes(self, side: Side, router_id: Input[str], interface: Resource) -> None:
        RouterRoutesV2(
            f"routes-{self._name}.{side}",
            router_id=router_id,
            routes=[
                {"destination_cidr": route["destination"], "next_hop": route["nexthop"]}
                for route in self._crossing.routes(self._plan, side)
            ],
            opts=ResourceOptions.merge(self._declaration.options(self), ResourceOptions(depends_on=[interface])),
        )
