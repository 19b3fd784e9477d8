"""`kubectl kunlun plan`, `approve` and `deny`: what is read is what is signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.cli.kubectl import refusal
from infra.stackplan import Kind, Removal
from tests.unit.cli_stage import NAMESPACE, Stage, a_content, a_plan, a_request, a_stage

PLAN = a_plan()
NAME = PLAN["metadata"]["name"]
DIGEST = PLAN["spec"]["digest"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster with one request and its newest plan."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has(f"plans-{NAME}", PLAN)
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": NAME}))
    stage.has("answer", {"spec": {"approver": "zhang.wei"}})
    return stage


def test_the_page_says_everything_an_officer_decides_on(stage: Stage) -> None:
    """Who, what, where, for how much, with the digest checked and the exact commands to go on with."""
    result = stage.run("plan", NAME, "-n", NAMESPACE)

    assert 0 == result.exit_code, result.output
    for words in (
        "civil-affairs/permit-portal, generation 1",
        "li.na",
        "civil-affairs-extranet",
        f"{DIGEST} (computed here from this content: it matches)",
        "1 created",
        "10.10.1.4",
        "be reached by   10.20.0.0/16         tcp/443",
        "counter clerks",
        "90 yuan",
        "Every allocation needs it.",
        f"kubectl kunlun approve {NAME} --stage resource-office -n civil-affairs",
        f'kubectl kunlun deny {NAME} --stage resource-office --reason "..." -n civil-affairs',
    ):
        assert words in result.output


def test_the_page_says_what_the_internet_will_know(stage: Stage) -> None:
    """That a server gets a public address, and which it has once OpenStack chose it."""
    servers = [one.model_copy(update={"public_address": True}) for one in a_content().stack.servers]
    stack = a_content().stack.model_copy(update={"servers": tuple(servers)})
    plan = a_plan(a_content().model_copy(update={"stack": stack}))
    name = plan["metadata"]["name"]
    stage.has(f"plans-{name}", plan)
    before = stage.run("plan", name).output
    given = {"kind": "FloatingIP", "name": "public-web-0", "id": "f1", "address": "198.51.100.7"}
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": name, "resources": [given]}))

    assert "chosen by OpenStack when it is built" in before
    assert "198.51.100.7" in stage.run("plan", name).output


def test_the_page_of_a_repair_says_that_nothing_new_is_asked_for(stage: Stage) -> None:
    """It is for what somebody changed by hand, and names the very object that goes."""
    gone = Removal(kind=Kind.ROUTER, name="router", fingerprint="0" * 12, id="router-7")
    stack = a_content().stack.model_copy(update={"removals": (gone,)})
    repair = a_plan(a_content().model_copy(update={"stack": stack}))
    stage.has(f"plans-{repair['metadata']['name']}", repair)

    assert "repairs what was changed by hand" in stage.run("plan", repair["metadata"]["name"]).output
    assert "repairs what was changed by hand" not in stage.run("plan", NAME).output


def test_a_request_name_shows_its_newest_plan(stage: Stage) -> None:
    """Reading may be convenient; deciding may not."""
    assert f"Plan {NAME}" in stage.run("plan", "permit-portal").output


def test_options_of_kubectl_are_passed_through(stage: Stage) -> None:
    """Which cluster, as whom, where: kubectl's own options, before the verb."""
    stage.run("plan", NAME, "-n", "a", "--context", "b", "--kubeconfig", "c")

    assert all(call.startswith("--kubeconfig=c --context=b --namespace=a get ") for call in stage.calls)


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_the_plan_itself(stage: Stage, output: str) -> None:
    """The object as the API server has it."""
    result = stage.run("plan", NAME, "-o", output)

    assert DIGEST in result.output and 0 == result.exit_code


def test_a_forged_plan_is_not_even_shown(stage: Stage) -> None:
    """A content that its digest does not cover could make an officer sign something else."""
    stage.has(f"plans-{NAME}", a_plan(monthlyYuan=1))

    result = stage.run("plan", NAME)

    assert 1 == result.exit_code
    assert "PlanForged" in result.output and "yuan" not in result.output


def test_a_plan_under_another_name_is_forged(stage: Stage) -> None:
    """The name carries the digest; a plan renamed is not the plan."""
    other = "permit-portal-0123456789"
    stage.has(f"plans-{other}", {**PLAN, "metadata": {"name": other, "namespace": NAMESPACE}})

    result = stage.run("approve", other, "--stage", "resource-office")

    assert (1, {}) == (result.exit_code, stage.created)
    assert "PlanForged" in result.output


def test_a_superseded_plan_says_so_and_offers_no_command(stage: Stage) -> None:
    """An officer learns before deciding that a newer plan exists."""
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": "permit-portal-aaaaaaaaaa"}, generation=2))

    output = stage.run("plan", NAME).output

    assert "superseded: the newest plan is permit-portal-aaaaaaaaaa" in output
    assert "it is now generation 2" in output
    assert "kubectl kunlun approve" not in output and "counter clerks" not in output


def test_a_plan_whose_request_was_made_anew_is_left_over(stage: Stage) -> None:
    """Same name, other uid: the plan belongs to a request that is gone."""
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": NAME}, uid="another"))

    assert "left over: its request is gone" in stage.run("plan", NAME).output


def test_decisions_so_far_are_shown(stage: Stage) -> None:
    """Who decided what, and why; a decided stage is not offered again."""
    decision = {"stage": "resource-office", "decision": "Denied", "approver": "zhang.wei", "reason": "too large"}
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": NAME, "approvals": [decision]}))

    output = stage.run("plan", NAME).output

    assert "Denied" in output and "zhang.wei" in output and "too large" in output
    assert "To decide" not in output


def test_a_request_without_a_plan_says_why(stage: Stage) -> None:
    """The first step that was not reached, in its own words."""
    condition = {
        "type": "Compliant",
        "status": "False",
        "reason": "PolicyViolated",
        "message": "zone 'x' does not exist",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
        "observedGeneration": 1,
    }
    stage.has("resourcerequests-permit-portal", a_request(status={"conditions": [condition]}))

    result = stage.run("plan", "permit-portal")

    assert 1 == result.exit_code
    assert "has no plan yet: Compliant is False, PolicyViolated: zone 'x' does not exist" in result.output


def test_nothing_of_that_name(stage: Stage) -> None:
    """A plain sentence, exit code 1."""
    result = stage.run("plan", "nobody")

    assert (1, True) == (result.exit_code, "no plan and no request named 'nobody'" in result.output)


def test_text_of_requesters_cannot_act_on_the_terminal(stage: Stage) -> None:
    """Escape codes and direction marks are shown, not obeyed."""
    request = a_request(status={"plan": NAME})
    request["spec"]["flows"][0]["purpose"] = "\x1b[2Jclean \u202e10.0.0.1[red]"
    stage.has("resourcerequests-permit-portal", request)

    output = stage.run("plan", NAME).output

    assert "\x1b" not in output and "\u202e" not in output
    assert r"\u{001b}[2Jclean \u{202e}10.0.0.1[red]" in output


def test_an_approval_names_plan_stage_and_digest_and_no_approver(stage: Stage) -> None:
    """The approver is the authenticated user: the API server fills it in."""
    result = stage.run("approve", NAME, "--stage", "resource-office", "--reason", "agreed")

    assert 0 == result.exit_code, result.output
    assert {
        "apiVersion": "kunlun.cloud/v1alpha1",
        "kind": "Approval",
        "metadata": {"generateName": f"{NAME}-resource-office-"},
        "spec": {
            "plan": NAME,
            "stage": "resource-office",
            "decision": "Approved",
            "reason": "agreed",
            "digest": DIGEST,
        },
    } == stage.created
    assert "Approved by zhang.wei for stage resource-office" in result.output
    assert "1 server in zone extranet, 1 created, 90 yuan a month" in result.output


def test_a_denial_carries_its_reason(stage: Stage) -> None:
    """The requester reads it."""
    stage.run("deny", NAME, "--stage", "resource-office", "--reason", "too large")

    assert ("Denied", "too large") == (stage.created["spec"]["decision"], stage.created["spec"]["reason"])


@pytest.mark.parametrize("reason", [(), ("--reason", " ")], ids=["no reason", "an empty reason"])
def test_a_denial_without_a_reason_is_a_usage_error(stage: Stage, reason: tuple[str, ...]) -> None:
    """Exit code 2, and nothing is sent."""
    result = stage.run("deny", NAME, "--stage", "resource-office", *reason)

    assert (2, {}) == (result.exit_code, stage.created)


def test_a_request_name_is_not_a_plan(stage: Stage) -> None:
    """Approving "the newest" would approve what nobody has read; the newest is named, not taken."""
    result = stage.run("approve", "permit-portal", "--stage", "resource-office")

    assert (1, {}) == (result.exit_code, stage.created)
    assert f"Its newest is {NAME}" in result.output


@pytest.mark.parametrize(
    ("verb", "decision", "code", "expected"),
    [
        ("approve", "Approved", 0, "approved already for stage resource-office by zhang.wei"),
        ("deny", "Approved", 1, "is approved and in force; a denial would change nothing now"),
        ("approve", "Denied", 1, "was denied by zhang.wei: too large. It stays denied"),
    ],
    ids=["approved twice", "denied too late", "approved after a denial"],
)
def test_a_decision_that_could_change_nothing_is_not_recorded(
    stage: Stage, verb: str, decision: str, code: int, expected: str
) -> None:
    """An officer must not believe that something was decided when it was not."""
    given = {"stage": "resource-office", "decision": decision, "approver": "zhang.wei", "reason": "too large"}
    in_force = {"approvedPlan": NAME} if decision == "Approved" else {}
    status = {"plan": NAME, "approvals": [given], **in_force}
    stage.has("resourcerequests-permit-portal", a_request(status=status))

    result = stage.run(verb, NAME, "--stage", "resource-office", "--reason", "r")

    assert (code, {}) == (result.exit_code, stage.created)
    assert expected in result.output


def test_a_stage_the_plan_does_not_ask_for(stage: Stage) -> None:
    """A spelling mistake must not look like an approval."""
    result = stage.run("approve", NAME, "--stage", "resource-ofice")

    assert (1, {}) == (result.exit_code, stage.created)
    assert "its stages: resource-office" in result.output


def test_kubectl_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    """One sentence, no trace."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    result = stage.run("plan", NAME)

    assert (1, True) == (result.exit_code, "`kubectl` is needed for this" in result.output)


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (
            'Error from server (Forbidden): error when creating "STDIN": approvals.kunlun.cloud "p-x-1" is forbidden: '
            "ValidatingAdmissionPolicy 'a' with binding 'a' denied request: user \"li.na\" may not decide it",
            'user "li.na" may not decide it',
        ),
        ('Error from server (Forbidden): error when creating "STDIN": approvals: no', "approvals: no"),
        ('Error from server (NotFound): plans.kunlun.cloud "x" not found', 'plans.kunlun.cloud "x" not found'),
        ("Warning: old\nE1122 01:02:03.4 1 memcache.go:1] noise\nerror: no context", "no context"),
        ("", "kubectl failed without saying why"),
    ],
    ids=["admission", "creating", "not found", "noise", "silence"],
)
def test_a_refusal_is_shown_without_its_wrapping(stderr: str, expected: str) -> None:
    """People read the API server's sentence, not how it travelled."""
    assert expected == refusal(stderr)


def test_the_server_s_refusal_ends_with_exit_code_1(stage: Stage) -> None:
    """Nothing was approved, and the message says why."""
    stage.refuses("Error from server (Forbidden): denied request: may not decide stage \x1b[31m")

    result = stage.run("approve", NAME, "--stage", "resource-office")

    assert (1, "Error: may not decide stage \\u{001b}[31m\n") == (result.exit_code, result.output)


def test_the_digest_covers_the_generation() -> None:
    """An approval cannot be used for a later version that looks the same."""
    assert a_plan(a_content(generation=2))["metadata"]["name"] != NAME
