"""`kubectl kunlun watch`: when there is nothing left to wait for, and what is said on the way."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from controllers.api.stored import REQUESTS, stored
from controllers.cli.verdict import Verdict, news, snapshot
from controllers.cli.watch import BarView, view_on
from tests.unit.cli_stage import Stage, a_condition, a_request, a_stage

READY = a_condition("Ready", "True", "Ready", "2 servers")
STALLED = a_condition("Stalled", "True", "PolicyViolated", "zone 'x' does not exist")
AWAITING = a_condition("Approved", "False", "AwaitingApproval", "resource-office has not decided")
PASSED = [a_condition(kind, "True", kind) for kind in ("Validated", "Compliant", "Planned")]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster whose watch says what the test wants."""
    return a_stage(tmp_path, monkeypatch)


def seen(*conditions: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A request with these conditions."""
    meta = rest.pop("meta", {})
    return a_request(status={"conditions": list(conditions), **rest}, **meta)


@pytest.mark.parametrize(
    ("request_seen", "expected"),
    [
        (seen(READY), Verdict.READY),
        (seen(a_condition("Ready", "True", "Ready"), meta={"generation": 2}), Verdict.WAITING),
        (seen(STALLED), Verdict.STUCK),
        (seen({**STALLED, "observedGeneration": 1}, meta={"generation": 2}), Verdict.WAITING),
        (seen(*PASSED, AWAITING), Verdict.WAITING),
        (seen(READY, meta={"deletionTimestamp": "2026-01-02T03:04:05Z"}), Verdict.STUCK),
        (seen(), Verdict.WAITING),
    ],
    ids=["ready", "ready long ago", "stalled", "stalled long ago", "awaiting approval", "being deleted", "new"],
)
def test_only_the_present_generation_counts(request_seen: dict[str, Any], expected: Verdict) -> None:
    """What was true of an earlier version of the request says nothing about this one."""
    assert expected == snapshot(stored(REQUESTS, request_seen)).verdict


def test_each_change_is_told_once() -> None:
    """One line per condition that moved, one when the building got further; nothing twice."""
    first = snapshot(stored(REQUESTS, seen(*PASSED, AWAITING)))
    building = a_condition("Provisioned", "False", "Building", "building")
    progress = {"done": 3, "total": 12, "step": "server web-0"}
    second = snapshot(stored(REQUESTS, seen(*PASSED, building, progress=progress)))

    assert [
        "Validated=True Validated",
        "Compliant=True Compliant",
        "Planned=True Planned",
        "Approved=False AwaitingApproval: resource-office has not decided",
    ] == list(news(None, first))
    assert ["Provisioned=False Building: building", "building 3/12 server web-0"] == list(news(first, second))
    assert [] == list(news(second, second))


def test_a_public_address_is_told_when_it_is_known() -> None:
    """OpenStack chooses it, so that nobody can read it in the plan."""
    given = {"kind": "FloatingIP", "name": "public-web-0", "id": "f1", "address": "198.51.100.7"}
    before, after = snapshot(stored(REQUESTS, seen())), snapshot(stored(REQUESTS, seen(resources=[given])))

    assert ["public address of web-0: 198.51.100.7"] == list(news(before, after))
    assert [] == list(news(after, after))


def test_ready_ends_with_0(stage: Stage) -> None:
    """The watch is left as soon as there is nothing to wait for."""
    stage.watches(("ADDED", seen(*PASSED, AWAITING)), ("MODIFIED", seen(READY)), ("MODIFIED", seen(STALLED)))

    result = stage.run("watch", "permit-portal")

    assert 0 == result.exit_code, result.output
    assert result.output.endswith("Ready=True Ready: 2 servers\n")


def test_stuck_ends_with_1_and_says_why(stage: Stage) -> None:
    """Somebody has to act: no reason to go on waiting."""
    refused = a_condition("Compliant", "False", "PolicyViolated", "zone 'x' does not exist")
    stage.watches(("ADDED", seen(PASSED[0], refused, STALLED)))

    result = stage.run("watch", "permit-portal")

    assert (1, True) == (result.exit_code, "cannot go on: zone 'x' does not exist" in result.output)


def test_a_deleted_request_ends_with_1(stage: Stage) -> None:
    """It will never be ready."""
    stage.watches(("ADDED", seen()), ("DELETED", seen()))

    result = stage.run("watch", "permit-portal")

    assert (1, True) == (result.exit_code, "request 'permit-portal' was deleted" in result.output)


def test_the_list_of_one_name_is_watched(stage: Stage) -> None:
    """Of a single object kubectl would drop the first event, and with it a change that came before the watch."""
    stage.watches(("ADDED", seen(READY)))

    assert 0 == stage.run("watch", "permit-portal").exit_code
    calls = (stage.folder / "calls").read_text(encoding="utf-8")
    assert "--field-selector metadata.name=permit-portal -o json --watch" in calls


def test_a_watch_that_the_server_ends_is_started_again(stage: Stage) -> None:
    """API servers close watches now and then; the deadline is ours."""
    stage.watches(("ADDED", seen(*PASSED, AWAITING)))

    result = stage.run("watch", "permit-portal", "--timeout", "1")

    assert 124 == result.exit_code
    assert "is not ready after 1 seconds: resource-office has not decided" in result.output
    assert len(stage.calls) > 1
    assert 1 == result.output.count("AwaitingApproval")


def test_a_silent_watch_ends_at_the_deadline_and_leaves_no_process(stage: Stage) -> None:
    """Nothing is left behind, and 124 tells a script that time was the reason."""
    program = stage.folder / "kubectl"
    program.write_text('#!/bin/sh\necho $$ > "$STAGE/pid"\nexec sleep 60\n', encoding="utf-8")

    result = stage.run("watch", "permit-portal", "--timeout", "1s")

    assert 124 == result.exit_code
    with pytest.raises(ProcessLookupError):
        os.kill(int((stage.folder / "pid").read_text(encoding="utf-8")), 0)


def test_no_such_request(stage: Stage) -> None:
    """kubectl's own sentence, exit code 1."""
    stage.refuses('Error from server (NotFound): resourcerequests.kunlun.cloud "x" not found')

    result = stage.run("watch", "x")

    assert (1, 'Error: resourcerequests.kunlun.cloud "x" not found\n') == (result.exit_code, result.output)


@pytest.mark.parametrize("text", ["soon", "-1", "1d", ""])
def test_a_timeout_is_a_duration(stage: Stage, text: str) -> None:
    """Usage errors end with 2."""
    assert 2 == stage.run("watch", "x", f"--timeout={text}").exit_code


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(stage: Stage, shell: str) -> None:
    """For the three shells people have."""
    result = stage.run("completion", shell)

    assert (0, True) == (result.exit_code, "_KUNLUN_COMPLETE" in result.output)


def test_a_terminal_shows_step_count_and_how_long_the_rest_takes() -> None:
    """In a bar under the lines; of which request, where there are several."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=160, color_system=None)
    building = a_condition("Provisioned", "False", "Building", "building")
    progress = {"done": 3, "total": 12, "step": "server web-0"}
    with view_on(console, "job-17") as view:
        view.show(snapshot(stored(REQUESTS, seen(*PASSED, building, progress=progress))))
        assert isinstance(view, BarView)
        view.progress.refresh()
    shown = written.getvalue()

    assert "job-17: Approved: server web-0" in shown
    assert "3/12" in shown and "ETA" in shown


def test_a_log_gets_lines() -> None:
    """No bar where nobody looks."""
    written = io.StringIO()
    with view_on(Console(file=written, width=160), "job-17") as view:
        view.show(snapshot(stored(REQUESTS, seen(*PASSED, AWAITING))))

    assert 4 == written.getvalue().count("\n")
    assert "job-17: Validated=True Validated\n" in written.getvalue()
