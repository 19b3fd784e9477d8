"""Links under the audit: what was signed for leads nowhere it should not; one route more does."""

from __future__ import annotations

from infra.containment import Enclosure, breaches
from infra.provider.observe import list_project
from tests.component.every_kind import built_beside
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import PEER, UID, a_linked_plan, the_other_plan

EXTRANET = Enclosure("uplink-1", ("10.10.0.0/16",), public=False)


async def test_links_are_contained_and_one_route_more_is_a_breach() -> None:
    """On both routers; and without the plan that has the link, all of it is one."""
    cloud, plan = FakeCloud(), a_linked_plan()
    await built_beside(cloud, plan)
    plans = {UID: (plan,), PEER: (the_other_plan(),)}
    other = cloud.beside("project-2")

    assert [] == breaches(await list_project(cloud), EXTRANET, plans)
    assert [] == breaches(await list_project(other), EXTRANET, plans)

    for router in cloud.all("routers"):
        router["routes"].append({"destination": "10.20.0.0/16", "nexthop": "100.64.0.10"})
    told = [str(one) for scope in (cloud, other) for one in breaches(await list_project(scope), EXTRANET, plans)]
    assert ["has routes that no plan contains: 10.20.0.0/16 by 100.64.0.10"] * 2 == [
        one.split(" ", 2)[2] for one in told
    ]
    unsigned = {UID: (plan.model_copy(update={"links": ()}),)}
    assert {"Router", "RouterInterface"} == {
        one.kind for one in breaches(await list_project(cloud), EXTRANET, unsigned)
    }
