"""The way to a request's guests: an address in its zone's management network, and the rule that lets SSH in from there.

Pure. Only requests with desktops, or whose servers have roles, get one, and only then may anybody log in at all.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.zone import ZoneSpec, ZoneStatus
from infra.errors import ManagementMissing, QuotaExceeded
from infra.stackplan import ManagementPlan, RulePlan, StackPlan

SSH = 22
FIRST_ROUTER = 16  # the addresses before are the provider's: where it comes from, and what it may need besides


def needs_management(spec: ResourceRequestSpec) -> bool:
    """Whether anything in the request is configured."""
    return bool(spec.desktops) or any(server.roles for server in spec.servers)


def plan_management(
    zone: ZoneSpec, status: ZoneStatus, *, taken: Collection[str], previous: StackPlan | None
) -> ManagementPlan:
    """The router's address there: the one it had, else the first that is free.

    Raises ManagementMissing when the cloud has not what the zone promises, QuotaExceeded when no address is left.
    """
    network, subnet = status.management_network_id, status.management_subnet_id
    if zone.management is None or network is None or subnet is None:
        raise ManagementMissing("the zone's management network is not there: servers cannot have roles until it is")
    prefix = zone.management.prefix
    known = previous.router.management if previous else None
    if known is not None and (known.network_id, known.prefix) == (network, prefix):
        address = known.address
    else:
        address = _first_free(IPv4Network(prefix), {IPv4Address(one) for one in taken})
    return ManagementPlan(network_id=network, subnet_id=subnet, address=address, prefix=prefix)


def login_rule(management: ManagementPlan) -> RulePlan:
    """SSH from the management network, for servers with roles."""
    return RulePlan(direction="ingress", protocol="tcp", port_first=SSH, port_last=SSH, remote_cidr=management.prefix)


def _first_free(prefix: IPv4Network, taken: Collection[IPv4Address]) -> str:
    hosts = (prefix[index] for index in range(FIRST_ROUTER, prefix.num_addresses - 1))
    free = next((host for host in hosts if host not in taken), None)
    if free is None:
        raise QuotaExceeded("the zone's management network has no free address left", retry_after_seconds=60)
    return str(free)
