"""The operator is killed while two requests are joined, or parted. Each point is the whole life of a linked pair."""

from __future__ import annotations

from tests.crash.linked import LinkedRun
from tests.crash.run import Run
from tests.faults.actions import Gate, Moment
from tests.faults.calls import Call
from tests.faults.rules import Match

Step = tuple[Match, int]
"""Which calls, and how many such calls there are at least."""


def link_half_joined(run: Run) -> None:
    """The called side has made a part of the way to its caller: group, network, places on routers, routes."""
    pair = LinkedRun.of(run)
    full_name = f"{run.story.name}-{pair.caller.story.name}"
    steps = [
        (_naming("POST", "address-groups", f"{full_name}.web"), 1),
        (_naming("POST", "networks", full_name), 1),
        (_by_port("routers/add_router_interface"), 2),
        (Match("network", "PUT", "routers/add_extraroutes"), 2),
    ]
    _joined(pair, steps)


def link_half_called(run: Run) -> None:
    """The calling side has made a part of what lets its servers call: the address group, the rules out to it."""
    pair = LinkedRun.of(run)
    group = f"{pair.caller.story.name}-{run.story.name}.web"
    rules = Match("network", "POST", "security-group-rules", where=_lets_call)
    _joined(pair, [(_naming("POST", "address-groups", group), 1), (rules, 1)])


def link_half_parted(run: Run) -> None:
    """One of two is being removed, and a part of what joined them is gone; the other stays as it is planned."""
    pair = LinkedRun.of(run)
    pair.built()
    going = run.chance.choice(pair.both)
    sides = 2 if going is pair.called else 1  # a caller has only its own router's side to take off
    steps = [
        (Match("network", "PUT", "routers/remove_extraroutes"), sides),
        (_by_port("routers/remove_router_interface"), sides),
        (Match("network", "DELETE", "address-groups"), 1),
        (Match("network", "DELETE", "networks"), sides),
    ]
    gate = _gate_at(pair, steps)
    going.delete()
    _killed_at(run, gate)
    pair.parted(going)
    pair.delete()
    pair.gone()


def _joined(pair: LinkedRun, steps: list[Step]) -> None:
    pair.planned()
    gate = _gate_at(pair, steps)
    pair.approve()
    _killed_at(pair.called, gate)
    pair.ready()
    pair.delete()
    pair.gone()


def _gate_at(pair: LinkedRun, steps: list[Step]) -> Gate:
    """One of the steps, before it or with its answer unread; chosen by the seed."""
    chance = pair.called.chance
    match, most = chance.choice(steps)
    return pair.called.book.hold(match, chance.choice([Moment.BEFORE, Moment.AFTER]), nth=chance.randint(1, most))


def _killed_at(run: Run, gate: Gate) -> None:
    run.caught(gate)
    run.operator.kill()
    gate.drop()
    run.operator.start()


def _naming(method: str, collection: str, name: str) -> Match:
    """Calls that carry a name of exactly this form."""
    return Match("network", method, collection, where=lambda call: f'"{name}"'.encode() in call.body)


def _by_port(collection: str) -> Match:
    """A link's place on a router is made of a port, a network's of its subnet."""
    return Match("network", "PUT", collection, where=lambda call: "port_id" in (call.content() or {}))


def _lets_call(call: Call) -> bool:
    rules = (call.content() or {}).get("security_group_rules", ())
    return any(rule["direction"] == "egress" and rule.get("remote_address_group_id") for rule in rules)
