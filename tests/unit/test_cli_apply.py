"""`kunlun apply`: what is sent, what is said, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli_stage import NAMESPACE, Stage, a_condition, a_request, a_stage

READY = a_condition("Ready", "True", "Ready", "1 server")
STEPS = [a_condition(kind, "True", kind) for kind in ("Validated", "Compliant", "Planned", "Approved", "Provisioned")]
REFUSAL = a_condition("Stalled", "True", "PolicyViolated", "zone 'x' does not exist")
FAULT = a_condition("Stalled", "True", "ServerFault", "no valid host")
META = {"creationTimestamp": "2026-01-02T03:00:00Z"}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return a_stage(tmp_path, monkeypatch)


def a_test(*conditions: dict[str, Any], **meta: Any) -> dict[str, Any]:
    """A test environment as the cluster has it."""
    found = a_request(status={"conditions": list(conditions)}, **META, **meta)
    found["spec"] |= {"environment": "Test", "timeToLive": "2h"}
    return found


def a_file(stage: Stage, *requests: dict[str, Any]) -> str:
    """As a person would write it: without what the cluster adds."""
    bodies = [
        {key: value for key, value in request.items() if key != "status"}
        | {
            "metadata": {key: request["metadata"][key] for key in ("name", "namespace")},
            "spec": {key: value for key, value in request["spec"].items() if key != "requestedBy"},
        }
        for request in requests
    ]
    path = stage.folder / "env.yaml"
    path.write_text(yaml.safe_dump_all(bodies), encoding="utf-8")
    return str(path)


def answers(stage: Stage, document: dict[str, Any]) -> None:
    """From now on `kubectl apply` says this was stored."""
    stage.has("answer", document)


def applied(stage: Stage) -> dict[str, Any]:
    """What `kubectl apply` was given; empty when nothing."""
    path = stage.folder / "applied.yaml"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def test_a_new_environment_is_asked_for_and_waited_for(stage: Stage) -> None:
    """Standard output has the result and nothing else, so that a program can read it."""
    answers(stage, a_test())
    stage.watches(("ADDED", a_test(*STEPS[:2])), ("MODIFIED", a_test(*STEPS, READY)))
    result = stage.run("apply", "-f", a_file(stage, a_test()), "--wait", "-o", "json")

    assert 0 == result.exit_code, result.output
    assert "Ready" == json.loads(result.stdout)["environments"][0]["state"]
    assert "Validated=True" in result.stderr
    assert "2h" == applied(stage)["spec"]["timeToLive"]


def test_name_and_time_to_live_come_from_the_command(stage: Stage) -> None:
    """One file serves every pipeline."""
    answers(stage, a_test())
    file = a_file(stage, a_test())
    result = stage.run("apply", "-f", "-", "--name", "job-17", "--ttl", "90m", stdin=Path(file).read_text("utf-8"))

    assert 0 == result.exit_code, result.output
    assert ("job-17", "90m") == (applied(stage)["metadata"]["name"], applied(stage)["spec"]["timeToLive"])


def test_the_same_content_is_the_same_environment(stage: Stage) -> None:
    """A job that runs again changes nothing, not even the end; whoever asked first is still the requester."""
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    stage.watches(("ADDED", a_test(*STEPS, READY)))
    result = stage.run("apply", "-f", a_file(stage, a_test()), "--wait")

    assert (0, {}) == (result.exit_code, applied(stage)), result.output


def test_another_content_changes_it_and_says_what(stage: Stage) -> None:
    """Nobody learns of it from what was built anew."""
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    answers(stage, a_test())
    other = a_test()
    other["spec"]["servers"] = [other["spec"]["servers"][0] | {"count": 3}]
    result = stage.run("apply", "-f", a_file(stage, other), "--ttl", "4h")

    assert "is there already and is changed: spec.servers[0].count, spec.timeToLive" in result.stderr
    assert 3 == applied(stage)["spec"]["servers"][0]["count"]


@pytest.mark.parametrize(
    ("states", "code", "state", "words"),
    [
        ([a_test(*STEPS, READY)], 0, "Ready", ""),
        ([a_test(REFUSAL)], 1, "Refused", "is refused: PolicyViolated: zone 'x' does not exist"),
        ([a_test(FAULT)], 3, "Failed", "has failed: ServerFault: no valid host"),
        ([a_test(*STEPS)], 4, "TimedOut", "is not ready in time and goes on being built"),
        ([a_test(), a_test(deletionTimestamp="2026-01-02T03:04:05Z")], 3, "Failed", "has failed: Deleting"),
        ([a_test(uid="another")], 3, "Failed", "it was deleted while it was waited for"),
    ],
    ids=["ready", "refused", "failed", "timed out", "being removed", "replaced by another"],
)
def test_the_exit_code_says_how_it_ended(
    stage: Stage, states: Sequence[dict[str, Any]], code: int, state: str, words: str
) -> None:
    """0 ready, 1 refused, 3 failed, 4 timed out; the output says the same."""
    answers(stage, a_test())
    stage.watches(*(("MODIFIED", one) for one in states))
    result = stage.run("apply", "-f", a_file(stage, a_test()), "--wait", "--timeout", "1s", "-o", "env")

    assert (code, True) == (result.exit_code, words in result.stderr), result.output
    assert f"KUNLUN_STATE={state}\n" in result.stdout


@pytest.mark.parametrize(("field", "value", "code"), [("zone", "private", 3), ("timeToLive", "4h", 0)])
def test_what_somebody_else_made_of_it_is_not_what_was_asked_for(
    stage: Stage, field: str, value: str, code: int
) -> None:
    """Two pipelines with one name and different contents; a longer life is no other environment."""
    answers(stage, a_test())
    other = a_test(*STEPS, a_condition("Ready", "True", "Ready", generation=2), generation=2)
    other["spec"][field] = value
    stage.watches(("MODIFIED", other))
    result = stage.run("apply", "-f", a_file(stage, a_test()), "--wait", "--timeout", "1s")

    assert (code, code == 3) == (result.exit_code, "changed it meanwhile: spec.zone" in result.stderr), result.output


def test_every_fault_of_form_is_told_and_nothing_is_sent(stage: Stage) -> None:
    """One fault in one document stops all of them; the report of the pipeline has it, too."""
    wrong, right = a_test(), a_test(name="right")
    wrong["spec"] |= {"environment": "Production", "zone": "X X"}
    report = stage.folder / "kunlun.xml"
    result = stage.run("apply", "-f", a_file(stage, wrong, right), "--wait", "-o", f"junit={report}", "-o", "json")

    assert 1 == result.exit_code
    assert "env.yaml #1: spec.environment: must be Test for a time to live" in result.stderr
    assert "env.yaml #1: spec.zone: must be text" in result.stderr
    assert ["InvalidRequest", "NotSent"] == [one["reason"] for one in json.loads(result.stdout)["environments"]]
    assert 2 == report.read_text(encoding="utf-8").count("<failure")
    assert not (stage.folder / "calls").exists()


def test_a_refusal_of_the_api_server_is_told(stage: Stage) -> None:
    """In its own words; and one that does not answer is no refusal."""
    file = a_file(stage, a_test())
    stage.refuses('Error from server (Forbidden): error when creating "STDIN": you may not')
    refused = stage.run("apply", "-f", file, "--wait")
    stage.refuses("Unable to connect to the server: dial tcp 127.0.0.1:1: connect: connection refused")
    unreached = stage.run("apply", "-f", file, "--wait")

    assert (1, "permit-portal was not taken: you may not\n") == (refused.exit_code, refused.stderr)
    assert (3, True) == (unreached.exit_code, "connection refused" in unreached.stderr)


def test_one_that_is_going_is_not_taken_for_the_one_that_is_wanted(stage: Stage) -> None:
    """Without --wait it is said; with it, its end is waited for and another one made."""
    stage.has("resourcerequests-permit-portal", a_test(deletionTimestamp="2026-01-02T03:04:05Z"))
    stage.watches(("DELETED", a_test(*STEPS, READY)))
    answers(stage, a_test())
    at_once = stage.run("apply", "-f", a_file(stage, a_test()))
    waited = stage.run("apply", "-f", a_file(stage, a_test()), "--wait", "--timeout", "1s")

    assert (3, True) == (at_once.exit_code, "is still being removed" in at_once.stderr)
    assert 3 == waited.exit_code  # this stage's watch says of the new one, too, that it is gone
    assert "permit-portal" == applied(stage)["metadata"]["name"]


def test_one_without_an_end_is_pointed_out(stage: Stage) -> None:
    """It is allowed, and the commonest way to leak."""
    endless = a_test()
    del endless["spec"]["timeToLive"]
    answers(stage, endless)

    assert "has no time to live" in stage.run("apply", "-f", a_file(stage, endless)).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give the requests with -f FILE"),
        (("-f", "missing.yaml"), "missing.yaml: No such file"),
        (("-f", "{file}", "--ttl", "2 hours"), "'2 hours' is no time to live: write 90m, 8h or 14d"),
        (("-f", "{file}", "--timeout", "soon"), "is not a duration"),
        (("-f", "{file}", "-o", "xml"), "'xml' must be table, json, env, junit"),
        (("-f", "{file}", "-o", "json", "-o", "env"), "only one output fits standard output"),
        (("-f", "{file}", "-f", "{file}", "--name", "x"), "--name names one environment, and the files have 2"),
        (("-f", "{file}", "-f", "{file}", "-o", "env"), "output `env` is for one environment, not 2"),
        (("-f", "{file}", "-n", "other"), "is in namespace 'civil-affairs', and --namespace says 'other'"),
        (("-f", "{file}", "-o", "json=/no/such/folder/x"), "cannot be written"),
    ],
)
def test_usage_ends_with_2(stage: Stage, words: Sequence[str], told: str) -> None:
    """What the command line cannot mean, or a file that is none."""
    answers(stage, a_test())
    file = a_file(stage, a_test())
    result = stage.run("apply", *(word.format(file=file) for word in words))

    assert (2, True) == (result.exit_code, told in result.stderr), result.output


def test_other_kinds_are_not_applied(stage: Stage) -> None:
    """Said by kind, and what to do."""
    result = stage.run("apply", "-f", "-", stdin="kind: ConfigMap\n")

    assert (1, True) == (result.exit_code, "must be ResourceRequest, not ConfigMap" in result.stderr)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_says_what_goes_on_and_how_to_stop_it(stage: Stage, number: int, code: int) -> None:
    """Cancelling a job does not cancel what it has asked for; the job's log says so."""
    answers(stage, a_test())
    program = stage.folder / "kubectl"
    waiting = '*--watch*) touch "$STAGE/watching"; exec sleep 60;;'
    program.write_text(program.read_text("utf-8").replace("  --watch) cat", f"  {waiting}\n  --watched) cat"), "utf-8")
    command = [sys.executable, "-m", "controllers", "apply", "-f", a_file(stage, a_test()), "--wait"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as job:
        deadline = time.monotonic() + 30
        while not (stage.folder / "watching").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        job.send_signal(number)
        said = job.communicate(timeout=30)[1]

    assert code == job.returncode, said
    assert "permit-portal is being built, and is removed 2h after its creation" in said
    assert f"to stop it:   kunlun destroy permit-portal -n {NAMESPACE}" in said
