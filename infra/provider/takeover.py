"""Taking over what exists already, and giving it back: only markers are written, nothing is made or deleted.

An import is done before the pass proper: what the plan imports is looked at once more, then marked, then observed like
everything else, and adopted from there on. So a crash in between costs a pass, an object that is marked needs no
further thought, and an id that is not in the plan is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import structlog

from infra.cloud import Answer
from infra.cloud_answers import Conflict
from infra.errors import CloudRefused, CloudUnavailable
from infra.planned import FORCES_REPLACEMENT, PlannedObject, planned_objects
from infra.provider.builder import Steps
from infra.provider.looking import look_again
from infra.provider.marking import MARKED, take_marker_off, write_marker
from infra.provider.observe import ProjectListing, list_project, observed_from_listing
from infra.provider.observed import Observed, ObservedObject, differing_fields, identity_of
from infra.provider.obstacles import AT_REST, Case, obstacles_of_kind
from infra.provider.resource import CloudCalls, marker_text
from infra.stackplan import MARKER_PREFIX, Import, Kind, StackPlan, marker, marker_parts

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an object cannot be taken over; `name` is its logical name."""

    name: str
    text: str


def foreseen(plan: StackPlan, listing: ProjectListing) -> Observed:
    """Pure: what would be observed if everything the plan imports carried its marker already."""
    planned, uid = planned_objects(plan), plan.origin.uid
    marks = {(one.kind, one.id): marker(uid, one.name, planned[one.name].fingerprint) for one in plan.imports}
    collections = {
        kind: [_as_marked(kind, raw, marks.get((kind, raw["id"]))) for raw in found]
        for kind, found in listing.collections.items()
    }
    return observed_from_listing(ProjectListing(collections), uid)


def obstacles(plan: StackPlan, listing: ProjectListing) -> list[Obstacle]:
    """Pure: everything that stands against the plan's imports. They can be taken over when there is nothing."""
    after = foreseen(plan, listing)
    return [Obstacle(entry.name, text) for entry in plan.imports for text in _against(entry, plan, listing, after)]


async def take_over(
    cloud: CloudCalls, plan: StackPlan, seen: Observed, *, steps: Steps, check: Callable[[], None]
) -> Observed:
    """Marks what the plan imports, unless it is marked; returns what there is then. Idempotent.

    Nothing is marked when anything stands against any of it: raises CloudRefused with all of that.
    """
    planned = planned_objects(plan)
    pending = [entry for entry in plan.imports if not _is_taken_over(planned[entry.name], entry, seen)]
    if not pending:
        return seen
    if found := obstacles(plan, await list_project(cloud)):
        told = "; ".join(f"{one.name}: {one.text}" for one in found)
        raise CloudRefused(f"cannot be taken over as approved: {told}")
    for entry in pending:
        check()
        steps.started(entry.kind, entry.name, "import")
        text = marker(plan.origin.uid, entry.name, planned[entry.name].fingerprint)
        await write_marker(cloud, entry.kind, entry.id, text)
        steps.finished(entry.kind, entry.name, "import")
        _log.info("taken over", request=plan.origin.uid, kind=entry.kind.value, name=entry.name, id=entry.id)
    seen = await look_again(cloud, seen)
    if late := [entry.name for entry in pending if not _is_taken_over(planned[entry.name], entry, seen)]:
        raise CloudUnavailable(f"OpenStack does not show yet that it was taken over: {', '.join(late)}")
    return seen


async def give_up(cloud: CloudCalls, seen: Observed, *, steps: Steps, check: Callable[[], None]) -> int:
    """Takes our marker off everything that carries it; returns how many objects that were. Idempotent."""
    marked = [found for found in seen.objects if found.kind in MARKED]
    for found in marked:
        check()
        steps.started(found.kind, found.name, "release")
        await _give_up(cloud, found)
        steps.finished(found.kind, found.name, "release")
        _log.info("released", request=seen.uid, kind=found.kind.value, name=found.name, id=found.id)
    return len(marked)


async def _give_up(cloud: CloudCalls, found: ObservedObject) -> None:
    try:
        await take_marker_off(cloud, found.kind, found.id)
    except Conflict as error:
        raise CloudRefused(
            f"{found.kind} {found.name} is in status {found.status}, in which OpenStack keeps its marker; "
            f"bring it to one of {', '.join(AT_REST)}, or delete it"
        ) from error


def _is_taken_over(planned: PlannedObject, entry: Import, seen: Observed) -> bool:
    found = seen.by_id.get(entry.id)
    return found is not None and found.identity == identity_of(planned)


def _as_marked(kind: Kind, raw: Answer, text: str | None) -> Answer:
    if text is None:
        return raw
    if kind in {Kind.SERVER, Kind.VOLUME}:
        return {**raw, "metadata": {**(raw.get("metadata") or {}), MARKER_PREFIX: text}}
    return {**raw, "description": text}


def _against(entry: Import, plan: StackPlan, listing: ProjectListing, after: Observed) -> Iterator[str]:
    planned, found = planned_objects(plan)[entry.name], after.by_id.get(entry.id)
    raw = next((one for one in listing[entry.kind] if one["id"] == entry.id), None)
    if raw is None:
        yield (
            f"the department's project {plan.project.name} has no {entry.kind} with the id {entry.id}; "
            "without the import the request would have it made anew"
        )
    elif found is None:
        yield "is being deleted"
    elif foreign := list(_owned(entry, plan, raw, listing)):
        yield from foreign
    elif marker_text(raw) is None:  # else it is taken over already: what became of it since is drift
        case = Case(planned, raw, listing, {one.id: one.name for one in after.objects}, plan.deletion_policy)
        yield from list(obstacles_of_kind(case)) or _fixed_differently(planned, found)


def _owned(entry: Import, plan: StackPlan, raw: Answer, listing: ProjectListing) -> Iterator[str]:
    """An object belongs to one request, under one name, for good; and a name means one object."""
    uid, planned = plan.origin.uid, planned_objects(plan)[entry.name]
    match marker_parts(marker_text(raw)):
        case [owner, _, _] if owner != uid:
            yield f"is managed by another request (uid {owner})"
        case [_, name, _] if name != entry.name:
            yield f"is this request's {name} already"
        case [_, _, prints] if prints != planned.fingerprint:
            yield "is this request's already, and would be replaced; take the import out of the request to allow that"
    own = [one.raw["id"] for one in listing.marked.get(uid, []) if one.name == entry.name]
    if others := [object_id for object_id in own if object_id != entry.id]:
        yield f"this request has a {entry.name} already: {', '.join(others)}; leave the import out"


def _fixed_differently(planned: PlannedObject, found: ObservedObject) -> Iterator[str]:
    live: Mapping[str, object] = found.inputs
    for key in differing_fields(planned, found):
        if key in FORCES_REPLACEMENT[planned.kind]:
            word = key.removesuffix("_id").replace("_", " ")
            yield f"its {word} is {_named(live.get(key))}, the request wants {_named(planned.inputs[key])}"


def _named(value: object) -> str:
    return "none" if value is None else str(value).removeprefix("@")
