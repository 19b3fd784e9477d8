"""The plan: exact, deterministic, and honest about what it changes."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.plan import Operation, PlanContent, plan_digest
from infra.planned import planned_objects
from infra.stackplan import Kind, Resolved
from tests.build import a_content, a_flow, a_network, a_server, a_spec


def changes(before: PlanContent, **fields: Any) -> dict[str, tuple[Operation, str]]:
    after = a_content(a_spec(**fields), in_force=before.stack, generation=2)
    return {action.name: (action.operation, action.detail) for action in after.actions}


def removed(before: PlanContent, **fields: Any) -> set[str]:
    after = a_content(a_spec(**fields), in_force=before.stack, generation=2)
    return {removal.name for removal in after.stack.removals}


def test_the_same_request_gives_the_same_digest() -> None:
    """Planning is pure: no clock, no chance."""
    assert plan_digest(a_content()) == plan_digest(a_content())


@pytest.mark.parametrize("change", [{"generation": 2}, {"uid": "uid-2"}])
def test_a_digest_belongs_to_one_request_and_generation(change: dict[str, Any]) -> None:
    """An approval cannot be replayed on another request or another version of it."""
    assert plan_digest(a_content()) != plan_digest(a_content(**change))


def test_a_first_plan_creates_everything_it_names() -> None:
    """The standard request: router, network, subnet, interface, group, rules, two ports, two servers."""
    content = a_content()

    assert {(Operation.CREATE, item.name) for item in planned_objects(content.stack).values()} == {
        (action.operation, action.name) for action in content.actions
    }
    assert 10 == len(content.actions)
    assert () == content.stack.removals


def test_an_unchanged_request_changes_nothing() -> None:
    """Another generation alone is no action."""
    assert {} == changes(a_content())


def test_growing_creates_only_what_is_added() -> None:
    """Two more servers are two ports and two servers, nothing else."""
    found = changes(a_content(), servers=[a_server(count=4)])

    assert dict.fromkeys(("port-web-2", "server-web-2", "port-web-3", "server-web-3"), Operation.CREATE) == {
        name: operation for name, (operation, _) in found.items()
    }


def test_shrinking_deletes_the_highest_and_signs_for_it() -> None:
    """The officer signs the deletion of exactly one server and its port."""
    expected = {"port-web-1", "server-web-1"}
    found = changes(a_content(), servers=[a_server(count=1)])

    assert expected == {name for name, (operation, _) in found.items() if operation is Operation.DELETE}
    assert expected == removed(a_content(), servers=[a_server(count=1)])


def test_another_flavor_is_a_resize_and_says_so() -> None:
    """A resize keeps the server; nothing is removed."""
    bigger = [a_server(flavor="c1.large")]
    said = (Operation.UPDATE, "flavor c1.small → c1.large; resized, with a restart")

    assert dict.fromkeys(("server-web-0", "server-web-1"), said) == changes(a_content(), servers=bigger)
    assert set() == removed(a_content(), servers=bigger)


def test_another_image_is_a_replacement_and_says_what_is_lost() -> None:
    """A server cannot change its image in place: it is built anew, on its old port."""
    other = [a_server(image="ubuntu-24.04", count=1)]
    found = changes(a_content(a_spec(servers=[a_server(count=1)])), servers=other)

    assert {
        "server-web-0": (
            Operation.REPLACE,
            "image debian-12 → ubuntu-24.04; the server is built anew and its own disk is lost",
        )
    } == found


def test_a_flow_changes_rules_in_place() -> None:
    """Opening a port is an update of the group's rules and names the port."""
    found = changes(a_content(), flows=[a_flow(), a_flow(ports=["udp/5000-5010"])])

    assert {"rules-web": (Operation.UPDATE, "opens udp/5000-5010 from 10.10.8.0/24")} == found


def test_closing_a_flow_names_what_is_closed() -> None:
    """Taking a flow away closes exactly it."""
    assert {"rules-web": (Operation.UPDATE, "closes tcp/443 from 10.10.8.0/24")} == changes(a_content(), flows=[])


def test_moving_a_network_replaces_what_hangs_on_it() -> None:
    """Another prefix takes interface, ports and servers with it, and says so for each."""
    found = changes(a_content(), networks=[a_network(prefixLength=27)])
    replaced = {name for name, (operation, _) in found.items() if operation is Operation.REPLACE}

    assert {"subnet-app", "interface-app", "port-web-0", "port-web-1", "server-web-0", "server-web-1"} == replaced
    assert replaced == removed(a_content(), networks=[a_network(prefixLength=27)])
    assert "follows port-web-0" in found["server-web-0"][1]


def test_a_retained_volume_is_kept_and_a_deletable_one_is_signed_for() -> None:
    """Data outlives its server unless the request said otherwise."""
    volumes = [{"name": "keep", "sizeGiB": 1}, {"name": "drop", "sizeGiB": 1, "onDelete": "Delete"}]
    before = a_content(a_spec(servers=[a_server(volumes=volumes)]))
    gone = removed(before, servers=[a_server(volumes=[])])

    assert {
        f"{kind}-web-{i}.{name}"
        for i in (0, 1)
        for kind, name in (("attachment", "keep"), ("attachment", "drop"), ("volume", "drop"))
    } == gone


def test_a_flow_inside_the_request_is_two_rules() -> None:
    """Egress at the client and ingress at the server, and no other direction."""
    servers = [a_server(), a_server(name="db", count=1)]
    flow = a_flow(**{"from": {"servers": "web"}}, to="db", ports=["tcp/5432"])
    rules = {
        item.name: item.inputs["rules"]
        for item in planned_objects(a_content(a_spec(servers=servers, flows=[flow])).stack).values()
        if item.kind is Kind.SECURITY_GROUP_RULES
    }

    assert [("egress", "@group-db")] == [(rule["direction"], rule["remote"]) for rule in rules["rules-web"]]
    assert [("ingress", "@group-web")] == [(rule["direction"], rule["remote"]) for rule in rules["rules-db"]]


def test_the_bill_adds_up() -> None:
    """Cost is what its lines say: servers, and volumes by the GiB."""
    content = a_content(a_spec(servers=[a_server(count=3, bootVolumeGiB=40)]))

    assert 3 * (90 + 40) == content.monthly_yuan
    assert content.monthly_yuan == sum(line.count * line.monthly_yuan_each for line in content.costs)


def test_every_reference_names_an_object_of_the_plan() -> None:
    """What is "@name" in one object is a key of another."""
    planned = planned_objects(a_content(a_spec(servers=[a_server(bootVolumeGiB=20)])).stack)
    references = {
        value[1:]
        for item in planned.values()
        for value in item.inputs.values()
        if isinstance(value, str) and value.startswith("@")
    }

    assert references <= planned.keys()


def test_removals_that_were_not_carried_out_stay_signed_for() -> None:
    """A plan that was cut off leaves its removals to the next one, which says so."""
    first = a_content(a_spec(servers=[a_server(count=2)]))
    second = a_content(a_spec(servers=[a_server(count=1)]), in_force=first.stack, generation=2)
    third = a_content(
        a_spec(servers=[a_server(count=1)], flows=[]),
        in_force=second.stack,
        generation=3,
        unfinished=second.stack.removals,
    )

    assert {"port-web-1", "server-web-1"} == {item.name for item in third.stack.removals}
    assert {"port-web-1", "server-web-1"} == {
        action.name for action in third.actions if "left over from an earlier plan" in action.detail
    }


def test_a_rebuilt_image_is_for_new_servers() -> None:
    """Growing builds nothing anew because the catalogue means another image by the same name."""
    first = a_content(a_spec(servers=[a_server(count=1)]))
    stack = first.stack
    older = stack.servers[0].model_copy(update={"image": Resolved(id="id-of-last-year", name="debian-12")})
    before = stack.model_copy(update={"servers": (older,)})
    after = a_content(a_spec(servers=[a_server(count=2)]), in_force=before, generation=2)

    assert {"port-web-1", "server-web-1"} == {action.name for action in after.actions}
    assert ["id-of-last-year", "id-debian-12"] == [server.image.id for server in after.stack.servers]


def test_a_volume_whose_fate_changes_is_signed_for() -> None:
    """Nothing changes in the cloud, but what happens to the data later does."""
    kept = [{"name": "data", "sizeGiB": 1}]
    dropped = [{"name": "data", "sizeGiB": 1, "onDelete": "Delete"}]
    before = a_content(a_spec(servers=[a_server(count=1, volumes=kept)]))
    found = changes(before, servers=[a_server(count=1, volumes=dropped)])

    assert {"volume-web-0.data": (Operation.UPDATE, "from now on it is deleted when its server goes")} == found
