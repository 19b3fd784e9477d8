"""The whole way on real parts: apply, plan, approve, build, change, delete, as the personas do it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from controllers.api.plan import Operation
from tests.e2e.office import a_system, an_office
from tests.e2e.story import Sandbox, a_server, a_story, eventually, leftovers, objects, project_of

QUIET_SECONDS = 15.0


def test_nothing_exists_until_the_right_person_approves_the_right_plan(sandbox: Sandbox) -> None:
    """No approval, or one that must not count, builds nothing; each refusal says why."""
    with a_story(sandbox, "unapproved") as story:
        story.apply()
        old = story.planned()
        story.apply(servers=[a_server(count=2)])
        assert eventually(lambda: story.read()["status"]["plan"] != old)
        plan = story.planned()

        refusals = {
            "requester": story.decide(plan, persona="clerk"),
            "stage": story.decide(plan, persona="security"),
            "name": story.decide(plan, approver="zhao.min"),
            "superseded": story.decide(old),
        }
        time.sleep(QUIET_SECONDS)

        assert {"requester", "stage", "name", "superseded"} == {
            who for who, done in refusals.items() if done.returncode
        }
        assert 'must be "zhang.wei"' in refusals["name"].stderr
        assert "newest plan" in refusals["superseded"].stderr
        assert "may not decide stage" in refusals["stage"].stderr
        assert () == objects(sandbox, project_of(sandbox), story.uid()).objects
        assert "AwaitingApproval" == story.condition("Ready")[1]


def test_a_denied_plan_builds_nothing_and_says_who_and_why(sandbox: Sandbox) -> None:
    """A denial ends the waiting; the reason is in the request."""
    with a_story(sandbox, "denied") as story:
        story.apply()
        plan = story.planned()
        assert 0 == story.decide(plan, decision="Denied", reason="no budget line").returncode

        assert "zhang.wei" in story.reaches("Ready", "Denied")
        assert "no budget line" in story.condition("Approved")[2]


def test_an_approved_request_becomes_exactly_its_plan_and_goes_without_a_trace(sandbox: Sandbox) -> None:
    """Ready means: what the plan says is what OpenStack lists; deleted means: nothing is listed."""
    before = leftovers(sandbox, project_of(sandbox))
    with a_story(sandbox, "whole-way") as story:
        story.apply(servers=[a_server(count=2)])
        story.approve()
        waited = sandbox.kubectl(
            "clerk", "wait", "rr/whole-way", "--for=condition=Ready", "--timeout=120s", check=False
        )

        assert 0 == waited.returncode, story.read()["status"]
        assert [] == story.unplanned()
        servers = [item for item in story.read()["status"]["resources"] if item["kind"] == "Server"]
        assert ["server-web-0", "server-web-1"] == [item["name"] for item in servers]
        uid, project = story.uid(), project_of(sandbox)
        story.delete()

    assert () == objects(sandbox, project, uid).objects
    assert before == leftovers(sandbox, project)
    assert [] == [str(path) for path in (sandbox.home / "operator").rglob(f"*{uid}*")]


def test_a_change_is_a_new_plan_and_the_old_one_stays_in_force(sandbox: Sandbox) -> None:
    """Growing, opening a port and resizing: each says exactly what it does, and does it only when approved."""
    with a_story(sandbox, "changing") as story:
        story.apply()
        first = story.approve()
        story.ready()
        _changed(story, {"server-web-1", "port-web-1"}, Operation.CREATE, servers=[a_server(count=2)])
        assert first != story.read()["status"]["approvedPlan"]
        flows = [{"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/8443"], "purpose": "counter"}]
        _changed(story, {"rules-web"}, Operation.UPDATE, servers=[a_server(count=2)], flows=flows)
        bigger = [a_server(count=2, flavor="c1.medium")]
        _changed(story, {"server-web-0", "server-web-1"}, Operation.UPDATE, servers=bigger, flows=flows)
        _changed(
            story, {"server-web-1", "port-web-1"}, Operation.DELETE, servers=[{**bigger[0], "count": 1}], flows=flows
        )
        other = [{**bigger[0], "count": 1, "image": "ubuntu-24.04"}]
        _changed(story, {"server-web-0"}, Operation.REPLACE, servers=other, flows=flows)


def _changed(story: Any, names: set[str], operation: Operation, **spec: Any) -> None:
    """Apply a change, see the old plan stay in force, approve the new one, see it become real."""
    in_force = story.read()["status"]["approvedPlan"]
    story.apply(**spec)
    assert eventually(lambda: story.read()["status"]["plan"] != in_force)
    plan = story.planned()

    assert {(operation, name) for name in names} == {(item.operation, item.name) for item in story.plan(plan).actions}
    assert in_force == story.read()["status"]["approvedPlan"]
    story.approve()
    story.ready()
    assert plan == story.read()["status"]["approvedPlan"]
    assert [] == story.unplanned()


def test_a_request_deleted_while_it_is_built_leaves_nothing(sandbox: Sandbox) -> None:
    """Deleting does not wait for the build to end."""
    with a_story(sandbox, "cut-short") as story:
        story.apply(servers=[a_server(count=3)])
        story.approve()
        story.reaches("Provisioned", "Building")
        uid = story.uid()
        time.sleep(0.8)
        story.delete()

    assert () == objects(sandbox, project_of(sandbox), uid).objects


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        pytest.param({"zone": "moon"}, "unknown zone 'moon'; allowed: extranet, internet, private", id="unknown zone"),
        pytest.param({"system": "ghost"}, "no InformationSystem 'ghost'", id="unknown system"),
        pytest.param(
            {"servers": [a_server(image="windows-95", flavor="c9")]}, "no image 'windows-95'", id="image and flavor"
        ),
        pytest.param({"servers": [a_server(roles=["no-such"])]}, "no role 'no-such'; allowed: baseline", id="roles"),
        pytest.param(
            {"flows": [{"from": {"cidr": "8.8.8.0/24"}, "to": "web", "ports": ["tcp/22"], "purpose": "login"}]},
            "zone 'extranet' permits no tcp/22 from 8.8.8.0/24; allowed: ",
            id="flow outside the catalogue",
        ),
        pytest.param(
            {"servers": [a_server(bootVolumeGiB=20)]}, "no block storage service", id="volumes without Cinder"
        ),
    ],
)
def test_a_request_that_is_not_allowed_says_so_in_its_status(
    sandbox: Sandbox, spec: dict[str, Any], where: str
) -> None:
    """What the API server cannot know is said by the operator, all findings at once."""
    with a_story(sandbox, "not-allowed") as story:
        story.apply(**spec)
        message = story.reaches("Ready", "PolicyViolated", 15)

        assert where in message
        assert "True" == story.condition("Stalled")[0]


def test_another_departments_system_lends_nobody_its_name(sandbox: Sandbox) -> None:
    """The registry is looked up in the department's own namespace, whoever else has a system of that name."""
    with an_office(sandbox) as other, a_story(sandbox, "borrowed") as story:
        other.does("clerk", "create", document={**a_system(), "metadata": {"name": "land-register"}})
        story.apply(system="land-register")

        assert "no InformationSystem 'land-register'" in story.reaches("Ready", "PolicyViolated", 15)


def test_an_unregistered_or_classified_system_gets_nothing(sandbox: Sandbox) -> None:
    """The registry decides; filing the system wakes the request."""
    body: dict[str, Any] = {
        "title": "Archive",
        "owner": "Archive",
        "classification": "NonClassified",
        "protectionLevel": 2,
    }
    system = {
        "apiVersion": "kunlun.cloud/v1alpha1",
        "kind": "InformationSystem",
        "metadata": {"name": "archive"},
        "spec": body,
    }
    sandbox.kubectl("clerk", "apply", "-f", "-", input=json.dumps(system))
    with a_story(sandbox, "unfiled") as story:
        story.apply(system="archive")
        assert "not registered" in story.reaches("Compliant", "PolicyViolated", 15)
        body["filingNumber"] = "CA-1"
        sandbox.kubectl("clerk", "apply", "-f", "-", input=json.dumps(system))
        story.planned()
        body["classification"] = "Classified"
        sandbox.kubectl("clerk", "apply", "-f", "-", input=json.dumps(system))
        assert "is classified" in story.reaches("Compliant", "PolicyViolated", 15)
    sandbox.kubectl("clerk", "delete", "informationsystem", "archive")
