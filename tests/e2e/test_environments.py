"""Environments by `kunlun apply` and `destroy` on real parts: extended, given back, refused, waited for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Sandbox
from tests.e2e.story import Story, eventually, leftovers, project_of
from tests.e2e.test_pipelines import surroundings
from tests.e2e.test_signatures import a_tenant_with

ASKED = REPOSITORY / "docs/ci/environment.yaml"
REMOVED_WITHIN_SECONDS = 180.0


@contextmanager
def nobody_left(sandbox: Sandbox, name: str) -> Iterator[None]:
    """Whatever the test did, the environment is gone afterwards."""
    try:
        yield
    finally:
        sandbox.kubectl("ci", "delete", "rr", name, "--ignore-not-found", "--wait=false", check=False)
        assert eventually(lambda: not Story(sandbox, name).read(), REMOVED_WITHIN_SECONDS)


def kunlun(sandbox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    """The program as a job has it."""
    command = ["kunlun", *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=180, cwd=REPOSITORY, env=surroundings(sandbox)
    )


def test_an_environment_is_extended_and_given_back(sandbox: Sandbox) -> None:
    """Within the zone's bound, by the same command; data volumes or not, nothing is left when destroy returns."""
    asked = ("apply", "-f", str(ASKED), "--name", "brief", "--wait", "--output", "json")
    project = project_of(sandbox)
    around = leftovers(sandbox, project)
    with a_tenant_with(sandbox, monthlyTestBudgetYuan=100), nobody_left(sandbox, "brief"):
        first, longer, beyond = (kunlun(sandbox, *asked, "--ttl", ttl) for ttl in ("5m", "1h", "15d"))
        ends = [json.loads(done.stdout)["environments"][0]["expiryTime"] for done in (first, longer)]

        assert [0, 0, 1] == [done.returncode for done in (first, longer, beyond)], first.stderr + longer.stderr
        assert "is there already and is changed: spec.timeToLive" in longer.stderr
        assert ends[0] < ends[1]
        assert "may be at most 14d in zone" in beyond.stderr
        gone = kunlun(sandbox, "destroy", "brief")
        assert (0, "brief is gone\n") == (gone.returncode, gone.stdout), gone.stderr
        assert around == leftovers(sandbox, project)
    assert "there is no environment named 'brief'" in kunlun(sandbox, "get", "brief").stderr


@pytest.mark.parametrize(
    ("budget", "replaced", "ending"),
    [
        (100, ("image: debian-12", "image: windows-95"), ("90s", 1, "is refused: PolicyViolated")),
        (100, ("system: permit-portal", "system: Permit Portal"), ("90s", 1, "spec.system: must be text")),
        (10, ("", ""), ("15s", 4, "awaits: resource-office")),
    ],
    ids=["refused by policy", "refused by form", "waiting for an officer"],
)
def test_the_exit_code_says_why_there_is_no_environment(
    sandbox: Sandbox, tmp_path: Path, budget: int, replaced: tuple[str, str], ending: tuple[str, int, str]
) -> None:
    """So that a pipeline can tell a mistake of its own from a person who has not decided yet."""
    file = tmp_path / "environment.yaml"
    file.write_text(ASKED.read_text(encoding="utf-8").replace(*replaced), encoding="utf-8")
    timeout, code, words = ending
    asked = ("apply", "-f", str(file), "--name", "unlucky", "--ttl", "5m", "--wait", "--timeout", timeout)
    with a_tenant_with(sandbox, monthlyTestBudgetYuan=budget), nobody_left(sandbox, "unlucky"):
        done = kunlun(sandbox, *asked)

        assert (code, True) == (done.returncode, words in done.stderr), done.stdout + done.stderr
