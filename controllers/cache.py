"""What the watches have told us: the newest version of every object, parsed on reading.

A cache, never an authority: before anything is built on the strength of an approval, the approvals are
listed from the API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import structlog

from controllers.api.stored import Kind, Stored, stored
from infra.errors import InvalidRequest, StatusUnreadable
from infra.wire import WireModel

Spec = TypeVar("Spec", bound=WireModel)
Status = TypeVar("Status", bound=WireModel)
Body = Mapping[str, Any]
log = structlog.get_logger(__name__)


class Cache:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self._bodies: dict[str, dict[str, dict[str, Body]]] = {}  # kind, namespace, name
        self._parsed: dict[str, dict[tuple[str, str], tuple[str, Stored[Any, Any]]]] = {}

    def keep(self, kind: Kind[Any, Any], body: Body) -> None:
        """Remember a version unless a newer one of the same object is known already."""
        meta = body["metadata"]
        neighbours = self._bodies.setdefault(kind.name, {}).setdefault(meta.get("namespace", ""), {})
        known = neighbours.get(meta["name"])
        if known is None or known["metadata"]["uid"] != meta["uid"] or _version(known) < _version(body):
            neighbours[meta["name"]] = body

    def drop(self, kind: Kind[Any, Any], body: Body) -> None:
        """Forget an object; a new one of the same name stays."""
        meta = body["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        known = self.body(kind, namespace, name)
        if known is not None and known["metadata"]["uid"] == meta["uid"]:
            del self._bodies[kind.name][namespace][name]
            self._parsed.get(kind.name, {}).pop((namespace, name), None)

    def body(self, kind: Kind[Any, Any], namespace: str, name: str) -> Body | None:
        """The object as the API server sent it."""
        return self._bodies.get(kind.name, {}).get(namespace, {}).get(name)

    def bodies(self, kind: Kind[Any, Any]) -> list[Body]:
        """Every object of a kind, as it was sent."""
        return [body for names in self._bodies.get(kind.name, {}).values() for body in names.values()]

    def get(self, kind: Kind[Spec, Status], namespace: str, name: str) -> Stored[Spec, Status] | None:
        """The object, or None when it is unknown. Raises InvalidRequest when its spec does not fit the model."""
        body = self.body(kind, namespace, name)
        return None if body is None else self._parse(kind, (namespace, name), body)

    def all(self, kind: Kind[Spec, Status], namespace: str | None = None) -> Iterator[Stored[Spec, Status]]:
        """Every readable object of a kind, in one namespace or in all; what cannot be read harms only itself."""
        namespaces = self._bodies.get(kind.name, {})
        wanted = list(namespaces) if namespace is None else [namespace]
        known = [((space, name), body) for space in wanted for name, body in namespaces.get(space, {}).items()]
        for key, body in known:
            try:
                yield self._parse(kind, key, body)
            except (InvalidRequest, StatusUnreadable) as error:
                log.warning("unreadable", kind=kind.name, namespace=key[0], name=key[1], message=error.message)

    def _parse(self, kind: Kind[Spec, Status], key: tuple[str, str], body: Body) -> Stored[Spec, Status]:
        version = body["metadata"]["resourceVersion"]
        parsed = self._parsed.setdefault(kind.name, {})
        known = parsed.get(key)
        if known is None or known[0] != version:
            known = parsed[key] = (version, stored(kind, body))
        return known[1]


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])
