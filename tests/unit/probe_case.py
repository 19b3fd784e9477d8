"""A small cloud for tests of the probe: two requests of one namespace in the extranet, one in the internet zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.zone import ZoneSpec
from controllers.probe.stations import Bodies, Body, Case, Known, Role, Station
from infra.stackplan import (
    GroupPlan,
    ManagementPlan,
    NetworkPlan,
    Origin,
    Project,
    Resolved,
    RouterPlan,
    RulePlan,
    ServerPlan,
    StackPlan,
)

COUNTER = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/443"], "purpose": "counters"}
ROWS = {"from": {"servers": "web"}, "to": "db", "ports": ["tcp/5432", "udp/5000-5010"], "purpose": "rows"}


def a_zone(prefix: str, **fields: Any) -> ZoneSpec:
    base = [{"purpose": "metadata", "protocol": "tcp", "port": 80, "to": "169.254.169.254/32"}]
    body = {"class": "Extranet", "uplink": "u", "subnetPool": "p", "prefixes": [prefix], "baseRules": base}
    return ZoneSpec.model_validate({**body, **fields})


ZONES = {
    "extranet": a_zone(
        "10.10.0.0/16",
        reservedPrefixes=["10.10.0.0/24"],
        management={"network": "management-extranet", "prefix": "198.19.0.0/18"},
    ),
    "internet": a_zone("10.30.0.0/16", **{"class": "Internet", "sourceNat": True}),
}


def a_rule(direction: str, protocol: str, first: int, last: int | None = None, **remote: str) -> RulePlan:
    ports = {"protocol": protocol, "port_first": first, "port_last": last or first}
    return RulePlan.model_validate({"direction": direction, **ports, **remote})


METADATA = a_rule("egress", "tcp", 80, remote_cidr="169.254.169.254/32")
WEB = GroupPlan(
    name="web",
    rules=(
        METADATA,
        a_rule("ingress", "tcp", 443, remote_cidr="10.10.200.0/24"),
        a_rule("egress", "tcp", 5432, remote_group="db"),
        a_rule("egress", "udp", 5000, 5010, remote_group="db"),
    ),
)
DB = GroupPlan(
    name="db",
    rules=(
        METADATA,
        a_rule("ingress", "tcp", 5432, remote_group="web"),
        a_rule("ingress", "udp", 5000, 5010, remote_group="web"),
    ),
)


def a_stack(name: str, third: int, zone: str = "extranet", groups: tuple[GroupPlan, ...] = (WEB, DB)) -> StackPlan:
    """Two servers, `web-0` at .4 and `db-0` at .5, in a network of the zone."""
    prefix = ".".join(ZONES[zone].prefixes[0].split(".")[:2]) + f".{third}"
    item = Resolved(id="i", name="n")
    network = NetworkPlan(
        name="app",
        subnet_pool_id="p",
        cidr=f"{prefix}.0/28",
        gateway=f"{prefix}.1",
        service_first=f"{prefix}.2",
        service_last=f"{prefix}.3",
    )
    servers = tuple(
        ServerPlan(name=f"{group}-0", group=group, flavor=item, image=item, network="app", address=f"{prefix}.{host}")
        for group, host in (("web", 4), ("db", 5))
    )
    return StackPlan(
        origin=Origin(namespace="civil-affairs", name=name, uid=f"uid-{name}", generation=1),
        zone=zone,
        project=Project(id="pr", name="pr"),
        router=RouterPlan(uplink_id="u", source_nat=ZONES[zone].source_nat),
        networks=(network,),
        groups=groups,
        servers=servers,
    )


def a_spec(zone: str = "extranet", flows: tuple[dict[str, Any], ...] = (COUNTER, ROWS)) -> ResourceRequestSpec:
    server = {"flavor": "c1.small", "image": "debian-12", "network": "app"}
    body = {
        "requestedBy": "li.na",
        "system": "portal",
        "zone": zone,
        "networks": [{"name": "app", "prefixLength": 28}],
        "servers": [{"name": "web", **server}, {"name": "db", **server}],
        "flows": flows,
    }
    return ResourceRequestSpec.model_validate(body)


def a_known(name: str, third: int, zone: str = "extranet", **fields: Any) -> Known:
    settings: dict[str, Any] = {
        "stack": a_stack(name, third, zone),
        "spec": a_spec(zone),
        "settled": True,
        "servers": {"web-0": f"{name}-web", "db-0": f"{name}-db"},
        **fields,
    }
    return Known(**settings)


def a_case(**requests: Known) -> Case:
    found = {"first": a_known("first", 1), "other": a_known("other", 2), "public": a_known("public", 0, "internet")}
    return Case({**found, **requests}, ZONES)


def configured(name: str, third: int) -> Known:
    """A request whose `web` has roles: its router stands in the management network, and SSH is open from there."""
    plain = a_known(name, third)
    assert plain.spec is not None
    leg = ManagementPlan(network_id="m", subnet_id="m", address=f"198.19.0.{third}", prefix="198.19.0.0/18")
    login = a_rule("ingress", "tcp", 22, remote_cidr=leg.prefix)
    groups = (WEB.model_copy(update={"rules": (*WEB.rules, login)}), DB)
    router = plain.stack.router.model_copy(update={"management": leg})
    web, db = plain.spec.servers
    servers = (web.model_copy(update={"roles": ("baseline",)}), db)
    return replace(
        plain,
        stack=plain.stack.model_copy(update={"router": router, "groups": groups}),
        spec=plain.spec.model_copy(update={"servers": servers}),
    )


def bodies_of(case: Case) -> Bodies:
    """Every server of the case, one stranger, the outside hosts and the operator."""
    guests = {
        known.servers[server.name]: Body(f"{name}-{server.name}", f"ns-{name}-{server.name}", server.address)
        for name, known in case.requests.items()
        for server in known.stack.servers
    }
    guests["strange"] = Body("strange", "ns-strange", "10.10.9.4")
    outside = {
        "extranet": Body("outside-extranet", "ns-extranet", "10.10.0.1"),
        "internet": Body("outside-internet", "ns-internet", "198.51.100.1"),
    }
    return Bodies(guests, outside, {"extranet": Body("management-extranet", "ns-management", "198.19.0.1")})


def own(name: str, case: Case) -> Station:
    """`first/web-0`, `health/first/web-0` and so on."""
    request, _, server = name.rpartition("/")
    plan = next(each for each in case.requests[request].stack.servers if each.name == server)
    zone = case.requests[request].stack.zone
    return Station(name, Role.OWN, zone, plan.address, f"ns-{request}-{server}", request, plan.group)


def outside(zone: str, address: str) -> Station:
    return Station(f"outside-{zone} {address}", Role.OUTSIDE, zone, address, f"ns-{zone}")
