"""The scan and links: what needs another request's router is missing only when it could be there."""

from __future__ import annotations

from infra.orphans.findings import Claim, Register
from infra.orphans.scan import scan
from infra.stackplan import StackPlan
from tests.component.every_kind import a_plan_of_every_kind, built_beside
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import PEER, UID, the_other_plan
from tests.component.test_orphans import TENANTS, a_survey, claimed


async def test_what_waits_for_another_request_is_not_missing() -> None:
    """A link is missing on the other's router only when that request has signed for it and is settled."""
    cloud, plan = FakeCloud(), a_plan_of_every_kind()
    await built_beside(cloud, plan)
    other = the_other_plan()
    port = next(raw for raw in cloud.all("ports") if raw["name"] == "portal-front-far")
    router = next(raw for raw in cloud.all("routers") if raw["name"] == "front")
    router["routes"].clear()
    cloud.forget("ports", port["id"])

    def beside(*plans: StackPlan, settled: bool = True) -> Register:
        claims = {PEER: Claim("civil-affairs/front", settled=settled, plans=plans)}
        return Register({**claimed(plan).claims, **claims}, TENANTS)

    survey, uid = await a_survey(cloud), {UID}
    unsigned = other.model_copy(update={"calls": ()})
    for register in (claimed(plan), beside(unsigned), beside(other, settled=False)):
        assert [] == [one for one in scan(survey, register) if one.uid in uid]
    lacking = {"port-link.front.far", "interface-link.front.far", "routes-link.front.far"}
    assert lacking == {one.name for one in scan(survey, beside(other)) if one.uid in uid}
