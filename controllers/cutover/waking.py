"""Which cutovers an event concerns: their own, a line of a journal, a signature, a request that is one of the sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controllers.api.stored import ACCEPTANCES, CUTOVERS, REQUESTS, STEPS, Kind
from controllers.cache import Cache

Key = tuple[str, str, str]  # kind, namespace, name


def woken_cutovers(kind: Kind[Any, Any], body: Mapping[str, Any], cache: Cache) -> Iterator[Key]:
    """Keys of the work queue. A name that nobody has costs nothing."""
    meta, spec = body["metadata"], body.get("spec", {})
    namespace = meta.get("namespace", "")
    if kind is CUTOVERS:
        yield CUTOVERS.name, namespace, meta["name"]
    if kind is STEPS:
        yield CUTOVERS.name, namespace, spec.get("cutover", "")
    if kind is ACCEPTANCES:
        yield CUTOVERS.name, namespace, spec.get("report", "").rpartition("-")[0]
    if kind is REQUESTS:
        for cutover in cache.all(CUTOVERS, namespace):
            if meta["name"] in (cutover.spec.target, cutover.spec.source.request):
                yield CUTOVERS.name, namespace, cutover.meta.name
