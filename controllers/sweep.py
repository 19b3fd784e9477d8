"""Ghosts: objects the cache still has although they are gone, because nobody watched when they went.

A watch that is begun anew reports what is there, never what was deleted in between. A cached object is a ghost only if
a listing made after its version does not show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controllers.api.stored import KINDS, Kind
from controllers.cache import Cache
from controllers.cluster import Cluster

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ghost:
    """The last version we knew."""

    kind: Kind[Any, Any]
    body: Body


async def find_ghosts(cluster: Cluster, cache: Cache) -> list[Ghost]:
    """Of all kinds; of a kind that is not served at all nothing is believed. Raises ClusterUnavailable."""
    found: list[Ghost] = []
    for kind in KINDS:
        listing = await cluster.listing(kind)
        if listing is not None:
            found += [
                Ghost(kind, body)
                for body in cache.bodies(kind)
                if body["metadata"]["uid"] not in listing.uids
                and int(body["metadata"]["resourceVersion"]) <= listing.version
            ]
    return found
