"""Signatures by policy, on real parts: who has to sign by the facts of the plan, and what does not count."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from controllers.cli import root
from infra.correlation import call_id
from tests.conftest import Sandbox
from tests.e2e.operator_control import OperatorControl
from tests.e2e.rivals import start_rival
from tests.e2e.story import NAMESPACE, a_server, a_story, eventually

LARGE = [a_server(name=f"s{index}", count=14, flavor="c1.large") for index in range(2)]  # 10,080 yuan a month
QUIET: dict[str, Any] = {"flows": []}


@contextmanager
def a_tenant_with(sandbox: Sandbox, **amounts: int) -> Iterator[None]:
    """The department with other amounts; afterwards with those of before, or none."""

    def change(spec: dict[str, Any]) -> None:
        patch = json.dumps({"spec": spec})
        sandbox.kubectl("provider", "patch", "tenant", NAMESPACE, "--type=merge", "-p", patch)

    found = json.loads(sandbox.kubectl("provider", "get", "tenant", NAMESPACE, "-o", "json").stdout)["spec"]
    change(amounts)
    try:
        yield
    finally:
        change({name: found.get(name) for name in amounts})


def test_a_large_plan_needs_finance_after_the_resource_office(sandbox: Sandbox) -> None:
    """An approval out of order does not count, is told, and is given again; a denial in the end ends the plan."""
    with a_story(sandbox, "large") as story:
        story.apply(servers=LARGE, networks=[{"name": "app", "prefixLength": 26}], **QUIET)
        plan = story.planned()
        stages = {needed.stage: needed for needed in story.plan(plan).stages}

        assert ["resource-office", "finance"] == list(stages)
        assert stages["finance"].because.startswith("10080 yuan a month, more than 10000.")
        assert 0 == story.decide(plan, persona="finance", stage="finance").returncode
        assert eventually(lambda: "came before resource-office" in story.condition("Approved")[2])
        assert 0 == story.decide(plan).returncode
        assert eventually(lambda: "awaits: finance; given: resource-office" in story.condition("Approved")[2])
        denied = story.decide(plan, persona="finance", stage="finance", decision="Denied", reason="next year")
        assert 0 == denied.returncode, denied.stderr
        assert "zhao.min (finance): next year" in story.reaches("Approved", "Denied")
        assert "approvedPlan" not in story.read()["status"]
        assert "is denied, and stays denied" in story.decide(plan).stderr
        assert [
            ("Approved", "finance", False),
            ("Approved", "resource-office", True),
            ("Denied", "finance", True),
        ] == record(sandbox, plan)


def test_a_small_test_environment_is_approved_by_policy(sandbox: Sandbox) -> None:
    """Nobody signs, and the record says so; the second does not fit the test budget and waits for people."""
    with (
        a_tenant_with(sandbox, monthlyTestBudgetYuan=100),
        a_story(sandbox, "small-test") as story,
        a_story(sandbox, "small-too") as second,
    ):
        story.apply(environment="Test", **QUIET)
        story.ready()
        assert "is approved: by policy (A small test environment" in story.condition("Approved")[2]
        assert [] == story.unplanned()
        told = sandbox.kubectl(
            "clerk", "get", "events", "--field-selector=involvedObject.name=small-test", "-o", "jsonpath={..message}"
        ).stdout
        assert "by policy" in told

        second.apply(environment="Test", **QUIET)
        assert "awaits: resource-office" in second.reaches("Approved", "AwaitingApproval")


def test_the_record_survives_a_crash_and_the_request(
    sandbox: Sandbox, operator: OperatorControl, tmp_path: Path
) -> None:
    """Nothing is lost, nothing is doubled; and it can be read when the request is gone."""
    with a_story(sandbox, "recorded") as story:
        story.apply(**QUIET)
        plan = story.planned()
        operator.kill()
        assert 0 == story.decide(plan).returncode  # nobody sees it being made
        operator.start()
        story.reaches("Approved", "Approved")
        operator.kill()
        operator.start()
        story.ready()
        living = evidence(sandbox, tmp_path / "living.tar.gz")
    gone = evidence(sandbox, tmp_path / "gone.tar.gz")
    expected = [("Approved", "resource-office", True), ("InForce", None, True)]

    assert expected == record(sandbox, plan)
    told = CliRunner().invoke(
        root, ["decisions", "recorded", "-n", NAMESPACE, "--kubeconfig", str(sandbox.kubeconfig("auditor"))]
    )
    assert 0 == told.exit_code and plan in told.output and "resource-office by zhang.wei" in told.output
    assert "1 of these plans came into force, each with every signature it needed" in living
    assert f"plan {plan} is gone: its digest, words and signatures are in the record" in gone
    # What OpenStack wrote down of the calls that carried the plan out is found by the plan's digest alone.
    digest = next(line["spec"]["digest"] for line in lines_about(sandbox, plan))
    logs = (sandbox.home / "logs").glob("neutron*.log")
    assert any(call_id(digest) in log.read_text(errors="replace") for log in logs)


def evidence(sandbox: Sandbox, file: Path) -> str:
    """Gathered by the auditor, and checked without a cluster; returns what the check said."""
    auditor = ["--kubeconfig", str(sandbox.kubeconfig("auditor"))]
    words = ["evidence", "recorded", "-n", NAMESPACE, *auditor, "-o", str(file)]
    made = CliRunner().invoke(root, words)
    assert 0 == made.exit_code, made.output
    checked = CliRunner().invoke(root, ["evidence", "verify", str(file)])
    assert 0 == checked.exit_code, checked.output
    return checked.output


PROCEDURE = {
    "stages": [
        {"name": "resource-office", "needed": "Always", "because": "always", "expires": "20s"},
        {"name": "security", "needed": "Always", "because": "always", "signatures": 2},
    ]
}


@contextmanager
def an_operator_with(sandbox: Sandbox, operator: OperatorControl, folder: Path, procedure: Any) -> Iterator[None]:
    """In the place of the sandbox's own."""
    file = folder / "stages.yaml"
    stages = [{**stage, "title": {"en": stage["name"], "zh": stage["name"]}} for stage in procedure["stages"]]
    file.write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    operator.stop()
    rival = start_rival(sandbox, "signatures", "--stages", str(file))
    try:
        assert rival.leads()
        yield
    finally:
        rival.end()
        operator.start()


@contextmanager
def delegated(sandbox: Sandbox, stage: str, user: str) -> Iterator[None]:
    """A stage is given to somebody for a while: by a RoleBinding, and nothing else."""
    name = f"{user}-for-{stage}"
    role = f"--clusterrole=kunlun:stage-{stage}"
    sandbox.kubectl("admin", "-n", NAMESPACE, "create", "rolebinding", name, role, f"--user={user}")
    try:
        yield
    finally:
        sandbox.kubectl("admin", "-n", NAMESPACE, "delete", "rolebinding", name)


def test_two_persons_sign_and_an_approval_expires_until_the_plan_is_in_force(
    sandbox: Sandbox, operator: OperatorControl, tmp_path: Path
) -> None:
    """The same person twice is refused; a delegate counts; what has expired is due again; in force, nothing expires."""
    with an_operator_with(sandbox, operator, tmp_path, PROCEDURE), a_story(sandbox, "signed") as story:
        story.apply(**QUIET)
        plan = story.planned()
        assert 0 == story.decide(plan).returncode
        assert 0 == story.decide(plan, persona="security", stage="security").returncode
        assert eventually(lambda: "security (1 of 2 signatures)" in story.condition("Approved")[2])
        assert "has to be another person's" in story.decide(plan, persona="security", stage="security").stderr
        assert "may not decide stage" in story.decide(plan, persona="finance", stage="security").stderr
        assert eventually(lambda: "'zhang.wei' has expired: it counted for 20s" in story.condition("Approved")[2])

        with delegated(sandbox, "security", "zhao.min"):
            assert eventually(lambda: story.decide(plan, persona="finance", stage="security").returncode == 0)
            assert eventually(lambda: "awaits: resource-office; given" in story.condition("Approved")[2])
            assert 0 == story.decide(plan).returncode
            story.reaches("Approved", "Approved")
        time.sleep(21)
        assert plan == story.read()["status"]["approvedPlan"]
        assert "Approved" == story.condition("Approved")[1]


def lines_about(sandbox: Sandbox, plan: str) -> list[dict[str, Any]]:
    """Of the record, as the auditor reads it."""
    words = ("get", "decisions", "-n", NAMESPACE, f"--field-selector=spec.plan={plan}", "-o", "json")
    return list(json.loads(sandbox.kubectl("auditor", *words).stdout)["items"])


def record(sandbox: Sandbox, plan: str) -> list[tuple[str, str | None, bool]]:
    """(outcome, stage, whether it counted) of each line about a plan, in the order they were written."""
    lines = sorted(lines_about(sandbox, plan), key=lambda line: int(line["metadata"]["resourceVersion"]))
    return [(line["spec"]["outcome"], line["spec"].get("stage"), line["spec"]["counted"]) for line in lines]


def test_over_the_budget_a_plan_waits_and_goes_on_when_something_is_given_back(sandbox: Sandbox) -> None:
    """Both were approved; the second builds nothing until the first is gone, and nobody has to sign again."""
    budget = a_tenant_with(sandbox, monthlyBudgetYuan=150)
    with a_story(sandbox, "first-come") as first, a_story(sandbox, "second-come") as second, budget:
        for story in (first, second):
            story.apply(**QUIET)
            story.planned()
        first.approve()
        first.reaches("Approved", "Approved")
        plan = second.approve()
        told = second.reaches("Approved", "BudgetExceeded")
        assert "needs 90 yuan a month, 60 left of a budget of 150; request first-come holds 90" in told
        assert "approvedPlan" not in second.read()["status"]

        first.delete()
        second.ready()
        assert plan == second.read()["status"]["approvedPlan"]
        assert [] == second.unplanned()
