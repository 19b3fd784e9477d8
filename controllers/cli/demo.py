"""`kunlun demo`: one request from `kubectl apply` to a web server that answers, told step by step, with its times.

Everything is done as the people would do it: the clerk files and asks, the officer reads and approves, and
in the end OpenStack itself is asked what there is, and the web server who reaches it. Run again, it shows the same
result in seconds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from controllers.api.approval import Decision
from controllers.api.stored import SYSTEMS, ResourceRequest
from controllers.cli.decide import decide
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cli.plan import show_plan
from controllers.cli.reading import read
from controllers.cli.reported import COLUMNS, reported_servers
from controllers.cli.sandbox import folder_option, layout_from, progress, wishes_from
from controllers.cli.screen import grid, lines, screen, section
from controllers.cli.verdict import Verdict, is_planned, snapshot
from controllers.cli.watch import EXIT_READY, follow, states
from infra.sandbox.guests.inside import run_in
from infra.sandbox.guests.places import places_of
from infra.sandbox.layout import Layout
from infra.sandbox.packages import ensure_root
from infra.sandbox.record import Record
from infra.sandbox.sandbox import provide, up

ROOT = Path(__file__).parents[2]
SYSTEM_FILE = ROOT / "docs" / "examples" / "information-system.yaml"
REQUEST_FILE = ROOT / "docs" / "examples" / "permit-portal.yaml"
NAME = "permit-portal"
NAMESPACE = "civil-affairs"
ZONE = "extranet"
ALLOWED, REFUSED = "172.20.0.10", "172.21.0.10"  # the flow is from 172.20.0.0/16
PLAN_SECONDS = 120.0
READY_SECONDS = 600.0
START_WORDS = {
    "cold": "first start ever: databases made",
    "seed": "first start in this folder",
    "warm": "start after `down`",
    "repair": "start that repaired something",
    "running": "look at a running one",
}


@dataclass(slots=True)
class Story:
    """What is told: numbered steps, each with its time."""

    console: Console
    times: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say how long it took when it is done."""
        began = time.monotonic()
        self.console.print(Text(f"\n{len(self.times) + 1}. {title}", style="bold cyan"))
        yield
        self.times.append((title, time.monotonic() - began))
        self.console.print(Text(f"   done in {self.times[-1][1]:.1f} s", style="dim"))

    def says(self, text: str) -> None:
        """What came of it, on lines of its own."""
        self.console.print(text, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts, each with their own kubeconfig."""

    clerk: Kubectl
    officer: Kubectl


@click.command(short_help="One request from `kubectl apply` to a web server that answers, in the sandbox.")
@folder_option
def command(folder: Path | None) -> None:
    """Bring up the sandbox, ask, approve, wait, and show what OpenStack has. Needs root.

    May be run again at any time: what is there already is only shown.
    """
    layout, story = layout_from(folder), Story(screen())
    ensure_root()
    wishes = wishes_from(no_operator=False, cinder=False, guests=True)
    with story.step("Programs and packages: found here, or built once"):
        program = provide(wishes, progress()).programs.kubectl
    with story.step("The sandbox: control plane, OpenStack, zones, operator"):
        record = up(layout, wishes, progress())
    request = play(story, cast_from(layout, program))
    with story.step("What OpenStack itself reports"):
        found = reported_servers(layout.clouds, request.status.project or "")
        story.console.print(section(f"Project {request.status.project}", grid(COLUMNS, found)))
    with story.step("Who reaches the web server: a counter clerk, and somebody whom no flow names"):
        story.console.print(
            section(f"http://{web_address(request)}/", grid(("FROM", "ANSWER"), calls(layout, request)))
        )
    story.console.print(section("Times", times_table(story, record)))
    story.console.print(section("What to try next", lines(*what_to_try(layout, program))))


def cast_from(layout: Layout, program: Path) -> Cast:
    """The sandbox's people."""
    clerk, officer = (layout.users / f"{name}.kubeconfig" for name in ("clerk", "officer"))
    return Cast(
        clerk=Kubectl(NAMESPACE, kubeconfig=str(clerk), program=str(program)),
        officer=Kubectl(NAMESPACE, kubeconfig=str(officer), program=str(program)),
    )


def play(story: Story, cast: Cast) -> ResourceRequest:
    """From the filing to a request that is ready. Raises ClusterError when it does not get there."""
    with story.step("The clerk files the system"):
        story.says(file_system(cast.clerk))
    with story.step(f"The clerk asks: kubectl apply -f {REQUEST_FILE.relative_to(ROOT)}"):
        story.says(cast.clerk.apply(REQUEST_FILE.read_text(encoding="utf-8")).strip())
    with story.step("The operator plans; the officer reads the plan"):
        plan = newest_plan(cast.officer)
        show_plan(cast.officer, plan)
    with story.step("The officer approves this plan"):
        story.says(approve(cast.officer, plan))
    with story.step("The operator builds the approved plan and configures the servers"):
        if follow(cast.clerk, NAME, timeout_seconds=READY_SECONDS) != EXIT_READY:
            raise ClusterError(f"request '{NAME}' did not become ready")
    return present(cast.clerk)


def file_system(clerk: Kubectl) -> str:
    """Without a filed system nothing is provisioned."""
    if clerk.find(SYSTEMS, NAME) is not None:
        return f"system {NAME} is filed already"
    return clerk.apply(SYSTEM_FILE.read_text(encoding="utf-8")).strip()


def newest_plan(officer: Kubectl) -> str:
    """The name of the plan for the request as it is now. Raises ClusterError when there will be none."""
    with closing(states(officer, NAME, until=time.monotonic() + PLAN_SECONDS)) as requests:
        for request in requests:
            if is_planned(request) and request.status.plan:
                return request.status.plan
            seen = snapshot(request)
            if seen.verdict is Verdict.STUCK:
                raise ClusterError(f"request '{NAME}' cannot be planned: {seen.message}")
    raise ClusterError(f"request '{NAME}' had no plan after {PLAN_SECONDS:.0f} seconds")


def approve(officer: Kubectl, plan: str) -> str:
    """Decide every stage that is open; a plan that is approved already stays so."""
    reading = read(officer, plan)
    if not reading.open_stages:
        return f"plan {plan} is decided already"
    sentences = [
        decide(officer, plan, stage=standing.needed.stage, decision=Decision.APPROVED, reason="as discussed")
        for standing in reading.open_stages
    ]
    return "\n".join(sentences)


def calls(layout: Layout, request: ResourceRequest) -> list[tuple[str, str]]:
    """The page's title as hosts beyond the zone's uplink get it. Raises ClusterError when it is not as declared."""
    answers = {caller: page(layout, caller, web_address(request)) for caller in (ALLOWED, REFUSED)}
    if answers[ALLOWED] is None or answers[REFUSED] is not None:
        raise ClusterError(f"not as declared: {answers}")
    return [(caller, answer or "none: no flow lets it in") for caller, answer in answers.items()]


def page(layout: Layout, caller: str, address: str) -> str | None:
    """What `curl` gets there, in one line; None when nobody answers."""
    patience = ("--retry", "5", "--retry-all-errors", "--retry-delay", "1") if caller == ALLOWED else ()
    argv = ["curl", "--silent", "--max-time", "3", *patience, "--interface", caller, f"http://{address}/"]
    done = run_in(places_of(layout), f"outside-{ZONE}", argv, address=caller)
    title = done.stdout.partition("<title>")[2].partition("</title>")[0]
    return title if done.returncode == 0 else None


def web_address(request: ResourceRequest) -> str:
    """Of the first server."""
    return next(item.address for item in request.status.resources if item.name == "server-web-0" and item.address)


def present(clerk: Kubectl) -> ResourceRequest:
    """The request as it is now."""
    with closing(states(clerk, NAME, until=time.monotonic() + PLAN_SECONDS)) as requests:
        return next(requests)


def times_table(story: Story, record: Record) -> Table:
    """How long everything took, and what the sandbox's starts took so far."""
    steps = [(title, f"{seconds:.1f} s") for title, seconds in story.times]
    total = ("this demo", f"{sum(seconds for _, seconds in story.times):.1f} s")
    starts = [(f"sandbox, {START_WORDS[kind]}", f"{seconds:.1f} s") for kind, seconds in record.starts.items()]
    return grid(("STEP", "TIME"), [*steps, total, *starts], right=("TIME",))


def what_to_try(layout: Layout, kubectl: Path) -> list[str]:
    """Commands that work as they stand."""
    folders = [str(ROOT / ".venv" / "bin")]
    if shutil.which("kubectl") is None:
        folders.append(str(kubectl.parent))
    return [
        f"export PATH={':'.join(folders)}:$PATH KUBECONFIG={layout.users}/clerk.kubeconfig",
        "kubectl get resourcerequests -o wide",
        f"kubectl describe resourcerequest {NAME}",
        "kubectl explain resourcerequest.spec.servers   # what may be asked",
        f"kubectl kunlun plan {NAME}",
        f"kubectl edit resourcerequest {NAME}   # one server more: a new plan, the old one stays in force",
        f"kubectl kunlun watch {NAME}",
        f"kubectl kunlun approve PLAN --stage resource-office --kubeconfig {layout.users}/officer.kubeconfig",
        f"kubectl delete resourcerequest {NAME}   # leaves nothing behind",
        f"kunlun sandbox down --wipe --dir {layout.home}   # ends it and forgets it (`make demo-down` without --dir)",
    ]
