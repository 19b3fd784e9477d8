"""What a request imports: found in the department's project, judged, and told with everything that is wrong at once.

Reading only, and only in the project the department has in the zone: what lies in another is not there for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from controllers.api.findings import Finding
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.request.addresses import Existing, Shape
from infra.cloud import Answer
from infra.provider.observe import ProjectListing
from infra.provider.obstacles import IPV4
from infra.provider.takeover import obstacles
from infra.stackplan import DATA_VOLUME_PREFIX, PUBLIC_PREFIX, Import, Kind, StackPlan

PREFIXES: Mapping[str, Kind] = {
    "network-": Kind.NETWORK,
    "subnet-": Kind.SUBNET,
    "group-": Kind.SECURITY_GROUP,
    "port-": Kind.PORT,
    "boot-": Kind.VOLUME,
    DATA_VOLUME_PREFIX: Kind.VOLUME,
    "server-": Kind.SERVER,
    PUBLIC_PREFIX: Kind.FLOATING_IP,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the imports of a request are; `listing` None: no cloud was asked."""

    imports: tuple[Import, ...] = ()
    addresses: Existing = field(default_factory=Existing)
    listing: ProjectListing | None = None


def named_imports(spec: ResourceRequestSpec, *, unknown: str) -> Found:
    """Without a cloud: what the request names, and nothing known of it. `unknown` stands for ids of subnets."""
    imports = _named(spec)
    subnets = {entry.name.replace("network-", "subnet-", 1) for entry in imports if entry.kind is Kind.NETWORK}
    along = sorted(subnets - {entry.name for entry in imports})
    return Found((*imports, *(Import(kind=Kind.SUBNET, name=name, id=unknown) for name in along)))


def find_imports(spec: ResourceRequestSpec, listing: ProjectListing) -> Found:
    """Pure: the imports as a listing of the project shows them. A network's subnet is taken along."""
    imports = _named(spec)
    known = {entry.name for entry in imports}
    along = []
    for network in [entry for entry in imports if entry.kind is Kind.NETWORK]:
        subnets = [raw for raw in listing[Kind.SUBNET] if raw["network_id"] == network.id]
        subnet = network.name.replace("network-", "subnet-", 1)
        if len(subnets) == 1 and subnet not in known:
            along.append(Import(kind=Kind.SUBNET, name=subnet, id=subnets[0]["id"]))
    imports = (*imports, *along)
    return Found(imports, _addresses(imports, listing), listing)


def _named(spec: ResourceRequestSpec) -> tuple[Import, ...]:
    return tuple(Import(kind=kind_of(entry.name), name=entry.name, id=entry.id) for entry in spec.imports)


def kind_of(name: str) -> Kind:
    """The kind of an importable object, by its logical name."""
    return next((kind for prefix, kind in PREFIXES.items() if name.startswith(prefix)), Kind.ROUTER)


def import_findings(
    spec: ResourceRequestSpec, stack: StackPlan, found: Found, *, elsewhere: Mapping[str, str]
) -> list[Finding]:
    """Everything that stands against the imports. `elsewhere`: which other request's plan has an id."""
    if found.listing is None:
        return []
    findings = [Finding(_where(spec, one.name), f"{one.name}: {one.text}") for one in obstacles(stack, found.listing)]
    for entry in found.imports:
        if entry.id in elsewhere:
            what = f"{entry.name}: is in the plan of request '{elsewhere[entry.id]}' already"
            findings.append(Finding(_where(spec, entry.name), what))
    return [*findings, *_sizes(spec, found)]


def _sizes(spec: ResourceRequestSpec, found: Found) -> Iterator[Finding]:
    for index, network in enumerate(spec.networks):
        shape = found.addresses.networks.get(network.name)
        if shape is not None and shape.prefix.prefixlen != network.prefix_length:
            what = f"network-{network.name} is a /{shape.prefix.prefixlen}; write {shape.prefix.prefixlen}"
            yield Finding(f"spec.networks[{index}].prefixLength", what)


def _where(spec: ResourceRequestSpec, name: str) -> str:
    """The entry that names it; of a subnet taken along, that of its network."""
    names = [entry.name for entry in spec.imports]
    return f"spec.imports[{names.index(name if name in names else name.replace('subnet-', 'network-', 1))}]"


def _addresses(imports: tuple[Import, ...], listing: ProjectListing) -> Existing:
    shapes, servers = {}, {}
    for entry in imports:
        raw = next((one for one in listing[entry.kind] if one["id"] == entry.id), None)
        name = entry.name.partition("-")[2]
        if raw is None:
            continue
        if entry.kind is Kind.SUBNET and (shape := _shape(raw)):
            shapes[name] = shape
        if entry.kind is Kind.PORT and raw.get("fixed_ips"):
            servers[name] = IPv4Address(raw["fixed_ips"][0]["ip_address"])
    subnets = {entry.id for entry in imports if entry.kind is Kind.SUBNET}
    ports = [used for port in listing[Kind.PORT] for used in port["fixed_ips"] if used["subnet_id"] in subnets]
    gateways = {IPv4Address(shape.gateway) for shape in shapes.values()}
    return Existing(shapes, servers, frozenset({IPv4Address(used["ip_address"]) for used in ports} | gateways))


def _shape(raw: Answer) -> Shape | None:
    """None for what cannot be taken over anyway; `obstacles` says why."""
    pools = raw.get("allocation_pools") or []
    if raw.get("ip_version", IPV4) != IPV4 or len(pools) != 1 or not raw.get("gateway_ip"):
        return None
    return Shape(IPv4Network(raw["cidr"]), raw["gateway_ip"], pools[0]["start"], pools[0]["end"])
