"""A system that ran before Kunlun: taken over as it is, grown, given back; on the real parts, as the personas do it."""

from __future__ import annotations

from controllers.api.plan import Operation
from tests.e2e.by_hand import GROUP, NETWORK, PORT, ROUTER, SERVER, Legacy, a_legacy_system
from tests.e2e.story import NAMESPACE, Sandbox, Story, a_server, a_story, eventually, objects

GROWN = {"port-web-1", "server-web-1"}


def test_a_running_system_is_taken_over_grown_and_released(sandbox: Sandbox) -> None:
    """Ids and addresses stay, nothing is built anew; in the end everything is there, and nothing of it is ours."""
    with a_legacy_system(sandbox) as legacy, a_story(sandbox, "takeover") as story:
        _taken_over(story, legacy)
        _grown(story, legacy)
        _released(story, legacy)


def _taken_over(story: Story, legacy: Legacy) -> None:
    before = legacy.shown()
    story.apply(imports=legacy.imports(), deletionPolicy="Release")
    actions = story.plan(story.planned()).actions
    taken = {action.name for action in actions if action.operation is Operation.IMPORT}
    assert {*legacy.ids, "subnet-app", "rules-web", "interface-app"} == taken
    assert "closes tcp/22 from 0.0.0.0/0" in next(action.detail for action in actions if action.name == "rules-web")
    assert before == legacy.shown()
    story.approve()
    story.ready()

    after = legacy.shown()
    assert legacy.ids.items() <= {one["name"]: one["id"] for one in story.read()["status"]["resources"]}.items()
    assert before[PORT]["fixed_ips"] == after[PORT]["fixed_ips"]
    assert before[SERVER]["created"] == after[SERVER]["created"]
    assert [] == story.unplanned()


def _grown(story: Story, legacy: Legacy) -> None:
    story.apply(imports=legacy.imports(), deletionPolicy="Release", servers=[a_server(count=2)])
    assert eventually(story.plan_is_of_present_generation)
    assert {*GROWN} == {action.name for action in story.plan(story.planned()).actions}
    story.approve()
    story.ready()
    assert [] == story.unplanned()
    legacy.ids.update({one["name"]: one["id"] for one in story.read()["status"]["resources"] if one["name"] in GROWN})


def _released(story: Story, legacy: Legacy) -> None:
    uid, before = story.uid(), legacy.shown()
    story.delete()
    after = legacy.shown()

    assert before.keys() == after.keys()
    assert () == objects(story.sandbox, legacy.project, uid).objects
    assert ({"owner": "archive"}, {}) == (after[SERVER]["metadata"], after["server-web-1"]["metadata"])
    assert {""} == {after[name]["description"] for name in (NETWORK, PORT, GROUP, ROUTER)}
    assert [] == [str(path) for path in (story.sandbox.home / "operator").rglob(f"*{uid}*")]
    told = story.sandbox.kubectl(
        "admin", "get", "events", f"--namespace={NAMESPACE}", "--field-selector=reason=Released", "--output=yaml"
    ).stdout
    assert [] == [object_id for object_id in legacy.ids.values() if object_id not in told]


def test_what_cannot_be_taken_over_is_said_all_at_once(sandbox: Sandbox) -> None:
    """An id that is not in the department's project, a port nobody named, another image: nothing is touched."""
    with a_legacy_system(sandbox) as legacy, a_story(sandbox, "refused-import") as story:
        before = legacy.shown()
        entries = [entry for entry in legacy.imports(group_web="no-such-group") if entry["name"] != PORT]
        story.apply(imports=entries, servers=[a_server(image="ubuntu-24.04", flavor="c1.medium")])
        message = story.reaches("Planned", "InvalidRequest", 30)

        assert "has no SecurityGroup with the id no-such-group" in message
        assert f"import also {{name: port-web-0, id: {legacy.ids[PORT]}}}" in message
        assert "was built from image" in message
        assert "plan" not in story.read()["status"]
        assert before == legacy.shown()
