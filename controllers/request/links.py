"""Who calls whom: what a request's plan has to have of links, from the specs and plans of its namespace. Pure.

A flow from another request is signed on both sides. The called side's plan follows from its own spec and the addresses
in the caller's newest plan; the calling side's plan follows from the called side's newest plan. Addresses stay when a
plan is drafted anew, so two requests that look at each other come to rest. What cannot be planned yet, because the
other side has no plan, is left out and told; what was planned once is kept while the other side is away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from controllers.api.ports import port_range
from controllers.api.resourcerequest import FlowSpec
from controllers.api.stored import PLANS, REQUESTS, Plan, ResourceRequest
from controllers.cache import Cache
from controllers.request.addresses import first_free
from controllers.request.plans import newest_known
from infra.errors import QuotaExceeded
from infra.stackplan import TRANSIT_LENGTH, TRANSIT_POOL, AddressGroupPlan, CallPlan, LinkPlan, RulePlan, StackPlan

UNGIVEN = ""  # the transit of a link that is only compared


@dataclass(frozen=True, slots=True)
class Caller:
    """Servers of another request that a flow of ours lets come, with their addresses by its newest plan."""

    request: str
    uid: str
    zone: str
    project_id: str
    entry: str
    to: str
    ports: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """A group of another request's servers that its newest plan opens to an entry of ours."""

    request: str
    uid: str
    zone: str
    entry: str
    group: str
    rules: tuple[RulePlan, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything wished of a request by its own flows and by others' plans; `left_out` says what has to wait."""

    callers: tuple[Caller, ...] = ()
    called: tuple[Called, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Linkage:
    """What a plan has of links. `rules` by the group they are in."""

    address_groups: tuple[AddressGroupPlan, ...] = ()
    links: tuple[LinkPlan, ...] = ()
    calls: tuple[CallPlan, ...] = ()
    rules: Mapping[str, tuple[RulePlan, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The other requests of a namespace, and the newest plan of each that has one, by name."""

    requests: Mapping[str, ResourceRequest]
    plans: Mapping[str, Plan]


def neighbourhood(request: ResourceRequest, cache: Cache) -> Neighbourhood:
    """Requests that are being deleted are not there any more; those of the other environment never were."""
    namespace, plans = request.meta.namespace, defaultdict[str, list[Plan]](list)
    for plan in cache.all(PLANS, namespace):
        plans[plan.spec.stack.origin.uid].append(plan)
    others = [other for other in cache.all(REQUESTS, namespace) if other.meta.uid != request.meta.uid]
    near = [other for other in others if other.spec.environment is request.spec.environment]
    there = {other.meta.name: other for other in near if not other.meta.deleting}
    newest = {name: newest_known(other, plans[other.meta.uid]) for name, other in there.items()}
    return Neighbourhood(there, {name: plan for name, plan in newest.items() if plan is not None})


def wishes_of(request: ResourceRequest, around: Neighbourhood, known: StackPlan | None) -> Wishes:
    """`known` is the newest plan of the request itself: what it has of an absent neighbour stays as it is."""
    callers, left_out = [], []
    for flow in request.spec.flows:
        if flow.from_.request is None:
            continue
        caller = _caller(flow, around, known)
        if caller is None:
            left_out.append(f"{flow.from_.servers} of request '{flow.from_.request}'")
        else:
            callers.append(caller)
    called = [one for name, plan in around.plans.items() for one in _called(request, around.requests[name], plan)]
    return Wishes(tuple(callers), tuple(called), tuple(dict.fromkeys(left_out)))


def linkage(wishes: Wishes, own: Mapping[str, Collection[str]], transits: Mapping[str, str] | None = None) -> Linkage:
    """What a plan has when its own servers have these addresses, by group; `transits` by the other request's name."""
    groups = {f"{one.request}.{one.entry}": one.addresses for one in wishes.callers}
    groups |= {f"{one.request}.{one.group}": one.addresses for one in wishes.called}
    calls = {one.request: CallPlan(request=one.request, uid=one.uid, zone=one.zone) for one in wishes.called}
    by_request: dict[str, list[Caller]] = defaultdict(list)
    for one in wishes.callers:
        by_request[one.request].append(one)
    given = transits or {}
    return Linkage(
        tuple(AddressGroupPlan(name=name, addresses=groups[name]) for name in sorted(groups)),
        tuple(_link(by_request[name], own, given.get(name, UNGIVEN)) for name in sorted(by_request)),
        tuple(calls[name] for name in sorted(calls)),
        _grouped([*_ingress(wishes.callers), *_egress(wishes.called)]),
    )


def linkage_of(stack: StackPlan) -> Linkage:
    """What a plan has, without the transits."""
    rules = [(group.name, rule) for group in stack.groups for rule in group.rules if rule.remote_addresses]
    links = tuple(link.model_copy(update={"transit": UNGIVEN}) for link in stack.links)
    return Linkage(stack.address_groups, links, stack.calls, _grouped(rules))


def is_as_wished(stack: StackPlan, wishes: Wishes) -> bool:
    """Whether a plan has exactly the links that are wished now."""
    return linkage(wishes, addresses_by_group(stack)) == linkage_of(stack)


def addresses_by_group(stack: StackPlan) -> dict[str, list[str]]:
    """The servers of each group, each as a prefix of its own."""
    found: dict[str, list[str]] = defaultdict(list)
    for server in stack.servers:
        found[server.group].append(f"{server.address}/32")
    return found


def transits_for(wishes: Wishes, *, kept: Mapping[str, str], taken: Iterable[IPv4Network]) -> dict[str, str]:
    """A network for each request that calls, by its name: the one it has, else one nobody has. Raises QuotaExceeded."""
    blocked, given = list(taken), dict[str, str]()
    for name in sorted({one.request for one in wishes.callers}):
        free = (
            IPv4Network(kept[name]) if name in kept else first_free(IPv4Network(TRANSIT_POOL), TRANSIT_LENGTH, blocked)
        )
        if free is None:
            raise QuotaExceeded(f"there is no network left for a link to request '{name}'", retry_after_seconds=60)
        blocked.append(free)
        given[name] = str(free)
    return given


def linked_with(name: str, namespace: str, cache: Cache) -> set[str]:
    """Names of requests whose plans may depend on this one: by anybody's flows, and by any plan there is."""
    found: set[str] = set()
    for request in cache.all(REQUESTS, namespace):
        sources = {flow.from_.request for flow in request.spec.flows} - {None}
        if request.meta.name == name:
            found |= {source for source in sources if source}
        elif name in sources:
            found.add(request.meta.name)
    for plan in cache.all(PLANS, namespace):
        stack = plan.spec.stack
        if not (stack.links or stack.calls):
            continue
        others = {link.request for link in stack.links} | {call.request for call in stack.calls}
        found |= others if stack.origin.name == name else {stack.origin.name} if name in others else set()
    return found - {name}


def _caller(flow: FlowSpec, around: Neighbourhood, known: StackPlan | None) -> Caller | None:
    name, entry = flow.from_.request or "", flow.from_.servers or ""
    plan = around.plans.get(name)
    if plan is None:
        return _kept_caller(flow, known)
    stack = plan.spec.stack
    addresses = tuple(sorted(addresses_by_group(stack).get(entry, ())))
    if not addresses:
        return None
    origin = (name, stack.origin.uid, stack.zone, stack.project.id)
    return Caller(*origin, entry, flow.to, tuple(flow.ports), addresses)


def _kept_caller(flow: FlowSpec, known: StackPlan | None) -> Caller | None:
    """What our own plan has of a request that is away, or has no plan (any more)."""
    name, entry = flow.from_.request or "", flow.from_.servers or ""
    link = next((one for one in known.links if one.request == name), None) if known else None
    groups = {group.name: group.addresses for group in known.address_groups} if known else {}
    addresses = groups.get(f"{name}.{entry}")
    if link is None or addresses is None:
        return None
    return Caller(name, link.uid, link.zone, link.project_id, entry, flow.to, tuple(flow.ports), addresses)


def _called(request: ResourceRequest, other: ResourceRequest, plan: Plan) -> Iterator[Called]:
    stack, entries = plan.spec.stack, {server.name for server in request.spec.servers}
    if not any(link.uid == request.meta.uid for link in stack.links):
        return
    by_group = addresses_by_group(stack)
    for group in stack.groups:
        for entry in sorted(entries):
            rules = tuple(_opened_to(f"{request.meta.name}.{entry}", group.rules))
            addresses = tuple(sorted(by_group.get(group.name, ())))
            if rules and addresses:
                yield Called(other.meta.name, other.meta.uid, stack.zone, entry, group.name, rules, addresses)


def _opened_to(addresses: str, rules: Iterable[RulePlan]) -> Iterator[RulePlan]:
    return (rule for rule in rules if rule.direction == "ingress" and rule.remote_addresses == addresses)


def _link(callers: Collection[Caller], own: Mapping[str, Collection[str]], transit: str) -> LinkPlan:
    first = next(iter(callers))
    return LinkPlan(
        request=first.request,
        uid=first.uid,
        zone=first.zone,
        project_id=first.project_id,
        transit=transit,
        callers=tuple(sorted({address for one in callers for address in one.addresses})),
        called=tuple(sorted({address for one in callers for address in own.get(one.to, ())})),
    )


def _ingress(callers: Iterable[Caller]) -> Iterator[tuple[str, RulePlan]]:
    for one in callers:
        for text in one.ports:
            first, last = port_range(text)
            yield (
                one.to,
                RulePlan.model_validate(
                    {
                        "direction": "ingress",
                        "protocol": text.partition("/")[0],
                        "port_first": first,
                        "port_last": last,
                        "remote_addresses": f"{one.request}.{one.entry}",
                    }
                ),
            )


def _egress(called: Iterable[Called]) -> Iterator[tuple[str, RulePlan]]:
    for one in called:
        for rule in one.rules:
            changed = {"direction": "egress", "remote_addresses": f"{one.request}.{one.group}"}
            yield one.entry, rule.model_copy(update=changed)


def _grouped(rules: Iterable[tuple[str, RulePlan]]) -> dict[str, tuple[RulePlan, ...]]:
    found: dict[str, set[RulePlan]] = defaultdict(set)
    for group, rule in rules:
        found[group].add(rule)
    return {group: tuple(sorted(found[group], key=_place)) for group in sorted(found)}


def _place(rule: RulePlan) -> tuple[str, str, str, int]:
    return rule.direction, rule.remote_addresses or "", rule.protocol, rule.port_first or 0
