"""Security group rules in an officer's words: who may be reached by whom, and who may reach whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from controllers.api.resourcerequest import FlowSource, FlowSpec
from infra.stackplan import GroupPlan, RulePlan, StackPlan

Row = tuple[str, str, str, str]

COLUMNS = ("SERVERS", "MAY", "WHOM", "ON")
CROSSING_COLUMNS = ("REQUEST", "ZONE", "WHO", "OVER")


def traffic(groups: Iterable[GroupPlan]) -> Iterator[Row]:
    """One row per servers, direction and counterpart, with all its ports: everything the plan opens."""
    for group in groups:
        ports: dict[tuple[str, str], list[str]] = {}
        for rule in sorted(group.rules, key=_order):
            ports.setdefault((_may(rule), _whom(rule)), []).append(port_words(rule))
        for (may, whom), opened in ports.items():
            yield group.name, may, whom, ", ".join(opened)


def port_words(rule: RulePlan) -> str:
    """'tcp/443', 'udp/5000-5010', 'all tcp ports'."""
    if rule.protocol == "icmp":
        return "icmp"
    if rule.port_first is None or rule.port_last is None:
        return f"all {rule.protocol} ports"
    last = "" if rule.port_last == rule.port_first else f"-{rule.port_last}"
    return f"{rule.protocol}/{rule.port_first}{last}"


def stated_flows(flows: Iterable[FlowSpec]) -> Iterator[Row]:
    """What the requester wrote about each flow. Not signed: the rules are."""
    for flow in flows:
        yield source_words(flow.from_), flow.to, ", ".join(flow.ports), flow.purpose


def source_words(source: FlowSource) -> str:
    """'10.20.0.0/16', 'servers db', 'servers db of request permit-db'."""
    if source.cidr is not None:
        return source.cidr
    servers = f"servers {source.servers}"
    return servers if source.request is None else f"{servers} of request {source.request}"


def crossings(stack: StackPlan) -> Iterator[Row]:
    """One row per other request: who it is, in which zone, who comes or is called, and over what."""
    addresses = {group.name: ", ".join(group.addresses) for group in stack.address_groups}
    for link in stack.links:
        yield (
            link.request,
            link.zone,
            f"its {_addresses_of(link.request, addresses)} come",
            f"a network of its own: {link.transit}",
        )
    for call in stack.calls:
        way = "its plan joins it to our router"
        yield call.request, call.zone, f"our servers call its {_addresses_of(call.request, addresses)}", way


def _addresses_of(request: str, addresses: Mapping[str, str]) -> str:
    found = {name.partition(".")[2]: text for name, text in addresses.items() if name.partition(".")[0] == request}
    return "; ".join(f"{servers} ({text})" for servers, text in found.items())


def _may(rule: RulePlan) -> str:
    return "be reached by" if rule.direction == "ingress" else "reach"


def _whom(rule: RulePlan) -> str:
    if rule.remote_group is not None:
        return f"servers {rule.remote_group}"
    if rule.remote_addresses is not None:
        request, _, servers = rule.remote_addresses.partition(".")
        return f"servers {servers} of request {request}"
    return rule.remote_cidr or "anyone"


def _order(rule: RulePlan) -> tuple[bool, str, str, int]:
    return rule.direction == "egress", _whom(rule), rule.protocol, rule.port_first or 0
