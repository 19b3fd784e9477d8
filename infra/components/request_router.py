"""The one router of a request."""

from __future__ import annotations

from pulumi import ComponentResource, ResourceOptions
from pulumi_openstack.networking import Router

from infra.components.declaration import Declaration
from infra.stackplan import RouterPlan


class RequestRouter(ComponentResource):
    """Attached to its zone's uplink; whether it hides addresses (source NAT) is the zone's property."""

    def __init__(
        self, name: str, plan: RouterPlan, declaration: Declaration, opts: ResourceOptions | None = None
    ) -> None:
        self.declaration = declaration
        self.uplink_id = plan.uplink_id
        super().__init__("kunlun:index:RequestRouter", name, None, opts)
        self.router = Router(
            "router",
            name=declaration.prefix,
            description=declaration.marker("router"),
            external_network_id=plan.uplink_id,
            enable_snat=plan.source_nat,
            opts=declaration.options(self),
        )
        self.register_outputs({})
