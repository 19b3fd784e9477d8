"""`python -m tests.proof`: everybody on everybody, in three departments and three zones, in one matrix.

Exit code 0 only when all of it is as declared, and enough was tried for that to mean something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controllers.cli.kubectl import Kubectl
from controllers.cli.participants import cluster_case
from controllers.cli.probe import show
from controllers.cli.probing import Findings, probe
from infra.sandbox.guests.inside import hosts
from infra.sandbox.guests.places import places_of
from infra.sandbox.packages import ensure_root
from tests.conftest import Sandbox, kubectl_program
from tests.e2e.story import eventually
from tests.proof.departments import SERVERS, ensure_departments, remove_departments

LEAST_DECLARED, LEAST_UNDECLARED = 40, 200
PLUGGED_SECONDS = 300.0

Say = Callable[[str], None]


def main() -> int:
    """0 when what is declared is what the wire does."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--dir", type=Path, help="use the running sandbox in this folder, and give it guests")
    folder = parser.parse_args().dir
    ensure_root()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f}] {text}", file=sys.stderr, flush=True)

    with a_running_sandbox(folder.absolute()) if folder else a_sandbox_of_our_own(say) as sandbox:
        ensure_departments(sandbox, say)
        findings = proven(sandbox, say)
        show(findings, every=False)
        code = verdict(findings)
        say("taking it down")
    return code


@contextmanager
def a_running_sandbox(folder: Path) -> Iterator[Sandbox]:
    """It keeps nothing of ours but the guests' keeper."""
    sandbox = Sandbox(folder)
    sandbox.command("guest")
    try:
        yield sandbox
    finally:
        remove_departments(sandbox)


@contextmanager
def a_sandbox_of_our_own(say: Say) -> Iterator[Sandbox]:
    """Gone afterwards, with everything in it."""
    with tempfile.TemporaryDirectory(prefix="kunlun-proof-") as home:
        sandbox = Sandbox(Path(home))
        try:
            say("starting a sandbox with guests")
            sandbox.command("up", "--guests")
            yield sandbox
        finally:
            sandbox.command("down", "--wipe", check=False)


def proven(sandbox: Sandbox, say: Say) -> Findings:
    """One matrix over all departments, once every server has a body."""
    places = places_of(sandbox.layout)

    def plugged() -> int:
        return sum(bool(host.server and host.address) for host in hosts(places))

    assert eventually(lambda: plugged() >= SERVERS, PLUGGED_SECONDS), f"{plugged()} guests, not {SERVERS}"
    say(f"{plugged()} guests; sending packets")
    kubectl = Kubectl(kubeconfig=str(sandbox.kubeconfig("admin")), program=str(kubectl_program()))
    return probe(cluster_case(kubectl), places, None, say)


def verdict(findings: Findings) -> int:
    """In one line, and as exit code."""
    declared = sum(bool(each.declared) for each in findings.rows)
    undeclared = len(findings.rows) - declared
    if declared < LEAST_DECLARED or undeclared < LEAST_UNDECLARED:
        print(f"TOO LITTLE WAS TRIED: at least {LEAST_DECLARED} declared and {LEAST_UNDECLARED} undeclared pairs count")
        return 1
    agreed = len(findings.rows) - sum(bool(each.mismatch) for each in findings.rows)
    print(f"{agreed:,} of {len(findings.rows):,} pairs are as declared ({agreed / len(findings.rows):.3%})", flush=True)
    return 1 if findings.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
