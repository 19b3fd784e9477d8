"""Objects of ours deleted under the running operator: it goes on, and what people approved stays approved."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, a_server, a_story, eventually

KINDS = Path(__file__).parents[2] / "infra" / "kubernetes" / "crds"
APPROVALS = "approvals.kunlun.cloud"


def test_a_plan_in_force_that_is_deleted_is_made_again(sandbox: Sandbox) -> None:
    """The same plan, to the last byte; the request stays ready, and can be changed."""
    with a_story(sandbox, "lost-plan") as story:
        story.apply()
        plan = story.approve()
        story.ready()
        before = story.plan(plan)
        sandbox.kubectl("operator", "delete", "plan", plan, "-n", "civil-affairs", "--wait=false")

        assert eventually(lambda: plan in sandbox.kubectl("officer", "get", "plan", "-o", "name").stdout, 20)
        assert before == story.plan(plan)
        story.ready()
        story.apply(servers=[a_server(count=2)])
        assert eventually(story.plan_is_of_present_generation)
        story.approve()
        story.ready()
        assert [] == story.unplanned()


def test_deleting_a_kind_is_refused_unless_it_is_said_to_be_meant(sandbox: Sandbox) -> None:
    """With the kind would go everything that was built; the message says so, and how to say yes."""
    refused = sandbox.kubectl("admin", "delete", "crd", "resourcerequests.kunlun.cloud", check=False)

    assert "what was built for them in the cloud" in refused.stderr
    assert "kubectl annotate crd resourcerequests.kunlun.cloud" in refused.stderr


def test_a_kind_that_goes_and_comes_back_needs_no_restart(sandbox: Sandbox, operator: OperatorControl) -> None:
    """The same process hears of the next decision."""
    pid, log = operator.pid(), sandbox.home / "logs" / "operator.log"
    known = len(log.read_text())
    with a_story(sandbox, "kind-back") as story:
        story.apply()
        story.planned()
        sandbox.kubectl("admin", "annotate", "crd", APPROVALS, "kunlun.cloud/allow-deletion=true")
        sandbox.kubectl("admin", "delete", "crd", APPROVALS)
        assert eventually(lambda: "kinds are not served" in log.read_text()[known:], 90)
        sandbox.kubectl("admin", "apply", "--server-side", "-f", str(KINDS / "approvals.yaml"))
        sandbox.kubectl("admin", "wait", "--for=condition=Established", f"crd/{APPROVALS}", "--timeout=30s")
        assert eventually(lambda: story.decide(story.planned()).returncode == 0, 60)

        story.ready()
        assert pid == operator.pid()
