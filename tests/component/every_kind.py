"""A request with every kind of object there is, built beside the request that its link leads to."""

from __future__ import annotations

from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observed import Observed
from infra.stackplan import StackPlan, marker
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import PEER, UID, a_linked_plan, a_rich_plan, the_other_plan, unheard


def a_plan_of_every_kind() -> StackPlan:
    linked, rich = a_linked_plan(), a_rich_plan()
    return rich.model_copy(update={"links": linked.links, "address_groups": linked.address_groups})


async def built_beside(cloud: FakeCloud, plan: StackPlan) -> None:
    """A plan whose link leads to a router that is there."""
    other = marker(PEER, "router", planned_objects(the_other_plan())["router"].fingerprint)
    router = cloud.add("routers", name="front", description=other, project_id="project-2")
    observed = Observed(UID, routers={PEER: router["id"]})
    builder = Builder(cloud, authority_of(plan), observed, Steps(0, unheard))
    for planned in planned_objects(plan).values():
        await builder.ensure(planned)
