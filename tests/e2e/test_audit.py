"""Attempts to get round the zones with all rights of the cloud: each is refused by it, or reported in one interval."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.cloud import Cloud
from infra.errors import KunlunError
from infra.stackplan import Kind
from tests import conftest
from tests.e2e.by_hand import as_administrator
from tests.e2e.story import NAMESPACE, Sandbox, Story, a_story, eventually, objects, project_of
from tests.e2e.watchful import a_watchful_operator

PATIENCE_SECONDS = 240.0  # several projects are listed every few seconds, on a machine that may be busy


@pytest.fixture(scope="module")
def story(sandbox: conftest.Sandbox) -> Iterator[Story]:
    """A request in the extranet under an operator that looks every few seconds, and only reports."""
    with a_watchful_operator(sandbox), a_story(sandbox, "audited") as story:
        story.apply()
        story.approve()
        story.ready(PATIENCE_SECONDS)
        assert eventually(lambda: contained(sandbox, "extranet")[0] == "True")
        yield story


def contained(sandbox: Sandbox, zone: str) -> tuple[str, str]:
    """(status, message) of what the zone says of itself."""
    found = json.loads(sandbox.kubectl("provider", "get", "zone", zone, "-o", "json").stdout)
    conditions = {item["type"]: item for item in found["status"]["conditions"]}
    return conditions.get("Contained", {}).get("status", ""), conditions.get("Contained", {}).get("message", "")


def warned(sandbox: Sandbox, kind: str, words: str) -> bool:
    """Whether a Warning event of reason SecurityViolation on such an object says so."""
    namespace = NAMESPACE if kind == "ResourceRequest" else "default"
    chosen = f"type=Warning,reason=SecurityViolation,involvedObject.kind={kind}"
    found = sandbox.kubectl("admin", "get", "events", "-n", namespace, f"--field-selector={chosen}", "-o", "json")
    return any(words in event["message"] for event in json.loads(found.stdout)["items"])


def ids(story: Story) -> dict[str, str]:
    """Ids of what the request has, by name."""
    return {one.name: one.id for one in objects(story.sandbox, project_of_story(story), story.uid()).objects}


def project_of_story(story: Story) -> str:
    return str(story.read()["status"]["project"])


def contained_again(story: Story, zone: str = "extranet") -> bool:
    return eventually(lambda: contained(story.sandbox, zone)[0] == "True")


def test_a_rule_opened_by_hand_is_a_security_event(story: Story) -> None:
    """On the request, and on its zone until it is closed; the request is Drifted, and nothing is healed unasked."""
    sandbox, group = story.sandbox, ids(story)["group-web"]

    async def open_it(cloud: Cloud) -> str:
        rule = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
        body = {"security_group_rule": {**rule, "port_range_min": 22, "port_range_max": 22}}
        return str((await cloud.post("network", "security-group-rules", body))["security_group_rule"]["id"])

    rule = as_administrator(sandbox, project_of_story(story), open_it)

    assert eventually(lambda: warned(sandbox, "ResourceRequest", "tcp/22 from anywhere was added"))
    assert eventually(lambda: "tcp/22 from anywhere" in contained(sandbox, "extranet")[1])
    assert "Drifted" == story.condition("Provisioned")[1]
    as_administrator(
        sandbox, project_of_story(story), lambda cloud: cloud.delete("network", f"security-group-rules/{rule}")
    )
    assert contained_again(story)


def test_a_port_that_may_spoof_is_reported_on_the_zone(story: Story) -> None:
    """It bears nobody's mark, so that no request drifts."""
    sandbox, network = story.sandbox, ids(story)["network-app"]

    async def make(cloud: Cloud) -> str:
        port = {"network_id": network, "name": "printer", "port_security_enabled": False, "security_groups": []}
        return str((await cloud.post("network", "ports", {"port": port}))["port"]["id"])

    port = as_administrator(sandbox, project_of_story(story), make)
    try:
        assert eventually(lambda: warned(sandbox, "Zone", f"Port {port} has port security off"))
        assert "False" == contained(sandbox, "extranet")[0]
    finally:
        as_administrator(sandbox, project_of_story(story), lambda cloud: cloud.delete("network", f"ports/{port}"))
    assert contained_again(story)


def test_a_route_that_no_plan_contains_is_reported(story: Story) -> None:
    """On the request whose router it is; a leg in another zone is told in the same way (see the component tests)."""
    sandbox, router = story.sandbox, ids(story)["router"]
    addresses = (item.get("address") for item in story.read()["status"]["resources"])
    nexthop = next(address for address in addresses if address)

    def routed(*routes: dict[str, str]) -> None:
        body = {"router": {"routes": list(routes)}}
        as_administrator(
            sandbox, project_of_story(story), lambda cloud: cloud.put("network", f"routers/{router}", body)
        )

    routed({"destination": "10.20.0.0/16", "nexthop": nexthop})
    try:
        assert eventually(lambda: warned(sandbox, "ResourceRequest", f"10.20.0.0/16 by {nexthop}"))
    finally:
        routed()
    assert contained_again(story)


def test_no_floating_ip_can_be_had_outside_the_internet_zone(story: Story) -> None:
    """The cloud refuses it even to its administrator: neither quota nor uplink have one to give."""

    async def take(cloud: Cloud) -> str:
        uplink = (await cloud.list("network", "networks", {"name": "uplink-extranet"}))[0]["id"]
        try:
            await cloud.post("network", "floatingips", {"floatingip": {"floating_network_id": uplink}})
        except KunlunError as error:
            return error.reason
        return "taken"

    assert as_administrator(story.sandbox, project_of_story(story), take) in {"QuotaExceeded", "CloudRefused"}


def test_a_floating_ip_taken_by_hand_is_reported(story: Story) -> None:
    """In the Internet zone there are some, and each has to be in a plan."""
    sandbox, project = story.sandbox, project_of(story.sandbox, "internet")

    async def take(cloud: Cloud) -> str:
        uplink = (await cloud.list("network", "networks", {"name": "uplink-internet"}))[0]["id"]
        made = await cloud.post("network", "floatingips", {"floatingip": {"floating_network_id": uplink}})
        return str(made["floatingip"]["id"])

    taken = as_administrator(sandbox, project, take)
    try:
        assert eventually(lambda: warned(sandbox, "Zone", f"{Kind.FLOATING_IP} {taken}"))
    finally:
        as_administrator(sandbox, project, lambda cloud: cloud.delete("network", f"floatingips/{taken}"))
    assert contained_again(story, "internet")


def test_people_read_and_any_other_role_is_reported(story: Story) -> None:
    """A reader whom the Tenant names has that role; one made a member by hand is told on the zone."""
    sandbox, project = story.sandbox, project_of_story(story)

    async def hire(cloud: Cloud) -> str:
        person = {"name": "sun.qi", "domain_id": "default"}
        return str((await cloud.post("identity", "/users", {"user": person}))["user"]["id"])

    async def roles(cloud: Cloud) -> set[str]:
        found = await cloud.list(
            "identity", "/role_assignments", {"scope.project.id": project, "include_names": "True"}
        )
        return {one["role"]["name"] for one in found if one.get("user", {}).get("id") == person}

    async def promote(cloud: Cloud) -> None:
        member = (await cloud.list("identity", "/roles", {"name": "member"}))[0]["id"]
        await cloud.put("identity", f"/projects/{project}/users/{person}/roles/{member}", {})

    person = as_administrator(sandbox, project, hire)
    try:
        say_who_reads(sandbox, [{"user": "sun.qi"}])
        assert eventually(lambda: as_administrator(sandbox, project, roles) == {"reader"})
        as_administrator(sandbox, project, promote)
        assert eventually(lambda: warned(sandbox, "Zone", f"'member' is held by user 'sun.qi' ({person})"))
    finally:
        say_who_reads(sandbox, [])
        as_administrator(sandbox, project, lambda cloud: cloud.delete("identity", f"/users/{person}"))
    assert contained_again(story)


def say_who_reads(sandbox: Sandbox, readers: list[dict[str, str]]) -> None:
    patch = json.dumps({"spec": {"readers": readers}})
    sandbox.kubectl("admin", "patch", f"tenants/{NAMESPACE}", "--type=merge", f"--patch={patch}")
