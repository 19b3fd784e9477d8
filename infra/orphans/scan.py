"""The judgement: two moments of the cluster and two of the cloud, and what they say together. Pure.

Nothing stands still while one looks, so the looks are taken in this order: cluster, cloud, cluster, cloud. A
request exists before its first object, and while anything of it is listed its finalizer keeps it. So

- an orphan is an object seen in *both* looks at the cloud, whose request is in *neither* look at the cluster. If
  it came into being in between, its object was there only after the first look at the cloud; if it was there by
  then, the second look at the cluster shows it; if it came and went, the second look at the cloud shows nothing;
- something is missing if neither look at the cloud shows it and both looks at the cluster say that the same plan
  is built and nobody is at work. What is just being built, repaired or removed is never reported;
- no clock is compared with another.

A router interface, rules and a volume attachment carry no marker: they are ours when both their ends are, and of
one uid. Half of an interface (its router or its subnet is gone) is ours when the end that is left is. What a link has
on a router is its port's; on another request's router it is missing only while that request has signed for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from infra.cloud import Answer
from infra.orphans.findings import Claim, Direction, Finding, Register, Survey, TenancyKind
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing, observed_from_listing
from infra.provider.observed import Deviation, Identity, Observed, ObservedObject, differences, identity_of
from infra.provider.resource import created_at
from infra.provider.router_interface import is_interface, is_of_link, subnet_of
from infra.stackplan import DATA_VOLUME_PREFIX, Kind, StackPlan
from infra.tenancy import TAG, tenant_of

NOTHING = ProjectListing({})
NO_PROJECT: frozenset[str] = frozenset()


def both(before: Register, after: Register) -> Register:
    """What two looks at the cluster say together: everything either shows is alive; what changed is not settled."""
    uids = {**before.claims, **after.claims}
    claims = {uid: _joined(before.claims.get(uid), after.claims.get(uid)) for uid in uids}
    names = {**before.tenants, **after.tenants}
    tenants = {
        name: _united(before.tenants.get(name, NO_PROJECT), after.tenants.get(name, NO_PROJECT)) for name in names
    }
    return Register(claims, tenants)


def in_both(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """The findings of the second scan that the first one had, too."""
    known = {finding.key for finding in first}
    return [finding for finding in second if finding.key in known]


def scan(survey: Survey, register: Register) -> list[Finding]:
    """Everything without a counterpart in one look at the cloud, in a stable order."""
    names = {raw["id"]: raw["name"] for raw in survey.projects}
    found = [
        *_surplus_objects(survey, register),
        *_missing_objects(survey, register),
        *_projects(survey, register),
        *_shares(survey, register),
    ]
    named = [replace(finding, project_name=names.get(finding.project, "")) for finding in found]
    return sorted(named, key=lambda finding: (list(Direction).index(finding.direction), finding.uid))


def _joined(before: Claim | None, after: Claim | None) -> Claim:
    if before is None or after is None:
        return replace(_either(before, after), settled=False)
    if before == after:
        return after
    plans = None if before.plans is None or after.plans is None else (*before.plans, *after.plans)
    return Claim(after.request, settled=False, plans=plans)


def _united(before: frozenset[str] | None, after: frozenset[str] | None) -> frozenset[str] | None:
    return None if before is None or after is None else before | after


def _either(before: Claim | None, after: Claim | None) -> Claim:
    claim = after or before
    assert claim is not None  # noqa: S101 - a uid comes from one of the two
    return claim


def _surplus_objects(survey: Survey, register: Register) -> Iterator[Finding]:
    """In each project everything with a marker of ours that nobody claims."""
    strange = {raw["id"] for raw in survey.projects if TAG not in raw.get("tags", ())}
    routers = {raw["id"] for raw in survey.listing[Kind.ROUTER]}
    for project, listing in _by_project(survey.listing).items():
        for uid in listing.marked:
            claim = register.claims.get(uid)
            named = _named(claim)
            observed = observed_from_listing(listing, uid)
            for item in (*observed.objects, *_half_interfaces(listing, observed.objects, routers)):
                direction = Direction.ELSEWHERE if project in strange else _direction(item, claim, named, project)
                if direction is not None:
                    yield _finding(direction, item, project, uid, claim)


def _named(claim: Claim | None) -> frozenset[Identity]:
    """Everything the plans of a request name."""
    plans = (claim.plans or ()) if claim else ()
    return frozenset(identity_of(one) for plan in plans for one in planned_objects(plan).values())


def _direction(item: ObservedObject, claim: Claim | None, named: frozenset[Identity], project: str) -> Direction | None:
    is_data = item.kind is Kind.VOLUME and item.name.startswith(DATA_VOLUME_PREFIX)
    if claim is None:
        return Direction.KEPT if is_data else Direction.ORPHAN
    if claim.plans is None:
        return None
    if claim.plans and project not in {plan.project.id for plan in claim.plans}:
        return Direction.SURPLUS
    if item.twin:
        return Direction.SURPLUS if claim.settled else None
    if item.identity in named:
        return None
    return Direction.KEPT if is_data else Direction.SURPLUS


def _half_interfaces(
    listing: ProjectListing, ours: Iterable[ObservedObject], routers: set[str]
) -> Iterator[ObservedObject]:
    """Ports of interfaces that lost their router or their subnet, by the end that is left. A link's port is marked."""
    ends = {item.id: item for item in ours if item.kind in {Kind.ROUTER, Kind.SUBNET}}
    for port in filter(is_interface, listing[Kind.PORT]):
        if is_of_link(port):
            continue
        router, subnet = port.get("device_id", ""), subnet_of(port)
        left = ends.get(router) if not port.get("fixed_ips") else ends.get(subnet or "")
        if left is not None and (left.kind is Kind.ROUTER or router not in routers):
            name = f"interface-{left.name.removeprefix('subnet-')}"
            yield ObservedObject(Kind.ROUTER_INTERFACE, port["id"], name, left.fingerprint, {}, raw=port)


def _finding(direction: Direction, item: ObservedObject, project: str, uid: str, claim: Claim | None) -> Finding:
    return Finding(
        direction,
        item.kind,
        item.name,
        item.id,
        project,
        uid=uid,
        holder=claim.request if claim else "",
        created_at=item.created_at or created_at(item.raw),
        busy=claim is not None and not claim.settled,
        found=item,
    )


def _missing_objects(survey: Survey, register: Register) -> Iterator[Finding]:
    listings = _by_project(survey.listing)
    for uid, claim in register.claims.items():
        for plan in claim.plans or () if claim.settled else ():
            observed = observed_from_listing(listings.get(plan.project.id, NOTHING), uid)
            unsigned = {link.uid for link in plan.links if not _calls(register.claims.get(link.uid), uid)}
            yield from _missing_of(plan, replace(observed, barred=frozenset(unsigned)), uid, claim.request)


def _calls(claim: Claim | None, uid: str) -> bool:
    """Whether a request has signed, and is settled, that its servers may call those of another."""
    plans = claim.plans or () if claim and claim.settled else ()
    return any(call.uid == uid for plan in plans for call in plan.calls)


def _missing_of(plan: StackPlan, observed: Observed, uid: str, request: str) -> Iterator[Finding]:
    for item in differences(planned_objects(plan), observed):
        if item.deviation is Deviation.MISSING:
            yield Finding(Direction.MISSING, item.kind, item.name, "", plan.project.id, uid=uid, holder=request)


def _projects(survey: Survey, register: Register) -> Iterator[Finding]:
    for raw in survey.projects:
        if _is_orphaned(raw, register.tenants):
            tenant = tenant_of(raw)
            yield Finding(Direction.ORPHAN, TenancyKind.PROJECT, raw["name"], raw["id"], raw["id"], holder=tenant)


def _is_orphaned(project: Answer, tenants: Mapping[str, frozenset[str] | None]) -> bool:
    """A project we made, whose tenant is gone or neither has nor wants it; never that of one that cannot be read."""
    if TAG not in project.get("tags", ()):
        return False
    known = tenants.get(tenant_of(project), NO_PROJECT)
    return known is not None and not {project["id"], project["name"]} & known


def _shares(survey: Survey, register: Register) -> Iterator[Finding]:
    """Shares with a project that is gone, or that is no tenant's any more."""
    living = {raw["id"] for raw in survey.projects if not _is_orphaned(raw, register.tenants)}
    for raw in survey.shares:
        target = raw["target_tenant"]
        if target not in {"*", *living}:
            name = f"{raw['object_type']} {raw['object_id']}"
            yield Finding(Direction.ORPHAN, TenancyKind.SHARE, name, raw["id"], target)


def _by_project(listing: ProjectListing) -> dict[str, ProjectListing]:
    """Each knows the routers of all others: links may lead to them."""
    split: dict[str, dict[Kind, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    routers = tuple(listing[Kind.ROUTER])
    for kind, found in listing.collections.items():
        for raw in found:
            split[_project_of(raw)][kind].append(raw)
    return {project: ProjectListing(collections, routers) for project, collections in split.items()}


def _project_of(raw: Answer) -> str:
    """Neutron, Nova and Cinder each call it otherwise."""
    keys = ("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id")
    return next((str(raw[key]) for key in keys if raw.get(key)), "")
