"""Looking before something is deleted or made on the strength of it: nothing is taken for gone on the word of a list.

A Neutron that has just started may answer with an empty list, and a Nova without one of its cells with a shorter one.
What was known and is not listed counts as gone only when a second list does not show it either and asking for it by
its id finds nothing that carries our mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from infra.cloud_answers import Absent
from infra.errors import CloudUnavailable
from infra.provider.marking import MARKED
from infra.provider.observe import COLLECTIONS, is_going, observe
from infra.provider.observed import Observed, ObservedObject
from infra.provider.resource import CloudCalls, marker_text
from infra.provider.server import is_stillborn
from infra.stackplan import Kind, marker_parts

SECOND_LOOK_SECONDS = 1.0


async def look(cloud: CloudCalls, uid: str, expected: Mapping[str, Kind]) -> Observed:
    """Observes a request. Raises CloudUnavailable when what is `expected` (kind by id) is there but not listed.

    A list with nothing of the request in it is always asked for again.
    """
    first = await observe(cloud, uid)
    if first.objects and not expected.keys() - first.by_id.keys():
        return first
    await asyncio.sleep(SECOND_LOOK_SECONDS)
    seen = await observe(cloud, uid)
    known = {**expected, **_kinds(first)}
    unlisted = [object_id for object_id in known if object_id not in seen.by_id and known[object_id] in MARKED]
    there = await asyncio.gather(*(_is_there(cloud, uid, known[object_id], object_id) for object_id in unlisted))
    if hidden := [object_id for object_id, found in zip(unlisted, there, strict=True) if found]:
        raise CloudUnavailable(f"OpenStack does not list what it still has: {', '.join(hidden)}")
    return seen


async def look_again(cloud: CloudCalls, earlier: Observed) -> Observed:
    """Observes what was observed before, what was deleted since left out, and expects it to be there still."""
    seen = await look(cloud, earlier.uid, _kinds(earlier))
    return replace(seen, routers={**earlier.routers, **seen.routers}, barred=earlier.barred)


async def still_stillborn(cloud: CloudCalls, server: ObservedObject) -> bool:
    """Asks for the server itself: whether it is in ERROR and never started, or is gone already."""
    try:
        return is_stillborn((await cloud.get("compute", f"servers/{server.id}"))["server"])
    except Absent:
        return True


def _kinds(observed: Observed) -> dict[str, Kind]:
    return {found.id: found.kind for found in observed.objects}


async def _is_there(cloud: CloudCalls, uid: str, kind: Kind, object_id: str) -> bool:
    """Whether it exists, is ours, and is not on its way out."""
    service, path = COLLECTIONS[kind]
    try:
        answer = await cloud.get(service, f"{path.removesuffix('/detail')}/{object_id}")
    except Absent:
        return False
    raw = next(iter(answer.values()))
    parts = marker_parts(marker_text(raw))
    return parts is not None and parts[0] == uid and not is_going(raw)
