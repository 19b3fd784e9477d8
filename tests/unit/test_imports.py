"""Planning an import: the plan takes what exists as it is, and says what taking it over changes."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.plan import Operation
from controllers.api.stored import PLANS
from controllers.request.imports import find_imports, import_findings
from controllers.request.validate import validate
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing
from infra.stackplan import Kind, marker
from tests.build import NAMESPACE, a_content, a_network, a_server, a_spec
from tests.unit.by_hand import by_hand, importing, imports, listing
from tests.unit.world import World


def planned(shown: ProjectListing | None = None, **fields: Any) -> Any:
    """The plan content of the importing request."""
    spec = importing(**fields)
    return a_content(spec, found=find_imports(spec, shown or listing(by_hand())))


def findings(shown: ProjectListing, **fields: Any) -> list[str]:
    spec = importing(**fields)
    found = find_imports(spec, shown)
    stack = a_content(spec, found=found).stack
    return [str(one) for one in import_findings(spec, stack, found, elsewhere={})]


def test_addresses_are_those_that_exist() -> None:
    """Prefix, gateway, Neutron's own range and the server's address: nothing is re-addressed."""
    stack = planned().stack
    network = stack.networks[0]

    assert ("10.10.7.0/28", "10.10.7.1") == (network.cidr, network.gateway)
    assert ("10.10.7.2", "10.10.7.14") == (network.service_first, network.service_last)
    assert "10.10.7.9" == stack.servers[0].address


def test_a_later_plan_keeps_them_without_the_imports() -> None:
    """What was taken over once is this request's, gateway included, whether the entries stay or not."""
    first = planned()
    later = a_content(importing(imports=[]), in_force=first.stack, generation=2)

    assert first.stack.networks == later.stack.networks
    assert () == later.actions


def test_new_servers_avoid_everybody_who_is_there() -> None:
    """The network has guests of its own: their addresses, and the gateway's, are taken."""
    other = {"id": "port-9", "device_id": "x", "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": "10.10.7.4"}]}
    stack = planned(listing(by_hand(), other), servers=[a_server(count=2)]).stack

    assert ["10.10.7.9", "10.10.7.5"] == [server.address for server in stack.servers]


def test_the_plan_says_what_taking_over_changes() -> None:
    """Officers sign for it: every object by its id, the rules that close, the restart, the new name."""
    said = {action.name: (action.operation, action.detail) for action in planned().actions}

    assert {Operation.IMPORT} == {operation for operation, _ in said.values()}
    assert "taken over as it is: subnet-1, changed in: name legacy → permit-portal-app" == said["subnet-app"][1]
    assert "taken over with what it belongs to" == said["interface-app"][1]
    assert "closes everything from 0.0.0.0/0" in said["rules-web"][1]
    assert "flavor c1.large → c1.small; resized, with a restart" in said["server-web-0"][1]


def test_what_is_not_imported_is_created() -> None:
    """A new group for an old server: the port moves to it, and the plan says so."""
    content = planned(imports=imports(group_web=None))
    said = {action.name: (action.operation, action.detail) for action in content.actions}

    assert Operation.CREATE == said["group-web"][0]
    assert "groups group-1 → group-web" in said["port-web-0"][1]


def test_an_import_is_said_once() -> None:
    """In the next plan it is the request's like anything else."""
    first, spec = planned(), importing(servers=[a_server(count=2)])
    found = find_imports(spec, listing(by_hand()))
    later = a_content(spec, in_force=first.stack, generation=2, found=found)

    assert {"port-web-1", "server-web-1"} == {action.name for action in later.actions}
    assert first.stack.imports == later.stack.imports


def test_everything_wrong_is_said_where_it_was_written() -> None:
    """By the entry's index; a subnet that comes along by its network's; a wrong size by the network's."""
    objects = by_hand()
    objects[Kind.SUBNET]["subnetpool_id"] = "another"
    objects[Kind.SERVER]["image"] = {"id": "another"}
    objects[Kind.SERVER]["metadata"] = {}
    found = findings(listing(objects), networks=[a_network(prefixLength=27)], imports=imports(group_web="gone"))

    assert [
        "spec.imports[2]: group-web: the department's project civil-affairs-extranet has no SecurityGroup "
        "with the id gone; without the import the request would have it made anew",
        "spec.imports[4]: server-web-0: was built from image another, not from id-debian-12, which the request names",
        "spec.imports[1]: subnet-app: its subnet pool is another, the request wants pool-1",
        "spec.networks[0].prefixLength: network-app is a /28; write 28",
    ] == found


def test_strangers_on_a_network_are_not_cut_off() -> None:
    """Deleting the request would take their router away; releasing it would not."""
    other = {"id": "port-9", "network_id": "network-1", "device_id": "x", "device_owner": "compute:nova"}
    shown = listing(by_hand(), {**other, "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": "10.10.7.4"}]})

    assert [
        "spec.imports[1]: network-app: has ports that are not of this request (port-9); import them, too, or set "
        "deletionPolicy: Release"
    ] == findings(shown)
    assert [] == findings(shown, deletionPolicy="Release")


def test_what_another_request_manages_is_refused() -> None:
    """A marker is a claim; nobody takes it over from him who has it."""
    objects = by_hand()
    objects[Kind.SERVER]["metadata"] = {"kunlun.cloud": marker("another", "server-db-0", "0" * 12)}

    assert ["spec.imports[4]: server-web-0: is managed by another request (uid another)"] == findings(listing(objects))


def test_what_is_taken_over_already_is_not_judged_again() -> None:
    """Growing a request does not wait for a server that people have shelved meanwhile."""
    objects, entry = by_hand(), planned_objects(planned().stack)["server-web-0"]
    objects[Kind.SERVER]["metadata"] = {"kunlun.cloud": marker("uid-1", entry.name, entry.fingerprint)}
    objects[Kind.SERVER]["status"] = "SHELVED_OFFLOADED"

    assert [] == findings(listing(objects))


def test_an_imported_object_is_never_replaced() -> None:
    """Another image would mean another server; while the entry stands, that is refused."""
    ubuntu, entry = [a_server(count=1, image="ubuntu-24.04")], planned_objects(planned().stack)["server-web-0"]
    ours = by_hand()
    ours[Kind.SERVER]["metadata"] = {"kunlun.cloud": marker("uid-1", entry.name, entry.fingerprint)}

    assert "would be replaced; take the import out" in findings(listing(ours), servers=ubuntu)[0]

    assert (
        "was built from image id-debian-12, not from id-ubuntu-24.04" in findings(listing(by_hand()), servers=ubuntu)[0]
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param({"name": "server-db-0", "id": "x"}, "'server-db-0' is no object of this request", id="unknown"),
        pytest.param({"name": "server-web-2", "id": "x"}, "'server-web-2' is no object", id="beyond the count"),
        pytest.param({"name": "boot-web-0", "id": "x"}, "'boot-web-0' is no object", id="no boot volume asked for"),
        pytest.param({"name": "rules-web", "id": "x"}, "comes along with what it belongs to", id="rules"),
        pytest.param({"name": "router", "id": "same"}, "the id 'same' is used 2 times", id="one id twice"),
    ],
)
def test_an_entry_names_an_object_of_this_request(entry: dict[str, str], words: str) -> None:
    """Anything else is said before the cloud is asked."""
    spec = a_spec(imports=[{"name": "network-app", "id": "same"}, entry])

    assert [True] == [words in str(one) for one in validate(spec) if str(one).startswith("spec.imports[1]")]


async def test_a_request_with_imports_is_planned_from_what_the_project_shows() -> None:
    """One look at the project, and the plan names the ids."""
    world = World()
    world.surveys.by_hand = listing(by_hand())
    world.ask(importing())
    await world.turn()

    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    assert plan is not None
    assert {"subnet-app": "subnet-1", "server-web-0": "server-1"}.items() <= {
        entry.name: entry.id for entry in plan.spec.stack.imports
    }.items()
    assert 1 == world.surveys.looks


async def test_a_request_that_names_what_is_not_there_gets_no_plan() -> None:
    """It may be in another project: nobody looks there."""
    world = World()
    world.ask(importing())
    await world.turn()

    assert ("False", "InvalidRequest") == world.standing("Planned")
    assert [] == list(world.cache.all(PLANS, NAMESPACE))


async def test_two_requests_cannot_plan_to_take_over_the_same() -> None:
    """The first plan has it; the second is told whose it is."""
    world = World()
    world.surveys.by_hand = listing(by_hand())
    world.ask(importing())
    await world.turn()
    world.ask(importing(), name="rival")
    await world.turn("rival")

    message = next(item["message"] for item in world.status("rival")["conditions"] if item["type"] == "Planned")
    assert "server-web-0: is in the plan of request 'permit-portal' already" in message


async def test_a_plan_that_never_came_into_force_leaves_no_addresses() -> None:
    """Its network is still somebody else's: a request that imports it no longer gets a prefix of its own."""
    world = World()
    world.surveys.by_hand = listing(by_hand())
    world.ask(importing())
    await world.turn()
    world.ask(importing(imports=[]), generation=2)
    await world.turn()

    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    assert plan is not None
    assert "10.10.1.0/28" == plan.spec.stack.networks[0].cidr
