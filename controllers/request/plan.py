"""From a request to the exact plan: pure, total, and the same for the same inputs.

Everything is resolved here: ids of images and flavors, prefixes, addresses, rules. What is left to
provisioning is to make it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from controllers.api.desktops import DesktopSpec
from controllers.api.plan import CostLine, PlanContent, PlanSpec, plan_digest
from controllers.api.ports import port_range
from controllers.api.resourcerequest import FlowSpec, ResourceRequestSpec, ServerSpec
from controllers.api.zone import BaseRule, ZoneSpec, ZoneStatus
from controllers.request.actions import Outlook, actions_between, removals_between
from controllers.request.addresses import Addresses, Shape
from controllers.request.imports import Found
from controllers.request.links import Linkage
from controllers.request.management import login_rule
from controllers.request.seats import desktop_names
from infra.errors import FlavorMissing, ImageMissing, InvalidRequest
from infra.provider.takeover import foreseen
from infra.stackplan import (
    MOST_GROUP_RULES,
    GroupPlan,
    ManagementPlan,
    NetworkPlan,
    Origin,
    Project,
    Removal,
    Resolved,
    RolloutPlan,
    RouterPlan,
    RulePlan,
    Seat,
    ServerPlan,
    StackPlan,
    VolumePlan,
)
from policies.stages import Facts, Stages, policy_approval, required_stages

DESKTOP_ROLES = ("baseline", "desktop")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A zone and what the cloud has of it. `status` must be resolved: ids of uplink and pool are known."""

    name: str
    spec: ZoneSpec
    status: ZoneStatus


@dataclass(frozen=True, slots=True)
class Inputs:
    """All a plan is made from."""

    origin: Origin
    request: ResourceRequestSpec
    catalogue: Catalogue
    project: Project
    addresses: Addresses
    in_force: StackPlan | None
    unfinished: tuple[Removal, ...] = ()  # removals of the plan in force that may still have to be done
    seats: Mapping[str, Seat] = field(default_factory=dict)  # of the desktops, by the names of their servers
    found: Found = field(default_factory=Found)  # what the request imports, as the cloud shows it
    linkage: Linkage = field(default_factory=Linkage)  # flows from and to other requests
    management: ManagementPlan | None = None  # the way to the guests, where they have roles
    supersedes: str | None = None  # the plan in force, if it is of the same version of the request


def plan_content(inputs: Inputs) -> PlanContent:
    """The plan: what will exist, what changes against the plan in force, what it costs. `staged` says who must approve.

    Raises ImageMissing or FlavorMissing when the cloud has not what the zone promises.
    """
    bare = _stack(inputs)
    stack = bare.model_copy(update={"removals": removals_between(inputs.in_force, bare, unfinished=inputs.unfinished)})
    costs = tuple(_costs(inputs.request, inputs.catalogue.spec))
    return PlanContent(
        stack=stack,
        actions=actions_between(inputs.in_force, stack, outlook=_outlook(inputs, stack)),
        costs=costs,
        monthly_yuan=sum(line.count * line.monthly_yuan_each for line in costs),
        stages=(),
    )


def staged(content: PlanContent, procedure: Stages, facts: Facts) -> PlanContent:
    """The content with who has to approve it, by the facts of exactly this content."""
    stages, by_policy = required_stages(procedure, facts), policy_approval(procedure, facts)
    return content.model_copy(update={"stages": stages, "approved_by_policy": by_policy})


def signed(content: PlanContent) -> PlanSpec:
    """The content with its digest."""
    return PlanSpec.model_validate({**content.model_dump(), "digest": plan_digest(content)})


def _stack(inputs: Inputs) -> StackPlan:
    zone = inputs.catalogue
    return StackPlan(
        origin=inputs.origin,
        zone=zone.name,
        project=inputs.project,
        router=RouterPlan(
            uplink_id=zone.status.uplink_id or "", source_nat=zone.spec.source_nat, management=inputs.management
        ),
        networks=tuple(_networks(inputs)),
        groups=(
            *(_group(inputs, server) for server in inputs.request.servers),
            *(_desktop_group(inputs, entry) for entry in inputs.request.desktops),
        ),
        servers=(*_servers(inputs), *_desktops(inputs)),
        rollouts=tuple(
            RolloutPlan(group=entry.name, batch_size=entry.batch_size, failure_budget=entry.failure_budget)
            for entry in inputs.request.desktops
        ),
        imports=inputs.found.imports,
        deletion_policy=inputs.request.deletion_policy.value,
        address_groups=inputs.linkage.address_groups,
        links=inputs.linkage.links,
        calls=inputs.linkage.calls,
        supersedes=inputs.supersedes,
    )


def _outlook(inputs: Inputs, stack: StackPlan) -> Outlook | None:
    """What there will be of the imports before anything else happens; None when no cloud was asked."""
    if inputs.found.listing is None:
        return None
    status = inputs.catalogue.status
    return Outlook(
        foreseen(stack, inputs.found.listing), {item.id: item.name for item in (*status.flavors, *status.images)}
    )


def _networks(inputs: Inputs) -> Iterator[NetworkPlan]:
    for network in inputs.request.networks:
        shape = _shape(inputs, network.name)
        yield NetworkPlan(
            name=network.name,
            subnet_pool_id=inputs.catalogue.status.subnet_pool_id or "",
            cidr=str(shape.prefix),
            gateway=shape.gateway,
            service_first=shape.service_first,
            service_last=shape.service_last,
        )


def _shape(inputs: Inputs, name: str) -> Shape:
    """What exists keeps its gateway: changing that would cut every guest off."""
    prefix = inputs.addresses.networks[name]
    for known in inputs.in_force.networks if inputs.in_force else ():
        if known.name == name and known.cidr == str(prefix):
            return Shape(prefix, known.gateway, known.service_first, known.service_last)
    return inputs.found.addresses.networks.get(name) or Shape.of(prefix)


def _servers(inputs: Inputs) -> Iterator[ServerPlan]:
    before = {server.name: server for server in inputs.in_force.servers} if inputs.in_force else {}
    for entry in inputs.request.servers:
        for index in range(entry.count):
            name = f"{entry.name}-{index}"
            yield ServerPlan(
                name=name,
                group=entry.name,
                flavor=_kept(before.get(name), entry).get("flavor") or _flavor(inputs.catalogue, entry.flavor),
                image=_kept(before.get(name), entry).get("image") or _image(inputs.catalogue, entry.image),
                network=entry.network,
                address=str(inputs.addresses.servers[name]),
                boot_volume_gib=entry.boot_volume_gib,
                volumes=tuple(VolumePlan.model_validate(volume.model_dump()) for volume in entry.volumes),
                public_address=entry.public_address,
                roles=entry.roles,
            )


def _desktops(inputs: Inputs) -> Iterator[ServerPlan]:
    before = {server.name: server for server in inputs.in_force.servers} if inputs.in_force else {}
    for entry in inputs.request.desktops:
        for name in desktop_names(entry):
            kept = _kept(before.get(name), entry)
            yield ServerPlan(
                name=name,
                group=entry.name,
                flavor=kept.get("flavor") or _flavor(inputs.catalogue, entry.flavor),
                image=kept.get("image") or _image(inputs.catalogue, entry.image),
                network=entry.network,
                address=str(inputs.addresses.servers[name]),
                roles=DESKTOP_ROLES,
                seat=inputs.seats[name],
            )


def _kept(before: ServerPlan | None, entry: ServerSpec | DesktopSpec) -> dict[str, Resolved]:
    """What a server keeps because its name in the request did not change, whatever the catalogue means by it now.

    A rebuilt image of the same name is for new servers: nobody asked to build the old ones anew.
    """
    if before is None:
        return {}
    names = {"flavor": entry.flavor, "image": entry.image}
    resolved = {"flavor": before.flavor, "image": before.image}
    return {key: resolved[key] for key, name in names.items() if resolved[key].name == name}


def _image(zone: Catalogue, name: str) -> Resolved:
    for image in zone.status.images:
        if image.name == name:
            return Resolved(id=image.id, name=name)
    raise ImageMissing(f"zone '{zone.name}' offers image '{name}', but the cloud does not have it")


def _flavor(zone: Catalogue, name: str) -> Resolved:
    for flavor in zone.status.flavors:
        if flavor.name == name:
            return Resolved(id=flavor.id, name=name)
    raise FlavorMissing(f"zone '{zone.name}' offers flavor '{name}', but the cloud does not have it")


def _group(inputs: Inputs, entry: ServerSpec) -> GroupPlan:
    rules = [*_base_rules(inputs.catalogue.spec)]
    for flow in [flow for flow in inputs.request.flows if flow.from_.request is None]:
        if flow.to == entry.name:
            rules += _rules(flow, "ingress", _sources(inputs, flow))
        if flow.from_.servers == entry.name:
            rules += _rules(flow, "egress", [{"remote_group": flow.to}])
    if inputs.management is not None and entry.roles:
        rules.append(login_rule(inputs.management))
    rules += inputs.linkage.rules.get(entry.name, ())
    distinct = tuple(dict.fromkeys(rules))
    if len(distinct) > MOST_GROUP_RULES:
        what = f"servers '{entry.name}' need {len(distinct)} rules with what other requests open to them"
        raise InvalidRequest(f"{what}; at most {MOST_GROUP_RULES}; use port ranges, or fewer flows")
    return GroupPlan(name=entry.name, rules=distinct)


def _desktop_group(inputs: Inputs, entry: DesktopSpec) -> GroupPlan:
    """What every server has, and what the zone's desktop rules permit besides; nothing that a request could add."""
    zone = inputs.catalogue.spec
    links = [_outward(rule) for rule in zone.desktop_rules.external_links]
    login = [login_rule(inputs.management)] if inputs.management is not None else []
    return GroupPlan(name=entry.name, rules=tuple(dict.fromkeys([*_base_rules(zone), *links, *login])))


def _outward(rule: BaseRule) -> RulePlan:
    return RulePlan(
        direction="egress", protocol=rule.protocol, port_first=rule.port, port_last=rule.port, remote_cidr=rule.to
    )


def _base_rules(zone: ZoneSpec) -> Iterator[RulePlan]:
    yield from map(_outward, zone.base_rules)


def _sources(inputs: Inputs, flow: FlowSpec) -> list[dict[str, str]]:
    source = flow.from_
    if source.cidr is not None:
        return [{"remote_cidr": source.cidr}]
    return [{"remote_group": source.servers or ""}]


def _rules(flow: FlowSpec, direction: str, remotes: list[dict[str, str]]) -> Iterator[RulePlan]:
    for text in flow.ports:
        first, last = port_range(text)
        for remote in remotes:
            ports = {"direction": direction, "protocol": text.partition("/")[0], "port_first": first, "port_last": last}
            yield RulePlan.model_validate({**ports, **remote})


def _costs(request: ResourceRequestSpec, zone: ZoneSpec) -> Iterator[CostLine]:
    prices = {flavor.name: flavor.monthly_yuan for flavor in zone.flavors}
    for entry in request.servers:
        item = f"server {entry.name}: {entry.flavor}"
        yield CostLine(item=item, count=entry.count, monthly_yuan_each=prices[entry.flavor])
        gib = (entry.boot_volume_gib or 0) + sum(volume.size_gib for volume in entry.volumes)
        if gib and zone.volume_monthly_yuan_per_gib:
            each = gib * zone.volume_monthly_yuan_per_gib
            yield CostLine(item=f"volumes of {entry.name}: {gib} GiB", count=entry.count, monthly_yuan_each=each)
    for desktops in request.desktops:
        item = f"desktop {desktops.name}: {desktops.flavor}"
        yield CostLine(item=item, count=desktops.count, monthly_yuan_each=prices[desktops.flavor])
