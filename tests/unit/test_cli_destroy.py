"""`kunlun get` and `kunlun destroy`: what is shown, what is removed, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.cli_stage import NAMESPACE, Stage, a_condition, a_request, a_stage
from tests.unit.test_cli_apply import FAULT, META, READY, STEPS, a_file, a_test


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return a_stage(tmp_path, monkeypatch)


def test_get_shows_what_is_there(stage: Stage) -> None:
    """All of the namespace, or what is named; a name that is not there is an error."""
    stage.has("resourcerequests-json", {"items": [a_test(*STEPS, READY), a_test(FAULT, name="other")]})
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    everything, one = stage.run("get"), stage.run("get", "permit-portal", "-o", "env")

    assert (0, ["NAME", "permit-portal", "other"]) == (
        everything.exit_code,
        [line.split()[0] for line in everything.stdout.splitlines()],
    )
    assert "KUNLUN_READY=true\n" in one.stdout
    assert (1, True) == ((absent := stage.run("get", "nobody")).exit_code, "no environment named" in absent.stderr)
    assert 2 == stage.run("get", "-o", "env").exit_code


def test_destroy_waits_until_nothing_is_left(stage: Stage) -> None:
    """What is being removed is told; one that is not there is no error, so it may be repeated."""
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    stage.has("answer", {})
    removing = a_condition("Ready", "False", "Deleting", "removed 1 of 9: Server web-0")
    gone = a_test(removing, deletionTimestamp="2026-01-02T03:04:05Z")
    stage.watches(("MODIFIED", gone), ("DELETED", gone))
    result = stage.run("destroy", "permit-portal", "absent")

    assert (0, "absent is not there\npermit-portal is gone\n") == (result.exit_code, result.stdout)
    assert "removed 1 of 9" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "give the NAME"),
        (("permit-portal", "--timeout", "1s"), 4, "goes on being removed"),
        (("permit-portal", "--no-wait"), 0, ""),
    ],
)
def test_destroy_ends_as_apply_does(stage: Stage, arguments: Sequence[str], code: int, words: str) -> None:
    """The same codes."""
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    stage.has("answer", {})
    stage.watches(("MODIFIED", a_test(deletionTimestamp="2026-01-02T03:04:05Z")))
    result = stage.run("destroy", *arguments)

    assert (code, True) == (result.exit_code, words in result.stderr), result.output


def test_destroy_takes_the_names_from_the_file(stage: Stage) -> None:
    """In the namespace the file says; a file of something else is no file of environments."""
    stage.has("resourcerequests-permit-portal", a_test(*STEPS, READY))
    stage.has("answer", {})

    assert 0 == stage.run("destroy", "-f", a_file(stage, a_test()), "--no-wait").exit_code
    assert any(f"--namespace={NAMESPACE} delete" in call for call in stage.calls)
    assert 2 == stage.run("destroy", "-f", "-", stdin="kind: ConfigMap\n").exit_code


def test_destroy_leaves_production_alone(stage: Stage) -> None:
    """A wrong name in a pipeline costs nothing."""
    stage.has("resourcerequests-permit-portal", a_request(status={}, **META))
    result = stage.run("destroy", "permit-portal")

    assert (1, True) == (result.exit_code, "is Production: whoever means it says `kubectl delete" in result.stderr)
    assert not any("delete" in call for call in stage.calls)
