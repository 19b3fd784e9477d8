"""Every kind the provider knows, by kind and by Pulumi type."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

from infra.provider.address_group import AddressGroup
from infra.provider.floating_ip import FloatingIp
from infra.provider.network import Network
from infra.provider.port import Port
from infra.provider.resource import Resource
from infra.provider.router import Router
from infra.provider.router_interface import RouterInterface
from infra.provider.router_routes import RouterRoutes
from infra.provider.security_group import SecurityGroup
from infra.provider.security_group_rules import SecurityGroupRules
from infra.provider.server import Server
from infra.provider.subnet import Subnet
from infra.provider.volume import Volume
from infra.provider.volume_attachment import VolumeAttachment
from infra.stackplan import Kind

_ALL: tuple[Resource, ...] = (
    Router(),
    Network(),
    Subnet(),
    RouterInterface(),
    RouterRoutes(),
    AddressGroup(),
    SecurityGroup(),
    SecurityGroupRules(),
    Port(),
    FloatingIp(),
    Volume(),
    Server(),
    VolumeAttachment(),
)

BY_KIND: Mapping[Kind, Resource] = {resource.kind: resource for resource in _ALL}
BY_PULUMI_TYPE: Mapping[str, Resource] = {resource.pulumi_type: resource for resource in _ALL}

GONE_BEFORE: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.VOLUME_ATTACHMENT: (),
    Kind.FLOATING_IP: (),
    Kind.ROUTER_ROUTES: (),
    Kind.SECURITY_GROUP_RULES: (),
    Kind.SERVER: (Kind.VOLUME_ATTACHMENT,),
    # Neutron keeps a router's leg while an address or a route leads through it.
    Kind.ROUTER_INTERFACE: (Kind.FLOATING_IP, Kind.ROUTER_ROUTES),
    Kind.PORT: (Kind.SERVER, Kind.FLOATING_IP, Kind.ROUTER_INTERFACE),
    Kind.VOLUME: (Kind.SERVER, Kind.VOLUME_ATTACHMENT),
    Kind.SUBNET: (Kind.PORT, Kind.ROUTER_INTERFACE),
    Kind.NETWORK: (Kind.SUBNET,),
    Kind.SECURITY_GROUP: (Kind.PORT, Kind.SECURITY_GROUP_RULES),
    Kind.ADDRESS_GROUP: (Kind.SECURITY_GROUP,),
    Kind.ROUTER: (Kind.ROUTER_INTERFACE, Kind.ROUTER_ROUTES),
}
"""What of a request has to be gone before a kind of it can go; kinds that are not joined here go at the same time."""

REMOVAL_ORDER: tuple[Kind, ...] = tuple(TopologicalSorter(GONE_BEFORE).static_order())
"""An order in which any set of our objects can be deleted, kind by kind."""
