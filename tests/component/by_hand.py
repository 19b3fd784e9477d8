"""A system that people built by hand, before anybody thought of requests: the objects of a plan, without markers."""

from __future__ import annotations

from collections.abc import Mapping

from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observe import ProjectListing, list_project
from infra.provider.observed import Observed
from infra.provider.resource import marker_text
from infra.stackplan import Import, StackPlan, marker_parts
from tests.component.fake_cloud import SINGULAR, FakeCloud
from tests.component.plans import unheard

COME_ALONG = ("rules-", "interface-", "attachment-")


async def built_by_hand(cloud: FakeCloud, plan: StackPlan) -> dict[str, str]:
    """Builds what the plan describes, under names of its own; returns the ids by logical name."""
    builder = Builder(cloud, authority_of(plan), Observed(plan.origin.uid), Steps(0, unheard))
    for planned in planned_objects(plan).values():
        await builder.ensure(planned)
    for raw in (raw for collection in SINGULAR for raw in cloud.all(collection)):
        raw["name"] = f"legacy-{raw['id']}"
        raw.update({"metadata": {"owner": "archive"}} if "metadata" in raw else {"description": "by hand"})
    cloud.log.clear()
    return {name: made.id for name, made in builder.made.items()}


def importing(plan: StackPlan, ids: Mapping[str, str], *names: str) -> StackPlan:
    """The plan, taking over the named objects; without names all that can be."""
    planned = planned_objects(plan)
    chosen = names or [name for name in ids if not name.startswith(COME_ALONG)]
    imports = tuple(Import(kind=planned[name].kind, name=name, id=ids[name]) for name in chosen)
    return plan.model_copy(update={"imports": imports})


def marked(cloud: FakeCloud) -> dict[str, str]:
    """Ids of everything that carries a marker, by the name in it."""
    texts = {raw["id"]: marker_parts(marker_text(raw)) for name in SINGULAR for raw in cloud.all(name)}
    return {parts[1]: object_id for object_id, parts in texts.items() if parts}


async def listing_of(cloud: FakeCloud) -> ProjectListing:
    return await list_project(cloud)
