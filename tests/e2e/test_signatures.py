"""Signatures by policy, on real parts: who has to sign by the facts of the plan, and what does not count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.story import NAMESPACE, Sandbox, a_server, a_story, eventually

LARGE = [a_server(name=f"s{index}", count=14, flavor="c1.large") for index in range(2)]  # 10,080 yuan a month
QUIET: dict[str, Any] = {"flows": []}


@contextmanager
def a_test_budget(sandbox: Sandbox, yuan: int) -> Iterator[None]:
    """The department may spend this on small test environments; afterwards it has no test budget, as before."""

    def set_to(amount: int | None) -> None:
        patch = json.dumps({"spec": {"monthlyTestBudgetYuan": amount}})
        sandbox.kubectl("provider", "patch", "tenant", NAMESPACE, "--type=merge", "-p", patch)

    set_to(yuan)
    try:
        yield
    finally:
        set_to(None)


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


def test_a_small_test_environment_is_approved_by_policy(sandbox: Sandbox) -> None:
    """Nobody signs, and the record says so; the second does not fit the test budget and waits for people."""
    with (
        a_test_budget(sandbox, 100),
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
