"""What cannot be put right in place: which objects have to go, what the plan says of it, and what never goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.api.plan import Operation, PlanContent, plan_digest
from controllers.request.actions import removals_between
from controllers.request.drift import told
from controllers.request.observe import can_be_corrected
from controllers.request.plans import newest_plan
from controllers.request.repair import MOST_NAMED, repair_content, superfluous
from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.observed import Deviation, Difference, Observed, ObservedObject, differences
from infra.provider.repairs import repairs_of
from infra.stackplan import Import, Kind, StackPlan
from tests.build import a_content, a_plan, a_request, a_server, a_spec, an_approval

VOLUMES = [{"name": "records", "sizeGiB": 10}]
RICH = a_content(a_spec(servers=[a_server(count=2, bootVolumeGiB=20, volumes=VOLUMES)]))


def observed(stack: StackPlan, **changed: dict[str, Any]) -> Observed:
    """Everything as planned, but for the given inputs; `server_web_0` names server-web-0."""
    changes = {name.replace("_", "-"): inputs for name, inputs in changed.items()}
    found = [
        ObservedObject(one.kind, f"id-{name}", name, one.fingerprint, {**one.inputs, **changes.get(name, {})})
        for name, one in planned_objects(stack).items()
    ]
    return Observed(stack.origin.uid, tuple(found))


def an_object(like: ObservedObject, **fields: Any) -> ObservedObject:
    return replace(like, **({"id": "id-of-another"} | fields))


@pytest.mark.parametrize(
    ("changed", "going"),
    [
        ({}, []),
        ({"server_web_0": {"name": "x"}}, []),
        ({"server_web_0": {"port": None}}, []),
        ({"server_web_0": {"image_id": "x"}}, ["server-web-0", "attachment-web-0.records"]),
        ({"port_web_0": {"address": "10.10.9.9"}}, ["port-web-0"]),
        ({"router": {"uplink_id": "another"}}, ["router", "interface-app"]),
        ({"router": {"uplink_id": None}}, []),
        ({"interface_app": {"router": "another"}}, ["interface-app"]),
        ({"boot_web_0": {"image_id": "x"}}, ["boot-web-0", "server-web-0", "attachment-web-0.records"]),
        ({"volume_web_0.records": {"image_id": "x"}}, []),
    ],
    ids=str,
)
def test_what_is_replaced_takes_along_what_refers_to_it_for_life(changed: dict[str, Any], going: list[str]) -> None:
    """And nothing more: a server gets its new port attached, and data volumes never go."""
    repairs = repairs_of(RICH.stack, observed(RICH.stack, **changed))

    assert sorted(going) == sorted(repair.removal.name for repair in repairs)
    assert all(repair.replaced for repair in repairs)
    assert {f"id-{name}" for name in going} == {repair.removal.id for repair in repairs}


def test_what_is_marked_and_in_no_plan_goes_and_data_stays() -> None:
    """A spare object and one nobody planned; never a data volume, whichever it is."""
    seen = observed(RICH.stack)
    by_name = {found.name: found for found in seen.objects}
    strangers = (
        an_object(by_name["network-app"], twin=True),
        an_object(by_name["server-web-0"], id="unplanned", name="server-old-0"),
        an_object(by_name["volume-web-0.records"], id="restored", twin=True),
        an_object(by_name["volume-web-0.records"], id="kept", name="volume-old-0.records"),
    )
    repairs = repairs_of(RICH.stack, replace(seen, objects=(*seen.objects, *strangers)))

    expected = [("network-app", "id-of-another", False), ("server-old-0", "unplanned", False)]
    assert expected == [(one.removal.name, one.removal.id, one.replaced) for one in repairs]


def test_a_mark_that_kunlun_does_not_write_is_told_and_in_no_plan() -> None:
    """Whatever somebody writes into a description, it blocks nobody: a person removes it."""
    seen = observed(RICH.stack)
    by_hand = [
        an_object(seen.objects[0], id="old", name="router", fingerprint="old"),
        an_object(seen.objects[0], id="odd", name="Router_2", fingerprint="0123456789ab", twin=True),
    ]
    marked = replace(seen, objects=(*seen.objects, *by_hand))
    drift = differences(planned_objects(RICH.stack), marked)

    assert () == repairs_of(RICH.stack, marked)
    assert [(Deviation.UNEXPECTED, "old"), (Deviation.TWIN, "odd")] == [(item.deviation, item.id) for item in drift]


def test_what_the_plan_removes_already_needs_no_other_plan() -> None:
    """Signed once is signed; what is left of it is corrected."""
    smaller = a_content(a_spec(servers=[a_server(count=1)]), in_force=a_content().stack, generation=2)
    left = observed(a_content().stack)

    assert () == repairs_of(smaller.stack, left)
    drift = differences(planned_objects(smaller.stack), left)
    assert [True] * len(drift) == [can_be_corrected(a_plan(smaller), item) for item in drift]


def test_officers_read_what_is_lost_and_why() -> None:
    """Each line has the object's id, the reason and the consequence."""
    repairs = repairs_of(RICH.stack, observed(RICH.stack, server_web_0={"image_id": "x"}))
    actions = {action.name: action for action in a_repair(RICH, server_web_0={"image_id": "x"}).actions}

    assert 2 == len(repairs) == len(actions)
    assert Operation.REPLACE is actions["server-web-0"].operation
    lost = "the server is built anew and its own disk is lost"
    assert f"id-server-web-0 was changed by hand in image_id; {lost}" == actions["server-web-0"].detail
    assert "the volume and its content stay" in actions["attachment-web-0.records"].detail


def a_repair(content: PlanContent, **changed: dict[str, Any]) -> PlanContent:
    spec = a_plan(content).spec
    return repair_content(spec, repairs_of(content.stack, observed(content.stack, **changed)))


def test_what_was_imported_and_has_to_go_is_made_anew() -> None:
    """The id that goes is not taken over once more; other imports stay in the plan."""
    taken = {"port-web-0": Kind.PORT, "server-web-1": Kind.SERVER}
    imports = tuple(Import(kind=kind, name=name, id=f"id-{name}") for name, kind in taken.items())
    content = RICH.model_copy(update={"stack": RICH.stack.model_copy(update={"imports": imports})})
    repaired = a_repair(content, port_web_0={"address": "10.10.9.9"})

    assert ["server-web-1"] == [entry.name for entry in repaired.stack.imports]


def test_the_same_drift_is_the_same_plan() -> None:
    """However often it is seen, and beside whatever else; another drift is another plan."""
    moved = {"port_web_0": {"address": "10.10.9.9"}}
    first, again = (plan_digest(a_repair(RICH, **moved)) for _ in range(2))
    renamed_too = plan_digest(a_repair(RICH, **moved, server_web_1={"name": "x"}))
    another = plan_digest(a_repair(RICH, interface_app={"router": "another"}))

    assert first == again == renamed_too
    assert first != another != plan_digest(RICH)


def test_the_order_in_which_openstack_lists_makes_no_difference() -> None:
    """Else the same drift would be another plan at every look."""
    seen = observed(RICH.stack, server_web_0={"image_id": "x"}, interface_app={"router": "another"})
    turned = replace(seen, objects=tuple(reversed(seen.objects)))

    assert repairs_of(RICH.stack, seen) == repairs_of(RICH.stack, turned)


def test_a_flood_of_marked_objects_goes_in_several_plans() -> None:
    """A plan is bounded; what is replaced comes first, the rest follows when it is done."""
    seen = observed(RICH.stack, server_web_0={"image_id": "x"})
    flood = tuple(an_object(seen.objects[0], id=f"id-{number}", name=f"router-{number}") for number in range(2000))
    repairs = repairs_of(RICH.stack, replace(seen, objects=(*flood, *seen.objects)))
    content = repair_content(a_plan(RICH).spec, repairs)

    assert MOST_NAMED == len(content.stack.removals) == len(content.actions)
    assert "server-web-0" in {action.name for action in content.actions}


def test_a_repair_of_a_repair_names_only_what_is_wrong_now() -> None:
    """Removals by id are done once; those by identity were signed for good."""
    smaller = a_content(a_spec(servers=[a_server(count=1)]), in_force=a_content().stack, generation=2)
    first = a_repair(smaller, port_web_0={"address": "10.10.9.9"})
    second = a_repair(first, server_web_0={"image_id": "x"})

    assert [*smaller.stack.removals] == [gone for gone in second.stack.removals if gone.id is None]
    assert ["id-server-web-0"] == [gone.id for gone in second.stack.removals if gone.id is not None]


def test_a_repair_permits_exactly_the_objects_it_names() -> None:
    """The identity alone is not enough; and no data volume goes, even if a plan named one."""
    volume = next(found for found in observed(RICH.stack).objects if found.name == "volume-web-0.records")
    moved = a_repair(RICH, port_web_0={"address": "10.10.9.9"}).stack
    named = moved.removals[0].model_copy(
        update={"kind": volume.kind, "name": volume.name, "fingerprint": volume.fingerprint, "id": volume.id}
    )
    authority = authority_of(moved.model_copy(update={"removals": (*moved.removals, named)}))
    permitted = [found.id for found in observed(RICH.stack).objects if authority.removes(found)]
    port = next(found for found in observed(RICH.stack).objects if found.name == "port-web-0")

    assert ["id-port-web-0"] == permitted
    assert not authority.removes(an_object(port))


def test_a_later_plan_does_not_carry_the_removals_of_a_repair() -> None:
    """What is still wrong then is found by looking."""
    repair = a_repair(RICH, port_web_0={"address": "10.10.9.9"}).stack

    assert () == removals_between(repair, RICH.stack, unfinished=repair.removals)


def test_repair_plans_that_nobody_decided_on_do_not_pile_up() -> None:
    """A needed one, a decided one and every ordinary plan stay."""
    ordinary = a_plan(RICH)
    repairs = [a_plan(a_repair(RICH, **{name: {"image_id": "x"}})) for name in ("server_web_0", "server_web_1")]
    decided = a_plan(a_repair(RICH, boot_web_0={"image_id": "x"}))
    gone = superfluous([ordinary, *repairs, decided], [an_approval(decided)], needed=[repairs[0].meta.name])

    assert [repairs[1].meta.name] == [plan.meta.name for plan in gone]


def test_without_a_status_the_plan_made_from_the_spec_counts() -> None:
    """A repair is for something that was seen; without the sight it is nothing to begin with."""
    ordinary, repair = a_plan(a_content()), a_plan(a_repair(a_content(), interface_app={"router": "another"}))

    assert ordinary == newest_plan(a_request(), [repair, ordinary])
    assert repair == newest_plan(a_request(status={"plan": repair.meta.name}), [ordinary, repair])


def test_drift_is_told_object_by_object_and_field_by_field() -> None:
    """What it is, what was approved; rules one by one."""
    web = planned_objects(a_content().stack)["rules-web"]
    foreign = {"direction": "ingress", "protocol": None, "port_first": None, "port_last": None, "remote": None}
    changed: dict[str, dict[str, Any]] = {
        "server_web_0": {"name": "mine"},
        "rules_web": {"rules": [foreign, *web.inputs["rules"][1:]]},
    }
    drift = differences(planned_objects(a_content().stack), observed(a_content().stack, **changed))

    assert "Server server-web-0 is changed: name is mine, approved is permit-portal-web-0" in told(drift)
    assert "everything from anywhere was added, tcp/443 from 10.10.8.0/24 is missing" in told(drift)


def test_drift_without_end_is_told_shortly() -> None:
    """A condition's message is bounded."""
    drift = [Difference(Deviation.MISSING, Kind.PORT, f"port-{number}") for number in range(12)]

    long = {"name": "x" * 5000}
    changed = [Difference(Deviation.CHANGED, Kind.PORT, "port-web-0", "id", ("name",), wanted=long, found=long)] * 12

    assert told(drift).endswith("Port port-9 is missing and 2 more")
    assert 2000 > len(told(changed))


def test_a_volume_that_grew_is_not_shrunk() -> None:
    """Cinder cannot; so it is told, and nothing is tried."""
    stack = RICH.stack
    drift = differences(planned_objects(stack), observed(stack, **{"volume_web_0.records": {"size_gib": 20}}))

    assert [False] == [can_be_corrected(a_plan(RICH), item) for item in drift]
