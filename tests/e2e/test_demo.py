"""`kunlun demo`, as the README tells people to run it: it gets there, and a second time builds nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Sandbox

NAME = "permit-portal"
ROOT = Path(__file__).parents[2]
FIRST_SECONDS = 600.0


@pytest.fixture(scope="module")
def with_guests(sandbox: Sandbox) -> Iterator[Sandbox]:
    """As the demo starts it: its servers are configured, so they need bodies."""
    sandbox.command("guest")
    yield sandbox
    sandbox.command("guest", "--off")


@pytest.fixture
def tidy(with_guests: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, without the demo's request before and after."""
    forget = ("delete", "resourcerequest", NAME, "--ignore-not-found", "--timeout=180s")
    with_guests.kubectl("clerk", *forget)
    yield with_guests
    with_guests.kubectl("clerk", *forget)


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as a person runs it."""
    command = [sys.executable, "-m", "controllers", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=FIRST_SECONDS, stdin=subprocess.DEVNULL, check=False
    )


def servers_shown(demo: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines about servers that run, with their ids."""
    return [line for line in demo.stdout.splitlines() if "   ACTIVE   " in line]


def test_the_demo_ends_with_a_web_server_that_answers_and_the_second_builds_nothing(tidy: Sandbox) -> None:
    """Two servers, as OpenStack reports them, and a page for whom a flow names; run again, without a new decision."""
    first = program("demo", "--dir", str(tidy.home))
    second = program("demo", "--dir", str(tidy.home))

    assert 0 == first.returncode, first.stdout + first.stderr
    assert 2 == len(servers_shown(first))
    assert "Approved by zhang.wei for stage resource-office" in first.stdout
    assert "172.20.0.10   permit-portal-web-0" in first.stdout and "no flow lets it in" in first.stdout
    assert 0 == second.returncode, second.stdout + second.stderr
    assert "is decided already" in second.stdout and servers_shown(first) == servers_shown(second)


def test_people_read_decide_and_watch_through_the_plugin(tidy: Sandbox) -> None:
    """The clerk asks and watches, the officer reads and decides; each refusal is one plain sentence."""
    clerk, officer = (f"--kubeconfig={tidy.home}/users/{name}.kubeconfig" for name in ("clerk", "officer"))
    tidy.kubectl("clerk", "apply", "-f", str(ROOT / "docs/examples/permit-portal.yaml"))
    tidy.kubectl("clerk", "wait", f"rr/{NAME}", "--for=condition=Planned", "--timeout=120s")
    plan = tidy.kubectl("clerk", "get", "rr", NAME, "-o", "jsonpath={.status.plan}").stdout

    page = program("plan", NAME, officer)
    own = program("approve", plan, "--stage", "resource-office", clerk)
    unnamed = program("approve", NAME, "--stage", "resource-office", officer)
    approved = program("approve", plan, "--stage", "resource-office", officer)
    watched = program("watch", NAME, "--timeout=5m", clerk)
    denied = program("deny", plan, "--stage", "resource-office", "--reason", "too late", officer)

    assert 0 == page.returncode and f"approve {plan} --stage resource-office" in page.stdout
    assert (1, 1) == (own.returncode, own.stderr.count("\n")), own.stderr
    assert 1 == unnamed.returncode and f"Its newest is {plan}" in unnamed.stderr
    assert 0 == approved.returncode, approved.stderr
    assert 0 == watched.returncode and "Ready=True" in watched.stdout, watched.stdout + watched.stderr
    assert 0 == program("plan", plan, officer).returncode
    assert 1 == denied.returncode and "in force" in denied.stderr
    assert 0 == program("watch", NAME, "--timeout=1m", clerk).returncode
