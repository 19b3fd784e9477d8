"""What every kind of OpenStack object offers: three translations and three effects.

A kind is one module. `declared` reads what the engine asks for, `live` reads what OpenStack shows; both give
the logical form of `infra.stackplan`, so that "is it in the plan" and "is there drift" are plain equality.
The effects are made from the *planned* inputs, never from what the engine sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.cloud import Answer, Query, Service
from infra.declared import PEER_PREFIX, peer_reference
from infra.planned import PlannedObject
from infra.provider.waiting import Departures, Patience
from infra.stackplan import MARKER_PREFIX, Kind, marker_parts

Inputs = dict[str, Any]


class CloudCalls(Protocol):
    """The part of `infra.cloud.Cloud` the provider uses."""

    project_id: str | None

    async def has(self, service: Service) -> bool: ...
    async def get(
        self, service: Service, path: str, query: Query | None = None, *, microversion: str | None = None
    ) -> Answer: ...
    async def list(self, service: Service, path: str, query: Query | None = None) -> list[Answer]: ...
    async def post(
        self, service: Service, path: str, body: Mapping[str, Any], *, microversion: str | None = None
    ) -> Answer: ...
    async def put(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer: ...
    async def delete(self, service: Service, path: str) -> bool: ...


class Names:
    """Logical names and OpenStack ids of one request, both ways. Several ids may carry one name (twins)."""

    def __init__(self, routers: Mapping[str, str] | None = None) -> None:
        """`routers`: of other requests, the id by the request's uid."""
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._routers = routers or {}

    def record(self, name: str, object_id: str) -> None:
        """The first id recorded for a name stays the one its references mean, until `replace`."""
        self._names[object_id] = name
        self._ids.setdefault(name, object_id)

    def replace(self, name: str, object_id: str) -> None:
        self._names[object_id] = name
        self._ids[name] = object_id

    def reference(self, object_id: str | None) -> str | None:
        """`@name` for an object of this request, else the id itself."""
        name = self._names.get(object_id or "")
        return f"@{name}" if name else object_id

    def router_reference(self, router_id: str | None) -> str | None:
        """As `reference`, and `peer:uid` for the router of another request."""
        if (router_id or "") in self._names:
            return self.reference(router_id)
        return next((peer_reference(uid) for uid, found in self._routers.items() if found == router_id), router_id)

    def id(self, reference: str) -> str:
        """The id behind `@name` or `peer:uid`; an id of what is not ours stands for itself.

        KeyError if it was neither observed nor made.
        """
        if reference.startswith(PEER_PREFIX):
            return self._routers[reference.removeprefix(PEER_PREFIX)]
        return self._ids[reference[1:]] if reference.startswith("@") else reference


class Given:
    """What the engine sends for one object, taken field by field, so that no field can slip through."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._left = {key: value for key, value in properties.items() if value is not None}

    def take(self, key: str) -> Any:
        return self._left.pop(key, None)

    def see(self, key: str) -> Any:
        """What `take` would give; the field stays to be taken."""
        return self._left.get(key)

    def take_single(self, key: str) -> Mapping[str, Any]:
        """The one entry of a list of structures; anything else reads as empty and thus differs from the plan."""
        entries = self._left.pop(key, None)
        return entries[0] if isinstance(entries, list) and len(entries) == 1 else {}

    def left(self) -> list[str]:
        """The fields nobody took."""
        return sorted(self._left)


@dataclass(frozen=True, slots=True)
class Made:
    """An object that exists now: its id and what OpenStack answered."""

    id: str
    raw: Answer


@dataclass(slots=True)
class Scene:
    """Where effects happen: the cloud, the names known so far, and how long to wait for slow things."""

    cloud: CloudCalls
    names: Names
    patience: Patience
    made: dict[str, Answer] = field(default_factory=dict)
    servers: Departures = field(init=False)

    def __post_init__(self) -> None:
        self.servers = Departures(self.patience, self._server_ids)

    async def _server_ids(self) -> frozenset[str]:
        found = await self.cloud.list("compute", "servers", scope_query(self.cloud, "compute"))
        return frozenset(raw["id"] for raw in found)


class Listing(Protocol):
    """What one listing of a project shows beside the object itself (see `infra.provider.observe`)."""

    def ports_of(self, device_id: str) -> Iterable[Answer]: ...
    def router(self, router_id: str) -> Answer | None: ...


class Resource(Protocol):
    """One kind. `update` and `delete` return when the change is done; `create` as soon as the id is known."""

    kind: Kind
    pulumi_type: str
    """Stored state: never renamed without an alias."""
    replaced_by: frozenset[str]
    """Pulumi properties whose change means another object."""

    def marker_of(self, given: Given) -> str | None:
        """The marker in the engine's inputs; None for kinds that have none of their own."""

    def declared(self, given: Given, names: Names) -> Inputs:
        """Logical inputs of what the engine asks for. MUST take every field it understands."""

    def live(self, raw: Answer, names: Names, listing: Listing) -> Inputs:
        """Logical inputs of what OpenStack shows. MUST NOT call anything."""

    async def create(self, scene: Scene, planned: PlannedObject, marker: str) -> Made:
        """Sends the POST, with the marker in it. Nothing that can fail may follow it."""

    async def find(self, scene: Scene, planned: PlannedObject, marker: str) -> Made | None:
        """Looks for the object after a POST whose outcome is unknown."""

    async def update(self, scene: Scene, object_id: str, planned: PlannedObject) -> None:
        """Brings the object to the planned inputs, from whatever it is now. Idempotent."""

    async def delete(self, scene: Scene, object_id: str, raw: Answer) -> None:
        """Returns when the object is really gone; absence is success."""


def description_marker(given: Given) -> str | None:
    """Neutron's objects carry the marker as their description (Neutron refuses tags on POST)."""
    description = given.take("description")
    return description if isinstance(description, str) else None


def metadata_marker(given: Given) -> str | None:
    """Nova and Cinder carry the marker in `metadata`; any other entry there makes it no marker at all."""
    metadata = given.take("metadata")
    return metadata.get(MARKER_PREFIX) if isinstance(metadata, dict) and len(metadata) == 1 else None


def marker_text(raw: Answer) -> str | None:
    """The marker of a live object, wherever its service keeps it."""
    for text in (raw.get("description"), (raw.get("metadata") or {}).get(MARKER_PREFIX)):
        if marker_parts(text):
            return text
    return None


async def find_marked(cloud: CloudCalls, service: Service, path: str, marker: str) -> Made | None:
    """The oldest object of a collection with exactly this marker."""
    found = await cloud.list(service, path, scope_query(cloud, service))
    marked = [raw for raw in found if marker_text(raw) == marker]
    oldest = min(marked, key=created_at, default=None)
    return Made(oldest["id"], oldest) if oldest else None


def scope_query(cloud: CloudCalls, service: Service) -> Query:
    """Lists one project's objects; those of all projects when the cloud is not one project's.

    An administrator's list shows everybody's objects in Neutron, and the own project's in Nova and Cinder.
    """
    if service == "network":
        return {"project_id": cloud.project_id} if cloud.project_id else {}
    return {} if cloud.project_id else {"all_tenants": 1}


def created_at(raw: Answer) -> str:
    """ISO time of creation (Neutron `created_at`, Nova `created`); empty sorts first."""
    return str(raw.get("created_at") or raw.get("created") or "")
