"""What nobody approved does not happen: forged plans, and states that are stale, emptied or another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, Story, a_server, a_story, eventually, objects, project_of


def test_a_plan_whose_content_was_changed_builds_nothing(sandbox: Sandbox, operator: OperatorControl) -> None:
    """The digest does not match: the reason is shown, and there is nothing in the cloud."""
    with a_story(sandbox, "altered") as story:
        story.apply()
        plan = story.planned()
        operator.kill()  # a running one would put the right plan back at once
        _forge(sandbox, plan)
        operator.start()
        message = story.reaches("Planned", "PlanForged", 20)
        story.decide(plan)

        assert "does not match its digest" in message
        assert not eventually(lambda: bool(objects(sandbox, project_of(sandbox), story.uid()).objects), 5)


def _forge(sandbox: Sandbox, plan: str) -> None:
    """Put a plan with one server more in the place of the real one, as only the operator's identity could."""
    body = json.loads(sandbox.kubectl("operator", "get", "plan", plan, "-n", "civil-affairs", "-o", "json").stdout)
    more = {**body["spec"]["stack"]["servers"][0], "name": "web-9", "address": "10.10.250.9"}
    body["spec"]["stack"]["servers"].append(more)
    metadata = {key: body["metadata"][key] for key in ("name", "namespace", "ownerReferences")}
    sandbox.kubectl("operator", "delete", "plan", plan, "-n", "civil-affairs")
    forged = {**body, "metadata": metadata}
    sandbox.kubectl("operator", "create", "-f", "-", input=json.dumps(forged))


@pytest.mark.parametrize("damage", ["emptied", "truncated", "foreign", "stale"])
def test_a_wrong_engine_state_changes_nothing_that_was_not_approved(
    sandbox: Sandbox, operator: OperatorControl, damage: str
) -> None:
    """The state is a cache: whatever it says, the next change does exactly what its plan says."""
    with a_story(sandbox, "bystander") as bystander, a_story(sandbox, "damaged") as story:
        for other in (bystander, story):
            other.apply()
            other.approve()
            other.ready()
        before = _ids(sandbox, story)
        _damage(sandbox, story, bystander, damage)
        story.apply(servers=[a_server(count=2)])
        assert eventually(story.plan_is_of_present_generation)
        story.approve()
        story.ready()

        assert [] == story.unplanned()
        assert [] == bystander.unplanned()
        assert before.items() <= _ids(sandbox, story).items()


def _ids(sandbox: Sandbox, story: Story) -> dict[str, str]:
    found = objects(sandbox, project_of(sandbox), story.uid())
    return {item.name: item.id for item in found.objects}


def _damage(sandbox: Sandbox, story: Story, bystander: Story, damage: str) -> None:
    state = _state(sandbox, story.uid())
    match damage:
        case "emptied":
            state.write_text("{}")
        case "truncated":
            state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
        case "foreign":
            theirs = _state(sandbox, bystander.uid()).read_text()
            state.write_text(theirs.replace(bystander.uid(), story.uid()))
        case "stale":
            content = json.loads(state.read_text())
            for resource in content["checkpoint"]["latest"]["resources"]:
                if resource["urn"].endswith("::router"):
                    resource["id"] = "00000000-0000-0000-0000-000000000000"
            state.write_text(json.dumps(content))


def _state(sandbox: Sandbox, uid: str) -> Path:
    return next((sandbox.home / "operator").rglob(f"{uid}.json"))
