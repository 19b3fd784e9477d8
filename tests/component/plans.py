"""Stack plans to build, of which a test varies what it is about."""

from __future__ import annotations

from typing import Any

from infra.engine import StepEvent
from infra.planned import planned_objects
from infra.stackplan import (
    AddressGroupPlan,
    CallPlan,
    GroupPlan,
    LinkPlan,
    ManagementPlan,
    NetworkPlan,
    Origin,
    Project,
    Removal,
    Resolved,
    RouterPlan,
    RulePlan,
    ServerPlan,
    StackPlan,
    VolumePlan,
)

UID = "0a1b2c3d-0000-4000-8000-000000000001"
PEER = "0a1b2c3d-0000-4000-8000-000000000002"


def a_rule(port: int = 443, **fields: Any) -> RulePlan:
    values = {
        "direction": "ingress",
        "protocol": "tcp",
        "port_first": port,
        "port_last": port,
        "remote_cidr": "10.20.0.0/16",
    }
    return RulePlan.model_validate(values | fields)


def a_server(number: int = 0, **fields: Any) -> ServerPlan:
    values: dict[str, Any] = {
        "name": f"web-{number}",
        "group": "web",
        "flavor": Resolved(id="flavor-small", name="c1.small"),
        "image": Resolved(id="image-12", name="debian-12"),
        "network": "app",
        "address": f"10.10.1.{20 + number}",
    }
    return ServerPlan.model_validate(values | fields)


def a_network(name: str = "app", third: int = 1) -> NetworkPlan:
    prefix = f"10.10.{third}"
    return NetworkPlan(
        name=name,
        subnet_pool_id="pool-1",
        cidr=f"{prefix}.0/26",
        gateway=f"{prefix}.1",
        service_first=f"{prefix}.2",
        service_last=f"{prefix}.4",
    )


def a_plan(uid: str = UID, **fields: Any) -> StackPlan:
    """One network, one group with three rules, two servers."""
    values: dict[str, Any] = {
        "origin": Origin(namespace="civil-affairs", name="portal", uid=uid, generation=1),
        "zone": "extranet",
        "project": Project(id="project-1", name="civil-affairs-extranet"),
        "router": RouterPlan(uplink_id="uplink-1", source_nat=False),
        "networks": (a_network(),),
        "groups": (GroupPlan(name="web", rules=tuple(a_rule(port) for port in (22, 80, 443))),),
        "servers": (a_server(0), a_server(1)),
    }
    return StackPlan.model_validate(values | fields)


def a_managed_plan(**fields: Any) -> StackPlan:
    """The standard request, with a way to its guests."""
    place = {"network_id": "management-1", "subnet_id": "management-subnet-1", "prefix": "198.18.0.0/18"}
    management = ManagementPlan.model_validate({**place, "address": "198.18.0.16"})
    router = RouterPlan(uplink_id="uplink-1", source_nat=False, management=management)
    return a_plan(**({"router": router} | fields))


def a_rich_plan(**fields: Any) -> StackPlan:
    """Every kind of object: a boot volume, a data volume, two groups that know each other."""
    volumes = (VolumePlan(name="records", size_gib=10),)
    servers = (a_server(0, boot_volume_gib=20, volumes=volumes, public_address=True), a_server(1, group="db"))
    towards = a_rule(8443, direction="egress", remote_cidr=None, remote_group="db")
    groups = (
        GroupPlan(name="web", rules=(a_rule(), towards)),
        GroupPlan(name="db", rules=(a_rule(8443, remote_cidr=None, remote_group="web"),)),
    )
    return a_plan(**({"servers": servers, "groups": groups} | fields))


def a_link(**fields: Any) -> LinkPlan:
    """One server of the request `front`, in another zone, calls our two."""
    values: dict[str, Any] = {
        "request": "front",
        "uid": PEER,
        "zone": "internet",
        "project_id": "project-2",
        "transit": "100.64.0.8/29",
        "callers": ("10.30.1.20/32",),
        "called": ("10.10.1.20/32", "10.10.1.21/32"),
    }
    return LinkPlan.model_validate(values | fields)


def a_linked_plan(**fields: Any) -> StackPlan:
    """Called by `front`, and calling `back`."""
    towards = a_rule(5432, direction="egress", remote_cidr=None, remote_addresses="back.db")
    called = a_rule(8080, remote_cidr=None, remote_addresses="front.web")
    values: dict[str, Any] = {
        "groups": (GroupPlan(name="web", rules=(a_rule(), called, towards)),),
        "address_groups": (
            AddressGroupPlan(name="front.web", addresses=("10.30.1.20/32",)),
            AddressGroupPlan(name="back.db", addresses=("10.20.1.20/32",)),
        ),
        "links": (a_link(),),
        "calls": (CallPlan(request="back", uid="0a1b2c3d-0000-4000-8000-000000000003", zone="private"),),
    }
    return a_plan(**(values | fields))


def the_other_plan(**fields: Any) -> StackPlan:
    """The request `front` itself, in its own zone and project."""
    values: dict[str, Any] = {
        "origin": Origin(namespace="civil-affairs", name="front", uid=PEER, generation=1),
        "zone": "internet",
        "project": Project(id="project-2", name="civil-affairs-internet"),
        "servers": (a_server(0, address="10.30.1.20"),),
        "calls": (CallPlan(request="portal", uid=UID, zone="extranet"),),
    }
    return a_plan(**(values | fields))


def removals(before: StackPlan, *names: str) -> tuple[Removal, ...]:
    """The named objects of an earlier plan, as a later one would remove them."""
    planned = planned_objects(before)
    return tuple(Removal(kind=planned[name].kind, name=name, fingerprint=planned[name].fingerprint) for name in names)


def unheard(event: StepEvent) -> None:
    """A listener for tests that are not about progress."""
