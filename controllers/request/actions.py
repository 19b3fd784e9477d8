"""What a plan changes against the plan in force: the summary officers read, and the removals they sign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controllers.api.plan import THE_REQUEST, Action, Operation
from controllers.request.seat_actions import with_users
from infra.declared import PEER_PREFIX
from infra.planned import FORCES_REPLACEMENT, PlannedObject, planned_objects
from infra.provider.observed import Observed, ObservedObject, differing_fields, identity_of
from infra.stackplan import DATA_VOLUME_PREFIX, Kind, Removal, StackPlan

MOST_RULES_SHOWN = 64
CONSEQUENCES: Mapping[tuple[Operation, Kind], str] = {
    (Operation.REPLACE, Kind.SERVER): "the server is built anew and its own disk is lost",
    (Operation.REPLACE, Kind.VOLUME): "the volume is made anew and its content is lost",
    (Operation.DELETE, Kind.SERVER): "the server and its own disk are lost",
    (Operation.DELETE, Kind.VOLUME): "the volume and its content are lost",
    (Operation.REPLACE, Kind.FLOATING_IP): "the public address is given back and another takes its place",
    (Operation.DELETE, Kind.FLOATING_IP): "the public address is given back",
}
AT_THE_END = {
    "Delete": "from now on, deleting it deletes everything that exists for it",
    "Release": "from now on, deleting it deletes nothing: everything stays as it is, and is managed no longer",
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will be there of a plan's imports before anything is changed; names of flavors and images by id."""

    foreseen: Observed
    names: Mapping[str, str]


def removals_between(
    before: StackPlan | None, after: StackPlan, *, unfinished: Iterable[Removal] = ()
) -> tuple[Removal, ...]:
    """Every object of `before` that will not exist any more as it is: deleted, or replaced by another.

    `unfinished` are removals of `before` that may not have been carried out: approved already, they are part of
    the new plan, too. Data volumes to be retained are not in the list: they stay, marked, until somebody decides.
    """
    old, new = _objects(before), planned_objects(after)
    retained = _retained(before)
    leaving = [
        Removal(kind=item.kind, name=name, fingerprint=item.fingerprint)
        for name, item in old.items()
        if name not in retained and (name not in new or new[name].fingerprint != item.fingerprint)
    ]
    open_ = [item for item in unfinished if item.id is None]  # what a repair still owes is found again by looking
    still = [item for item in open_ if item.name not in new or new[item.name].fingerprint != item.fingerprint]
    return tuple(dict.fromkeys([*leaving, *still]))


def actions_between(
    before: StackPlan | None, after: StackPlan, *, outlook: Outlook | None = None
) -> tuple[Action, ...]:
    """The changes in words, in the order in which the objects appear in the plan; deletions last."""
    old, new = _objects(before), planned_objects(after)
    names = {**(outlook.names if outlook else {}), **_catalogue_names(before, after)}
    taken = _imported(before, after, outlook.foreseen if outlook else None, names)
    changes = [
        action for item in new.values() for action in taken.get(item.name) or _action(old.get(item.name), item, names)
    ]
    retained = _retained(before)
    for name, item in old.items():
        if name not in new:
            kept = name in retained
            detail = "detached and kept" if kept else CONSEQUENCES.get((Operation.DELETE, item.kind), "")
            operation = Operation.UPDATE if kept else Operation.DELETE
            changes.append(Action(operation=operation, kind=item.kind, name=name, detail=detail))
    changes = list(with_users(before, after, changes))
    changes += _left_over(after, {*old, *new})
    changes += _kept_otherwise(before, after)
    changes += _ending_otherwise(before, after)
    return tuple(changes)


def _imported(
    before: StackPlan | None, after: StackPlan, foreseen: Observed | None, names: Mapping[str, str]
) -> dict[str, list[Action]]:
    """What the plan newly takes over, by name, and what comes with it; with everything that changes in place."""
    entries = {one.name: one.id for one in after.imports if before is None or one not in before.imports}
    seen = foreseen.by_identity if foreseen and entries else {}
    taken = {}
    for item in planned_objects(after).values():
        found = seen.get(identity_of(item))
        if item.name in entries:
            detail = f"taken over as it is: {entries[item.name]}"
        elif found is not None and item.name not in _objects(before):
            detail = "taken over with what it belongs to"
        else:
            continue
        changed = _changed_by_import(found, item, names) if found else ""
        detail += f", changed in: {changed}" if changed else ""
        taken[item.name] = [Action(operation=Operation.IMPORT, kind=item.kind, name=item.name, detail=detail)]
    return taken


def _changed_by_import(found: ObservedObject, item: PlannedObject, names: Mapping[str, str]) -> str:
    differing = differing_fields(item, found)
    if not differing:
        return ""
    told = _changed(PlannedObject(item.kind, item.name, found.inputs, item.fingerprint), item, names)
    guarded = "addresses of others are refused again" if "may_spoof" in differing else ""
    resized = "resized, with a restart" if "flavor_id" in differing else ""
    return "; ".join(filter(None, [told if set(differing) - {"may_spoof"} else "", guarded, resized]))


def _ending_otherwise(before: StackPlan | None, after: StackPlan) -> Iterator[Action]:
    """Nothing changes in the cloud now; officers sign for what will happen at the end all the same."""
    if after.deletion_policy != (before.deletion_policy if before else "Delete"):
        detail = AT_THE_END[after.deletion_policy]
        yield Action(operation=Operation.UPDATE, kind=THE_REQUEST, name=after.origin.name, detail=detail)


def _left_over(after: StackPlan, named: Collection[str]) -> Iterator[Action]:
    """Removals of an earlier plan that was not carried out to its end."""
    for item in after.removals:
        if item.name not in named:
            detail = "left over from an earlier plan; " + CONSEQUENCES.get((Operation.DELETE, item.kind), "removed now")
            yield Action(operation=Operation.DELETE, kind=item.kind, name=item.name, detail=detail)


def _kept_otherwise(before: StackPlan | None, after: StackPlan) -> Iterator[Action]:
    """Nothing changes in the cloud when a volume's fate does; officers sign for it all the same."""
    old, new = _fates(before), _fates(after)
    for name in new:
        if name in old and old[name] != new[name]:
            fate = "is deleted" if new[name] == "Delete" else "stays"
            detail = f"from now on it {fate} when its server goes"
            yield Action(operation=Operation.UPDATE, kind=Kind.VOLUME, name=name, detail=detail)


def _objects(plan: StackPlan | None) -> Mapping[str, PlannedObject]:
    return planned_objects(plan) if plan else {}


def _retained(plan: StackPlan | None) -> set[str]:
    return {name for name, fate in _fates(plan).items() if fate == "Retain"}


def _fates(plan: StackPlan | None) -> dict[str, str]:
    """What becomes of each data volume when its server goes."""
    servers = plan.servers if plan else ()
    return {
        f"{DATA_VOLUME_PREFIX}{server.name}.{volume.name}": volume.on_delete
        for server in servers
        for volume in server.volumes
    }


def _action(old: PlannedObject | None, new: PlannedObject, names: Mapping[str, str]) -> Iterator[Action]:
    if old is None:
        yield Action(operation=Operation.CREATE, kind=new.kind, name=new.name, detail=_described(new, names))
    elif old.fingerprint != new.fingerprint:
        consequence = CONSEQUENCES.get((Operation.REPLACE, new.kind), "")
        detail = "; ".join(filter(None, [_changed(old, new, names), consequence]))
        yield Action(operation=Operation.REPLACE, kind=new.kind, name=new.name, detail=detail)
    elif old.inputs != new.inputs:
        resized = new.kind is Kind.SERVER and old.inputs["flavor_id"] != new.inputs["flavor_id"]
        detail = "; ".join(filter(None, [_changed(old, new, names), "resized, with a restart" if resized else ""]))
        yield Action(operation=Operation.UPDATE, kind=new.kind, name=new.name, detail=detail)


def _described(item: PlannedObject, names: Mapping[str, str]) -> str:
    described = _IN_WORDS.get(item.kind)
    return described(item, names) if described else ""


def _server_in_words(item: PlannedObject, names: Mapping[str, str]) -> str:
    image = names.get(str(item.inputs["image_id"]), "from its boot volume")
    return f"{names[item.inputs['flavor_id']]}, {image}"


def _rules_in_words(item: PlannedObject, names: Mapping[str, str]) -> str:
    return _joined([rule_in_words(rule) for rule in item.inputs["rules"]]) or "closed"


def _changed(old: PlannedObject, new: PlannedObject, names: Mapping[str, str]) -> str:
    if new.kind is Kind.SECURITY_GROUP_RULES and old.inputs["group"] == new.inputs["group"]:
        return _changed_rules(old.inputs["rules"], new.inputs["rules"])
    differing = [key for key in new.inputs if old.inputs[key] != new.inputs[key]]
    if not differing:
        follows = ", ".join(str(new.inputs[key])[1:] for key in FORCES_REPLACEMENT[new.kind] if _refers(new, key))
        return f"follows {follows}"
    told = [key for key in differing if key != "term"]  # said with the desktop's users
    return "; ".join(f"{_word(key)} {_shown(old, key, names)} → {_shown(new, key, names)}" for key in told)


def _changed_rules(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    opened = [f"opens {rule_in_words(rule)}" for rule in new if rule not in old]
    closed = [f"closes {rule_in_words(rule)}" for rule in old if rule not in new]
    return _joined(opened + closed)


def _joined(phrases: list[str]) -> str:
    shown = "; ".join(phrases[:MOST_RULES_SHOWN])
    more = len(phrases) - MOST_RULES_SHOWN
    return f"{shown}; and {more} more, see the plan's groups" if more > 0 else shown


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """`tcp/443 from 10.20.0.0/16`; also of a rule that is in no plan, where anything may be open."""
    first, last = rule["port_first"], rule["port_last"]
    ports = "" if first is None else f"/{first}" if first == last else f"/{first}-{last}"
    way = "from" if rule["direction"] == "ingress" else "to"
    remote = rule["remote"] or rule.get("address_group") or "anywhere"  # changed by hand: any rule
    version = f" ({rule['ethertype']})" if "ethertype" in rule else ""
    return f"{rule['protocol'] or 'everything'}{ports} {way} {_remote_in_words(str(remote))}{version}"


def _remote_in_words(remote: str) -> str:
    if not remote.startswith("@addresses-"):
        return remote.removeprefix("@group-")
    request, _, servers = remote.removeprefix("@addresses-").partition(".")
    return f"{servers} of request {request}"


def routes_in_words(routes: list[dict[str, Any]]) -> str:
    """`10.10.1.20/32 by 100.64.0.3`."""
    return ", ".join(f"{route['destination']} by {route['nexthop']}" for route in routes)


def _on(item: PlannedObject, names: Mapping[str, str]) -> str:
    """Whose router it is on, if it is another request's."""
    uid = str(item.inputs["router"]).removeprefix(PEER_PREFIX)
    return f"on the router of {names.get(uid, 'another request')}" if uid != item.inputs["router"] else ""


def _refers(item: PlannedObject, key: str) -> bool:
    value = item.inputs.get(key)
    return isinstance(value, str) and value.startswith("@")


def _word(key: str) -> str:
    return key.removesuffix("_id").replace("_gib", ", GiB:").replace("_", " ")


def _shown(item: PlannedObject, key: str, names: Mapping[str, str]) -> str:
    value = item.inputs[key]
    if key == "routes":
        return routes_in_words(value)
    if isinstance(value, list):
        return ", ".join(str(one).removeprefix("@") for one in value) or "none"
    return "none" if value in (None, "") else names.get(str(value), str(value).removeprefix("@"))


def _catalogue_names(*plans: StackPlan | None) -> dict[str, str]:
    known = [plan for plan in plans if plan]
    servers = [server for plan in known for server in plan.servers]
    others = {link.uid: f"request {link.request} in zone {link.zone}" for plan in known for link in plan.links}
    return {item.id: item.name for server in servers for item in (server.flavor, server.image)} | others


_IN_WORDS: Mapping[Kind, Callable[[PlannedObject, Mapping[str, str]], str]] = {
    Kind.SERVER: _server_in_words,
    Kind.SUBNET: lambda item, _: str(item.inputs["cidr"]),
    Kind.PORT: lambda item, _: str(item.inputs["address"]),
    Kind.FLOATING_IP: lambda item, _: "an address on the internet, which OpenStack chooses",
    Kind.VOLUME: lambda item, _: f"{item.inputs['size_gib']} GiB",
    Kind.SECURITY_GROUP_RULES: _rules_in_words,
    Kind.ADDRESS_GROUP: lambda item, _: ", ".join(item.inputs["addresses"]),
    Kind.ROUTER_INTERFACE: _on,
    Kind.ROUTER_ROUTES: lambda item, names: f"{_on(item, names)} to {routes_in_words(item.inputs['routes'])}".strip(),
}
