"""The zones in Neutron: each has its address scope, its subnet pool and its uplink, shared with nobody.

Every object is looked up by name and made when missing, so this may be interrupted anywhere and run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.sandbox.cloud.site import HOST
from infra.sandbox.cloud.zonefacts import ManagementFacts, ZoneFacts

if TYPE_CHECKING:
    from openstack.connection import Connection

# What a department may ask for (a request's prefixLength), and the uplink, which is larger.
SSH = 22
LARGEST_PREFIX, DEFAULT_PREFIX, SMALLEST_PREFIX = 16, 26, 29


def ensure_zones(cloud: Connection, zones: tuple[ZoneFacts, ...], keeper: str) -> None:
    """All zones, and no default security group rules: a new group starts empty both ways.

    `keeper` is the id of the project that uplinks are shared with from the start: the operator's own.
    """
    for zone in zones:
        ensure_zone(cloud, zone, keeper)
    for rule in cloud.network.default_security_group_rules():
        cloud.network.delete_default_security_group_rule(rule)


def ensure_zone(cloud: Connection, zone: ZoneFacts, keeper: str) -> None:
    """One zone; in this order, since each part refers to the one before."""
    network = cloud.network
    scope = network.find_address_scope(zone.subnet_pool) or network.create_address_scope(
        name=zone.subnet_pool, ip_version=4, shared=False
    )
    pool = network.find_subnet_pool(zone.subnet_pool) or network.create_subnet_pool(
        name=zone.subnet_pool,
        prefixes=list(zone.prefixes),
        default_prefixlen=DEFAULT_PREFIX,
        min_prefixlen=LARGEST_PREFIX,
        max_prefixlen=SMALLEST_PREFIX,
        address_scope_id=scope.id,
        shared=False,
    )
    uplink = network.find_network(zone.uplink) or network.create_network(
        name=zone.uplink,
        provider_network_type="flat",
        provider_physical_network=zone.physical_network,
        is_router_external=True,
    )
    if not list(network.subnets(network_id=uplink.id)):
        network.create_subnet(name=zone.uplink, network_id=uplink.id, **uplink_subnet(zone, pool.id))
    withdraw_from_everybody(cloud, uplink.id, keeper)
    if zone.management is not None:
        ensure_management(cloud, zone.management)


def ensure_management(cloud: Connection, facts: ManagementFacts) -> None:
    """The network from which guests are configured, and the operator's port in it, which may open SSH and nothing else.

    No gateway and no DHCP: who is in it is a tenant's router or the operator.
    """
    network, name = cloud.network, facts.network
    known = network.find_network(name) or network.create_network(name=name)
    subnet = network.find_subnet(name) or network.create_subnet(
        name=name, network_id=known.id, ip_version=4, cidr=facts.prefix, gateway_ip=None, is_dhcp_enabled=False
    )
    group = network.find_security_group(name) or network.create_security_group(name=name)
    rules = list(network.security_group_rules(security_group_id=group.id))
    if not any(rule.port_range_min == SSH for rule in rules):
        network.create_security_group_rule(
            security_group_id=group.id,
            direction="egress",
            ether_type="IPv4",
            protocol="tcp",
            port_range_min=SSH,
            port_range_max=SSH,
        )
    for rule in rules:
        if rule.port_range_min != SSH:
            network.delete_security_group_rule(rule)
    if not list(network.ports(network_id=known.id, name=name)):
        network.create_port(
            name=name,
            network_id=known.id,
            fixed_ips=[{"subnet_id": subnet.id, "ip_address": facts.operator}],
            security_group_ids=[group.id],
            device_owner="compute:operator",
            binding_host_id=HOST,
        )


def withdraw_from_everybody(cloud: Connection, uplink_id: str, keeper: str) -> None:
    """Take back the share with all projects that comes with router:external; the operator shares with each tenant.

    One share has to remain: without any, Neutron makes the network an ordinary one.
    """
    network, external = cloud.network, "access_as_external"
    shares = {share.target_project_id: share for share in network.rbac_policies(object_id=uplink_id, action=external)}
    if keeper not in shares:
        network.create_rbac_policy(
            object_type="network", object_id=uplink_id, action=external, target_project_id=keeper
        )
    if everybody := shares.get("*"):
        network.delete_rbac_policy(everybody)


def uplink_subnet(zone: ZoneFacts, pool_id: str) -> dict[str, Any]:
    """The uplink's subnet. Only routers get addresses of a private uplink: no floating IP can be made from it."""
    body: dict[str, Any] = {
        "ip_version": 4,
        "cidr": zone.uplink_cidr,
        "gateway_ip": zone.gateway,
        "is_dhcp_enabled": False,
    }
    return body if zone.public else {**body, "subnet_pool_id": pool_id, "service_types": ["network:router_gateway"]}
