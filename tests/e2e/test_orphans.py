"""Orphans, both ways, and giving up: on the real API server and the real OpenStack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.cloud import Clouds
from infra.stackplan import Kind
from tests.conftest import Sandbox
from tests.e2e.orphanage import Orphanage, found, in_cloud, kunlun, orphans
from tests.e2e.story import NAMESPACE, Story, a_story, eventually, leftovers, objects, project_of
from tests.e2e.tiers import tiers

WITH_CINDER = {Kind.VOLUME, Kind.VOLUME_ATTACHMENT}


@pytest.fixture
def orphanage(sandbox: Sandbox) -> Iterator[Orphanage]:
    """One orphan of every kind, and look-alikes beside them; gone afterwards."""
    planted, project, public = Orphanage(), project_of(sandbox), project_of(sandbox, "internet")
    zone, internet = (zone_status(sandbox, name) for name in ("extranet", "internet"))

    async def plant(clouds: Clouds) -> None:
        flavor, image = zone["flavors"][0]["id"], zone["images"][0]["id"]
        await planted.plant(clouds, project, flavor=flavor, image=image, uplink=zone["uplinkId"])
        await planted.plant_link(clouds, project, public)
        await planted.plant_management(clouds, project, zone["managementNetworkId"])
        await planted.plant_public_address(clouds, public, internet["uplinkId"])
        await planted.plant_look_alikes(clouds, project)

    try:
        in_cloud(sandbox, plant)
        yield planted
    finally:
        orphans(sandbox, "--delete-all", "--yes")
        in_cloud(sandbox, planted.clear)


def test_every_planted_orphan_is_found_and_nothing_else_and_goes_on_command(
    sandbox: Sandbox, orphanage: Orphanage
) -> None:
    """One of each kind; living requests that are linked, and the look-alikes, are no findings, before and after."""
    with tiers(sandbox, "neighbour") as living:
        living.ask("app")
        living.ask("db", "app")
        living.ready("app", "db")
        project = project_of(sandbox)
        server = next(row for row in orphanage.rows if row[1] == "Server")
        kept = {row for row in orphanage.rows if row[0] == "Kept"}

        assert set(Kind) - WITH_CINDER <= {row[1] for row in orphanage.rows}
        assert orphanage.rows == found(sandbox)

        one = orphans(sandbox, f"--delete={server[2]}", "--yes")
        assert (0, f"deleted: Server server-planted ({server[2]})\n") == (one.returncode, one.stdout)
        gone = {row for row in orphanage.rows if row[2].startswith(server[2])}  # attachments go with their server
        assert orphanage.rows - gone == found(sandbox)

        rest = orphans(sandbox, "--delete-all", "--yes")
        assert 0 == rest.returncode, rest.stdout + rest.stderr
        assert len(orphanage.rows - gone - kept) == rest.stdout.count("deleted: ")
        assert kept == found(sandbox)
        assert "no orphans" in orphans(sandbox).stdout
        assert 3 == leftovers(sandbox, project)["SecurityGroup"].count("planted")
        assert [] == living.unplanned("app", "db")


def test_a_question_that_is_not_answered_deletes_nothing(sandbox: Sandbox, orphanage: Orphanage) -> None:
    """Without `--yes` somebody has to say it; and what was never found is refused by name."""
    unanswered = orphans(sandbox, "--delete-all")
    unknown = orphans(sandbox, "--delete=11111111-0000-4000-8000-000000000001", "--yes")

    assert (1, 1) == (unanswered.returncode, unknown.returncode)
    assert "not among the findings" in unknown.stderr
    assert 3 == orphans(sandbox).returncode
    assert orphanage.rows == found(sandbox)


def test_what_somebody_removed_by_hand_is_missing(sandbox: Sandbox) -> None:
    """The other direction: the request has it, the cloud does not."""
    with a_story(sandbox, "robbed") as story:
        build(story)
        built = objects(sandbox, project_of(sandbox), story.uid()).objects
        server = next(item for item in built if item.kind == "Server")

        async def rob(clouds: Clouds) -> None:
            await clouds.project(project_of(sandbox)).delete("compute", f"servers/{server.id}")

        assert set() == found(sandbox)
        in_cloud(sandbox, rob)
        assert eventually(lambda: found(sandbox) == {("Missing", "Server", "server-web-0")}), found(sandbox)


def test_what_is_given_up_goes_and_what_was_built_stays(sandbox: Sandbox) -> None:
    """The provider may, nobody else; it is recorded; the cloud is not touched; the scan finds all of it."""
    with a_story(sandbox, "lost-cause") as story:
        build(story)
        project, uid = project_of(sandbox), story.uid()
        before = objects(sandbox, project, uid)
        refused = [give_up(sandbox, story, persona) for persona in ("clerk", "officer", "auditor")]
        stayed = bool(story.read())
        done = give_up(sandbox, story, "provider")

        assert ([1, 1, 1], True) == (refused, stayed)
        assert 0 == done
        assert eventually(lambda: not story.read(), 30)
        assert before == objects(sandbox, project, uid)
        assert "given up by ops.wang: the building burnt down" in _event(sandbox, story.name)
        expected = {("Orphan", item.kind.value, item.id) for item in before.objects}
        assert expected == found(sandbox)
        assert 0 == orphans(sandbox, "--delete-all", "--yes").returncode
        assert () == objects(sandbox, project, uid).objects


def zone_status(sandbox: Sandbox, name: str) -> dict[str, Any]:
    return dict(json.loads(sandbox.kubectl("provider", "get", "zone", name, "-o", "json").stdout)["status"])


def build(story: Story) -> None:
    story.apply()
    story.approve()
    story.ready()


def give_up(sandbox: Sandbox, story: Story, persona: str) -> int:
    """`kubectl kunlun abandon` as a persona; its exit code."""
    kubeconfig = f"--kubeconfig={sandbox.kubeconfig(persona)}"
    reason = "--reason=the building burnt down"
    return kunlun(sandbox, "abandon", story.name, f"--namespace={NAMESPACE}", kubeconfig, reason, "--yes").returncode


def _event(sandbox: Sandbox, name: str) -> str:
    """The message of the Event that says so."""
    chosen = f"--field-selector=reason=Abandoned,involvedObject.name={name}"
    listed = sandbox.kubectl("clerk", "get", "events", chosen, "-o", "json")
    return str(json.loads(listed.stdout)["items"][-1]["message"])
