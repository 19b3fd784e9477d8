"""Observing: one list call per kind and project, shared by all requests of that project.

An object is ours when its marker carries the request's uid. Router interfaces, rules and volume attachments have
no marker of their own: they are ours when both their ends are. What a link has on a router, the other request's too,
is ours by its port. Objects already being deleted are not there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from infra.cloud import Answer, Service
from infra.planned import fingerprint
from infra.provider.floating_ip import address_of
from infra.provider.kinds import BY_KIND
from infra.provider.observed import Observed, ObservedObject
from infra.provider.resource import CloudCalls, Names, created_at, marker_text, scope_query
from infra.provider.router_interface import by_port_id, is_interface, is_of_link, subnet_of
from infra.provider.router_routes import routes_id, routes_into, transit_of
from infra.provider.security_group_rules import rules_id
from infra.provider.server import fault_of
from infra.provider.volume_attachment import attachment_id
from infra.stackplan import Kind, marker_parts

COLLECTIONS: Mapping[Kind, tuple[Service, str]] = {
    Kind.ROUTER: ("network", "routers"),
    Kind.NETWORK: ("network", "networks"),
    Kind.SUBNET: ("network", "subnets"),
    Kind.SECURITY_GROUP: ("network", "security-groups"),
    Kind.ADDRESS_GROUP: ("network", "address-groups"),
    Kind.PORT: ("network", "ports"),
    Kind.FLOATING_IP: ("network", "floatingips"),
    Kind.VOLUME: ("volume", "volumes/detail"),
    Kind.SERVER: ("compute", "servers/detail"),
}
_GOING = frozenset({"DELETED", "SOFT_DELETED", "deleting"})


@dataclass(frozen=True, slots=True)
class Marked:
    """A live object and what its marker says."""

    kind: Kind
    name: str
    fingerprint: str
    raw: Answer


@dataclass(frozen=True)
class ProjectListing:
    """Everything of the listed kinds in one project, whoever made it.

    `beyond` are routers of other projects, as far as links lead to them.
    """

    collections: Mapping[Kind, list[Answer]]
    beyond: tuple[Answer, ...] = ()

    def __getitem__(self, kind: Kind) -> list[Answer]:
        return self.collections.get(kind, [])

    def ports_of(self, device_id: str) -> list[Answer]:
        """The ports of a server or router."""
        return self._ports_by_device.get(device_id, [])

    def router(self, router_id: str) -> Answer | None:
        """A router of the project, or one beyond."""
        return self._routers_by_id.get(router_id)

    @cached_property
    def routers(self) -> Mapping[str, str]:
        """The id of each request's router, by the request's uid; of several the oldest."""
        found: dict[str, str] = {}
        for raw in sorted(self._routers_by_id.values(), key=_age):
            parts = marker_parts(marker_text(raw))
            if parts and not is_going(raw):
                found.setdefault(parts[0], raw["id"])
        return found

    @cached_property
    def _routers_by_id(self) -> Mapping[str, Answer]:
        return {raw["id"]: raw for raw in (*self.beyond, *self[Kind.ROUTER])}

    @cached_property
    def marked(self) -> Mapping[str, list[Marked]]:
        """By uid, and of each kind the oldest first."""
        found: dict[str, list[Marked]] = defaultdict(list)
        for kind in COLLECTIONS:
            for raw in sorted(self[kind], key=_age):
                parts = marker_parts(marker_text(raw))
                if parts and not is_going(raw):
                    uid, name, prints = parts
                    found[uid].append(Marked(kind, name, prints, raw))
        return found

    @cached_property
    def leaving(self) -> Mapping[str, tuple[str, ...]]:
        """By uid: names of objects that are being deleted."""
        found: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for raw in (raw for kind in COLLECTIONS for raw in self[kind] if is_going(raw)):
            if parts := marker_parts(marker_text(raw)):
                found[parts[0]] += (parts[1],)
        return found

    @cached_property
    def _ports_by_device(self) -> Mapping[str, list[Answer]]:
        found: dict[str, list[Answer]] = defaultdict(list)
        for port in self[Kind.PORT]:
            found[port.get("device_id", "")].append(port)
        return found


async def list_project(cloud: CloudCalls) -> ProjectListing:
    """Lists all kinds at the same time; volumes only where the cloud has them.

    Of a cloud that is not scoped to one project: everything of all projects.
    """
    kinds = [kind for kind in COLLECTIONS if kind is not Kind.VOLUME or await cloud.has("volume")]
    answers = await asyncio.gather(*(_listed(cloud, kind) for kind in kinds))
    listing = ProjectListing(dict(zip(kinds, answers, strict=True)))
    return replace(listing, beyond=tuple(await _led_to(cloud, listing)))


async def list_routers(cloud: CloudCalls, project_id: str) -> list[Answer]:
    """The routers of another project, with their routes."""
    return await cloud.list("network", "routers", {"project_id": project_id})


async def observe(cloud: CloudCalls, uid: str) -> Observed:
    """Everything of one request, by a listing of its own."""
    return observed_from_listing(await list_project(cloud), uid)


async def list_servers(cloud: CloudCalls) -> ProjectListing:
    """The servers alone, for all requests of the project."""
    return ProjectListing({Kind.SERVER: await _listed(cloud, Kind.SERVER)})


async def list_building(cloud: CloudCalls) -> frozenset[str]:
    """The cheap poll: ids of the servers that are still being built, for all requests of the project.

    Without details, for which Nova would ask Neutron each time: of ten servers that takes ten times as much of the
    processors, which the building needs. Compute API "List Servers", query `status`.
    """
    found = await cloud.list("compute", "servers", {**scope_query(cloud, "compute"), "status": "BUILD"})
    return frozenset(raw["id"] for raw in found)


def servers_from_listing(listing: ProjectListing, uid: str) -> dict[str, ObservedObject]:
    """Pure: one request's servers by logical name, with status and fault only."""
    return {one.name: _object(one, ProjectListing({}), Names()) for one in listing.marked.get(uid, [])}


def observed_from_listing(listing: ProjectListing, uid: str) -> Observed:
    """Pure: the part of a project's listing that belongs to one request."""
    marked = listing.marked.get(uid, [])
    names = Names(listing.routers)
    for one in marked:
        names.record(one.name, one.raw["id"])
    objects = [_object(one, listing, names) for one in marked]
    objects.sort(key=lambda found: not _is_used(found, listing))  # stable: of equals the oldest stays first
    prints = {found.name: found.fingerprint for found in reversed(objects)}  # the first of twins has the last word
    objects += _unmarked(listing, objects, names, prints)
    return Observed(uid, tuple(_with_twins(objects)), listing.leaving.get(uid, ()), listing.routers)


async def _led_to(cloud: CloudCalls, listing: ProjectListing) -> list[Answer]:
    """Routers that are not in the listing and have a port of a link in it; one that went meanwhile is left out."""
    ports = [port for port in filter(is_interface, listing[Kind.PORT]) if is_of_link(port)]
    unknown = sorted({port["device_id"] for port in ports if listing.router(port["device_id"]) is None})
    found = await asyncio.gather(*(cloud.list("network", "routers", {"id": one}) for one in unknown))
    return [raw for answer in found for raw in answer]


async def _listed(cloud: CloudCalls, kind: Kind) -> list[Answer]:
    service, path = COLLECTIONS[kind]
    return await cloud.list(service, path, scope_query(cloud, service))


def _object(marked: Marked, listing: ProjectListing, names: Names) -> ObservedObject:
    raw = marked.raw
    return ObservedObject(
        kind=marked.kind,
        id=raw["id"],
        name=marked.name,
        fingerprint=marked.fingerprint,
        inputs=BY_KIND[marked.kind].live(raw, names, listing),
        created_at=created_at(raw),
        status=str(raw.get("status", "")),
        fault=fault_of(raw),
        address=_address(marked.kind, raw),
        raw=raw,
    )


def _address(kind: Kind, raw: Answer) -> str | None:
    if kind is Kind.FLOATING_IP:
        return address_of(raw)
    addresses = raw.get("fixed_ips") or []
    return addresses[0]["ip_address"] if kind is Kind.PORT and addresses else None


def _unmarked(
    listing: ProjectListing, marked: list[ObservedObject], names: Names, prints: Mapping[str, str]
) -> Iterator[ObservedObject]:
    """Objects that are ours because both their ends are."""
    ours = {found.id: found for found in marked}
    for kind, name, object_id, raw in _between(listing, marked, ours):
        inputs = BY_KIND[kind].live(raw, names, listing)
        yield ObservedObject(kind, object_id, name, fingerprint(kind, inputs, prints), inputs, raw=raw)


def _between(
    listing: ProjectListing, marked: list[ObservedObject], ours: Mapping[str, ObservedObject]
) -> Iterator[tuple[Kind, str, str, Answer]]:
    for found in marked:
        if found.kind is Kind.PORT and is_interface(found.raw):
            yield from _link_parts(found, listing)
        if found.kind is Kind.ROUTER:
            for port in filter(is_interface, listing.ports_of(found.id)):
                if (subnet := ours.get(subnet_of(port) or "")) and port["id"] not in ours:
                    yield Kind.ROUTER_INTERFACE, _renamed(subnet.name, "interface"), port["id"], port
        if found.kind is Kind.SECURITY_GROUP:
            yield Kind.SECURITY_GROUP_RULES, _renamed(found.name, "rules"), rules_id(found.id), found.raw
        if found.kind is Kind.SERVER:
            yield from _attachments(found, ours)


def _link_parts(port: ObservedObject, listing: ProjectListing) -> Iterator[tuple[Kind, str, str, Answer]]:
    """What a link's port is on a router, ours or the other's, and the routes there that lead into the link."""
    yield Kind.ROUTER_INTERFACE, _renamed(port.name, "interface"), by_port_id(port.id), port.raw
    router = listing.router(port.raw["device_id"])
    routes = routes_into(transit_of(port.address), router.get("routes") or []) if router and port.address else []
    if routes:
        raw = {"device_id": port.raw["device_id"], "routes": routes}
        yield Kind.ROUTER_ROUTES, _renamed(port.name, "routes"), routes_id(port.id), raw


def _attachments(server: ObservedObject, ours: Mapping[str, ObservedObject]) -> Iterator[tuple[Kind, str, str, Answer]]:
    for entry in server.raw.get("os-extended-volumes:volumes_attached") or []:
        volume = ours.get(entry["id"])
        if volume and volume.name.startswith("volume-"):
            raw = {"server_id": server.id, "volume_id": volume.id}
            name = _renamed(volume.name, "attachment")
            yield Kind.VOLUME_ATTACHMENT, name, attachment_id(server.id, volume.id), raw


def _with_twins(objects: list[ObservedObject]) -> Iterator[ObservedObject]:
    seen: set[tuple[Kind, str, str]] = set()
    for found in objects:
        yield found if found.identity not in seen else _as_twin(found)
        seen.add(found.identity)


def _as_twin(found: ObservedObject) -> ObservedObject:
    return replace(found, twin=True)


def _is_used(found: ObservedObject, listing: ProjectListing) -> bool:
    """Whether something else hangs on it already: then it is no spare, even if it is the younger of two."""
    match found.kind:
        case Kind.NETWORK:
            return bool(found.raw.get("subnets"))
        case Kind.ROUTER:
            return any(map(is_interface, listing.ports_of(found.id)))
        case Kind.SECURITY_GROUP:
            return any(found.id in port.get("security_groups", ()) for port in listing[Kind.PORT])
        case Kind.PORT | Kind.FLOATING_IP:
            return bool(found.raw.get("device_id") or found.raw.get("port_id"))
        case Kind.VOLUME:
            return bool(found.raw.get("attachments"))
        case _:
            return found.status != "ERROR"


def _age(raw: Answer) -> tuple[str, str]:
    """Oldest first; of the same second always the same one, so that nobody takes turns at being the twin."""
    return created_at(raw), str(raw["id"])


def is_going(raw: Answer) -> bool:
    """Whether OpenStack is deleting it, or says that it has."""
    return raw.get("status") in _GOING or raw.get("OS-EXT-STS:task_state") == "deleting"


def _renamed(name: str, kind_word: str) -> str:
    """`subnet-app` -> `interface-app`: logical names of one thing share their end."""
    return f"{kind_word}-{name.partition('-')[2]}"
