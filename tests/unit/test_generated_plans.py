"""Planning, given anything that fits the form: total, the same every time, and within what a Plan may hold."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from controllers.api.plan import PlanSpec
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.request.offline import OfflinePlan, plan_offline
from controllers.request.plan import signed
from controllers.request.validate import validate
from infra.errors import QuotaExceeded
from infra.planned import planned_objects
from tests.build import a_content, a_zone, zones
from tests.generated.documents import specs
from tests.generated.requests import at_the_limits, document, fitting_together

offered = settings(
    max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@offered
@given(specs())
def test_whatever_fits_the_form_is_planned_or_refused_with_place_and_reason(spec: dict[str, Any]) -> None:
    """Without a cluster, too, a judgement is findings or a plan; never an exception."""
    judged = plan_offline(document(spec), zones())

    assert (judged.content is None) == bool(judged.problems)
    assert [] == [problem for problem in judged.problems if not (problem.where and problem.what)]


@offered
@given(fitting_together() | at_the_limits())
def test_a_plan_is_the_same_every_time_and_survives_the_wire(spec: dict[str, Any]) -> None:
    """What is signed is what is read back; nothing in it hangs on the moment it was made."""
    first, second = (_planned(spec) for _ in range(2))
    assume(first.content is not None)
    assert first.content is not None
    plan = signed(first.content)

    assert first == second
    assert plan == PlanSpec.model_validate_json(plan.model_dump_json(by_alias=True))


@offered
@given(fitting_together(), fitting_together())
def test_a_change_keeps_what_stays_and_names_all_that_goes(before: dict[str, Any], after: dict[str, Any]) -> None:
    """From any request to any other: networks do not overlap, and whatever is not kept is a removal people signed."""
    old, new = _form(before), _form(after)
    assume(not validate(old) and not validate(new))
    try:
        in_force = a_content(old).stack
        stack = a_content(new, in_force=in_force, generation=2).stack
    except QuotaExceeded:
        return  # the zone of these tests is small; that is a reason, too
    prefixes = [IPv4Network(network.cidr) for network in stack.networks]
    gone = {name for name, item in planned_objects(in_force).items() if planned_objects(stack).get(name) is None}
    retained = {f"volume-{one.name}.{disk.name}" for one in in_force.servers for disk in one.volumes} - _deleted(before)

    assert not any(one.overlaps(two) for index, one in enumerate(prefixes) for two in prefixes[index + 1 :])
    assert gone - retained <= {item.name for item in stack.removals}


def _planned(spec: dict[str, Any]) -> OfflinePlan:
    return plan_offline(document(spec), {**zones(), "internet": a_zone(prefixes=["10.30.0.0/16"], reservedPrefixes=[])})


def _form(spec: dict[str, Any]) -> ResourceRequestSpec:
    """The request in the one zone and with the one image and flavor that the builders have."""
    servers = [{**server, "flavor": "c1.small", "image": "debian-12"} for server in spec["servers"]]
    flows = [{**flow, "purpose": "clerks"} for flow in spec["flows"]]
    known = {"zone": "extranet", "servers": servers, "flows": flows, "requestedBy": "li.na"}
    return ResourceRequestSpec.model_validate(spec | known)


def _deleted(spec: dict[str, Any]) -> set[str]:
    """Data volumes that go with their servers."""
    return {
        f"volume-{server['name']}-{index}.{volume['name']}"
        for server in spec["servers"]
        for index in range(server.get("count", 1))
        for volume in server.get("volumes", ())
        if volume.get("onDelete") == "Delete"
    }
