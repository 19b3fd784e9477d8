"""Form that a schema cannot say: what one part of a request has to do with another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network

from controllers.api.desktops import DesktopSpec
from controllers.api.findings import Finding
from controllers.api.ports import port_range
from controllers.api.resourcerequest import FlowSpec, ResourceRequestSpec, ServerSpec
from controllers.request.addresses import servers_that_fit
from controllers.request.validate_desktops import desktop_findings
from infra.stackplan import DATA_VOLUME_PREFIX, MOST_SERVERS, PUBLIC_PREFIX, StackPlan

MOST_RULES = 180  # of the plan's 200, the others being the zone's own
HIGHEST_PORT = 65535
MOST_NAMES_SHOWN = 12
ALONG = ("rules-", "interface-", "attachment-")


def validate(spec: ResourceRequestSpec, *, in_force: StackPlan | None = None) -> list[Finding]:
    """Every inconsistency of a request in itself, and with what has been built for it."""
    checks = (_names, _networks, _sizes, _flows, _rules, _imports, desktop_findings)
    return [*(finding for check in checks for finding in check(spec)), *_volumes(spec, in_force)]


def _names(spec: ResourceRequestSpec) -> Iterator[Finding]:
    for where, names in (
        ("spec.networks", [network.name for network in spec.networks]),
        ("spec.servers", [server.name for server in spec.servers]),
        ("spec.desktops", [desktop.name for desktop in spec.desktops]),
        ("spec.imports", [entry.name for entry in spec.imports]),
    ):
        for name, times in Counter(names).items():
            if times > 1:
                yield Finding(where, f"the name '{name}' is used {times} times; each may be used once")
    for index, server in enumerate(spec.servers):
        for name, times in Counter(volume.name for volume in server.volumes).items():
            if times > 1:
                yield Finding(
                    f"spec.servers[{index}].volumes", f"the name '{name}' is used {times} times; each may be used once"
                )


def _networks(spec: ResourceRequestSpec) -> Iterator[Finding]:
    known = [network.name for network in spec.networks]
    for index, server in enumerate(spec.servers):
        if server.network not in known:
            yield Finding(
                f"spec.servers[{index}].network",
                f"no network '{server.network}' in this request; allowed: {', '.join(known)}",
            )


def _sizes(spec: ResourceRequestSpec) -> Iterator[Finding]:
    entries: list[ServerSpec | DesktopSpec] = [*spec.servers, *spec.desktops]
    for index, network in enumerate(spec.networks):
        asked = sum(entry.count for entry in entries if entry.network == network.name)
        room = servers_that_fit(network.prefix_length)
        if asked > room:
            where = f"spec.networks[{index}].prefixLength"
            yield Finding(
                where, f"a /{network.prefix_length} has room for {room} servers, not {asked}; take a smaller number"
            )
    total = sum(server.count for server in spec.servers)
    if total > MOST_SERVERS:
        yield Finding("spec.servers", f"{total} servers in one request; at most {MOST_SERVERS} are allowed")


def _volumes(spec: ResourceRequestSpec, in_force: StackPlan | None) -> Iterator[Finding]:
    """A volume can grow where it is; making it smaller would mean losing what is on it."""
    built = {server.name: server for server in in_force.servers} if in_force else {}
    for index, entry in enumerate(spec.servers):
        before = built.get(f"{entry.name}-0")
        if before is None:
            continue
        if (before.boot_volume_gib or 0) > (entry.boot_volume_gib or before.boot_volume_gib or 0):
            where = f"spec.servers[{index}].bootVolumeGiB"
            yield Finding(where, f"is {before.boot_volume_gib} GiB already; it can grow, not shrink")
        sizes = {volume.name: volume.size_gib for volume in before.volumes}
        for position, volume in enumerate(entry.volumes):
            if volume.size_gib < sizes.get(volume.name, 0):
                where = f"spec.servers[{index}].volumes[{position}].sizeGiB"
                yield Finding(where, f"is {sizes[volume.name]} GiB already; it can grow, not shrink")


def _flows(spec: ResourceRequestSpec) -> Iterator[Finding]:
    known = [server.name for server in spec.servers]
    seen: set[tuple[object, ...]] = set()
    for index, flow in enumerate(spec.flows):
        where = f"spec.flows[{index}]"
        if flow.to not in known:
            yield Finding(
                f"{where}.to", f"no servers '{flow.to}' in this request; allowed: {', '.join(known) or 'none'}"
            )
        yield from _source(where, flow, known)
        yield from _ports(where, flow)
        key = (flow.from_, flow.to, flow.ports)
        if key in seen:
            yield Finding(where, "the same flow is listed twice")
        seen.add(key)


def _rules(spec: ResourceRequestSpec) -> Iterator[Finding]:
    """A security group has a bounded number of rules: one for each port and source."""
    for index, entry in enumerate(spec.servers):
        own = [
            flow for flow in spec.flows if entry.name in (flow.to, None if flow.from_.request else flow.from_.servers)
        ]
        rules = sum(len(flow.ports) for flow in own)
        if rules > MOST_RULES:
            yield Finding(
                f"spec.servers[{index}]", f"its flows make {rules} rules; at most {MOST_RULES}; use port ranges"
            )


def _is_from(flow: FlowSpec, entry: str) -> bool:
    return flow.from_.request is None and flow.from_.servers == entry


def _imports(spec: ResourceRequestSpec) -> Iterator[Finding]:
    """An import says which object of this very request exists already; one object is one of them only."""
    importable = set(_importable(spec))
    times = Counter(entry.id for entry in spec.imports)
    for index, entry in enumerate(spec.imports):
        where = f"spec.imports[{index}]"
        if entry.name.startswith(ALONG):
            yield Finding(f"{where}.name", f"'{entry.name}' comes along with what it belongs to; leave it out")
        elif entry.name not in importable:
            known = ", ".join(sorted(importable)[:MOST_NAMES_SHOWN])
            yield Finding(f"{where}.name", f"'{entry.name}' is no object of this request; its objects are {known}")
        if times[entry.id] > 1:
            yield Finding(f"{where}.id", f"the id '{entry.id}' is used {times[entry.id]} times; each may be used once")


def _importable(spec: ResourceRequestSpec) -> Iterator[str]:
    yield "router"
    for network in spec.networks:
        yield from (f"network-{network.name}", f"subnet-{network.name}")
    for entry in spec.servers:
        yield f"group-{entry.name}"
        for server in (f"{entry.name}-{index}" for index in range(entry.count)):
            yield from (f"server-{server}", f"port-{server}")
            yield from (f"{DATA_VOLUME_PREFIX}{server}.{volume.name}" for volume in entry.volumes)
            if entry.boot_volume_gib is not None:
                yield f"boot-{server}"
            if entry.public_address:
                yield f"{PUBLIC_PREFIX}{server}"


def _source(where: str, flow: FlowSpec, known: list[str]) -> Iterator[Finding]:
    source = flow.from_
    ways = (source.cidr is not None, source.request is not None, source.servers is not None)
    if ways not in ((True, False, False), (False, False, True), (False, True, True)):
        yield Finding(f"{where}.from", "give either `cidr`, or `servers`, or `request` with `servers`")
    elif source.cidr is not None:
        yield from _prefix(f"{where}.from.cidr", source.cidr)
    elif source.request is None and source.servers not in known:
        yield Finding(
            f"{where}.from.servers", f"no servers '{source.servers}' in this request; allowed: {', '.join(known)}"
        )


def _prefix(where: str, text: str) -> Iterator[Finding]:
    try:
        IPv4Network(text)
    except ValueError as error:
        yield Finding(where, f"{error}; write a prefix such as 10.10.8.0/24")


def _ports(where: str, flow: FlowSpec) -> Iterator[Finding]:
    for position, text in enumerate(flow.ports):
        first, last = port_range(text)
        if first > last or last > HIGHEST_PORT:
            yield Finding(f"{where}.ports[{position}]", f"'{text}' is no port or range between 1 and {HIGHEST_PORT}")
