"""docs/ci: what people copy into their pipelines is whole, and says what the program says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from controllers.cli import root
from controllers.cli.environment import EXIT_CODES
from controllers.cli.wanted import read_wanted
from policies.environments import nothing_outlives_a_test_environment
from tests.build import a_case, a_spec
from tests.unit.cli_stage import Stage, a_condition, a_request, a_stage

FOLDER = Path(__file__).parents[2] / "docs/ci"
COMMANDS = re.compile(r"^[-\s]*kunlun (apply|get|destroy)\b(.*(?:\\?\n\s+--output.*)*)", re.MULTILINE)


def test_the_environment_is_what_the_program_takes() -> None:
    """With the name and the time that a job gives it; nothing of it outlives it."""
    wanted = read_wanted([str(FOLDER / "environment.yaml")], name="job-17", time_to_live="90m")
    spec = a_spec(**wanted[0].body["spec"])

    assert [()] == [one.problems for one in wanted]
    assert ("Test", "90m") == (spec.environment, spec.time_to_live)
    assert [] == list(nothing_outlives_a_test_environment(a_case(spec)))


def test_the_script_is_one_of_any_shell() -> None:
    """POSIX, and executable as it lies there."""
    script = FOLDER / "environment.sh"

    assert 0 == subprocess.run(["sh", "-n", str(script)], check=False).returncode
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "github-actions.yml"])
def test_pipelines_are_yaml_and_run_the_script(name: str) -> None:
    """The same script that the tests run."""
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert isinstance(yaml.safe_load(text), dict)
    assert "docs/ci/environment.sh docs/ci/environment.yaml" in text


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_option_that_is_told_exists(path: Path) -> None:
    """Of every command in the folder."""
    for verb, words in COMMANDS.findall(path.read_text(encoding="utf-8")):
        command = root.get_command(click.Context(root), verb)
        assert command is not None
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert set() == set(re.findall(r"(?<= )--?[a-z][a-z-]*", words)) - known, words


def test_every_exit_code_is_told() -> None:
    """In the help, in the guide and in the script."""
    texts = [CliRunner().invoke(root, ["apply", "--help"]).output, (FOLDER / "README.md").read_text(encoding="utf-8")]
    codes = {0, 2, *EXIT_CODES.values()}

    for text in texts:
        assert codes <= {int(number) for number in re.findall(r"^\W*(\d)\b", text, re.MULTILINE)}


def a_job(stage: Stage, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script as a runner starts it; the cluster is the stage."""
    programs = Path(sys.executable).parent
    surroundings = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "KUNLUN_NAME": "job-17", **variables}
    words = [str(FOLDER / "environment.sh"), str(FOLDER / "environment.yaml"), *command]
    return subprocess.run(words, check=False, capture_output=True, text=True, cwd=stage.folder, env=surroundings)


def a_ready_test() -> dict[str, object]:
    ready = a_condition("Ready", "True", "Ready")
    server = {"kind": "Server", "name": "server-web-0", "id": "s1", "address": "10.10.1.4"}
    found = a_request(
        status={"conditions": [ready], "resources": [server]}, name="job-17", creationTimestamp="2026-01-02T03:00:00Z"
    )
    wanted = yaml.safe_load((FOLDER / "environment.yaml").read_text(encoding="utf-8"))["spec"]
    return found | {"spec": {"requestedBy": "ci-pipeline", **wanted}}


@pytest.mark.parametrize(("keep", "expected"), [("", ["delete"]), ("yes", [])])
def test_a_command_runs_in_its_environment_and_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, expected: list[str]
) -> None:
    """With its addresses as variables; the job ends as the command did, and the reports are there."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has("resourcerequests-job-17", a_ready_test())
    stage.has("answer", {})
    stage.watches(("ADDED", a_ready_test()))
    ended = a_job(stage, "sh", "-c", 'echo "at $KUNLUN_SERVER_WEB_0"; exit 7', KUNLUN_KEEP=keep)

    assert (7, True) == (ended.returncode, "at 10.10.1.4\n" in ended.stdout), ended.stderr
    assert expected == [word for call in stage.calls for word in call.split() if word == "delete"]
    assert "Ready" == json.loads((tmp_path / "environment.json").read_text("utf-8"))["environments"][0]["state"]
    assert (tmp_path / "kunlun.xml").exists()


def test_what_was_refused_is_not_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of that name is somebody else's."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has("resourcerequests-job-17", a_ready_test())
    stage.refuses('Error from server (Forbidden): only the requester "li.na" may change the `spec` of this request')
    ended = a_job(stage, "true")

    assert (1, True) == (ended.returncode, "only the requester" in ended.stderr)
    assert not any("delete" in call for call in stage.calls)
