"""The Pulumi program: declares what an approved plan says, and nothing else.

An ordinary program with the published `pulumi_openstack` classes. The provider that serves it refuses everything
that is not exactly in the plan, so a mistake here costs an error, never an unapproved object.
"""

from __future__ import annotations

from collections.abc import Callable

from infra.components.declaration import Declaration
from infra.components.management_interface import ManagementInterface
from infra.components.request_router import RequestRouter
from infra.components.router_link import RouterLink
from infra.components.security_groups import SecurityGroups
from infra.components.tenant_network import TenantNetwork
from infra.components.tenant_server import TenantServer
from infra.provider.observed import Observed
from infra.stackplan import StackPlan


def program(plan: StackPlan, observed: Observed) -> Callable[[], None]:
    """The program of one plan. The router comes first: it takes longest, and no server waits for it.

    `observed` says which other requests' routers there are for the plan's links to lead to.
    """

    def declare() -> None:
        declaration = Declaration(plan)
        router = RequestRouter("router", plan.router, declaration)
        networks = {network.name: TenantNetwork(network.name, network, router=router) for network in plan.networks}
        groups = SecurityGroups("groups", plan, declaration)
        for server in plan.servers:
            TenantServer(server.name, server, network=networks[server.network], groups=groups)
        if plan.router.management is not None:
            ManagementInterface("router.management", plan.router.management, router=router)
        for link in plan.links:
            RouterLink(f"link.{link.request}", link, router=router, observed=observed)

    return declare
