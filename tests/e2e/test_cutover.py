"""A two-tier system, written to all the time: moved onto the cloud, and back, whoever is killed on the way."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from controllers.api.cutoversteps import Step
from controllers.cutover.way import SWITCH
from controllers.playbooks.runs import ERRAND
from infra.kernel import environment, kernel_lines
from infra.sandbox.guests.inside import host_named
from infra.sandbox.guests.places import Places, places_of
from tests.conftest import Sandbox, operator_of
from tests.e2e.moving.client import Client, always_looking, always_writing
from tests.e2e.moving.machines import Machine, old_machines
from tests.e2e.moving.story import CutoverStory, a_window, spec_of
from tests.e2e.moving.system import ensure_database_server, install_portal, kept, make_database, uploaded
from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Story, a_server, a_story, eventually

TARGET, NAME = "new-home", "portal-moves"
BUILT_SECONDS, STAGE_SECONDS, STEP_SECONDS = 600.0, 900.0, 240.0
BACK = (Step.FREEZE_TARGET, Step.COUNT_LOSSES, Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE)


@dataclass(frozen=True, slots=True)
class Moving:
    """Both sides, the cutover between them, and who looks on."""

    story: CutoverStory
    old: dict[str, Machine]
    new: dict[str, Machine]
    client: Client
    looks: Callable[[], Counter[str]]


@pytest.fixture(scope="module")
def places(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and without them again afterwards."""
    sandbox.command("guest")
    yield places_of(sandbox.layout)
    sandbox.command("guest", "--off")


@pytest.fixture(scope="module")
def target(sandbox: Sandbox, places: Places) -> Iterator[Story]:
    """The request the system moves to: a web server that the department's office may call, and its database."""
    with a_story(sandbox, TARGET) as story:
        office = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/8080"], "purpose": "the office"}
        inside = {"from": {"servers": "web"}, "to": "db", "ports": ["tcp/5432"], "purpose": "the portal's database"}
        servers = [a_server(name=name, roles=["baseline"]) for name in ("web", "db")]
        story.apply(servers=servers, flows=[office, inside])
        story.approve()
        story.ready(BUILT_SECONDS)
        yield story


@pytest.fixture(scope="module")
def moving(
    sandbox: Sandbox, places: Places, target: Story, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moving]:
    """The system lives on two old hosts and is written to; its trial on the cloud is asked for."""
    logs, router = tmp_path_factory.mktemp("client"), host_named(places, "outside-extranet").namespace
    new = {name: Machine(host_named(places, f"{TARGET}-{name}-0")) for name in ("web", "db")}
    with ExitStack() as stack:
        old = stack.enter_context(old_machines(places, ("old-web", "old-db"), router))
        web, db = old["old-web"], old["old-db"]
        ensure_database_server(db, web)
        make_database(db)
        install_portal(web, db)
        web.run("service", "portal", "start")
        ensure_database_server(new["db"], new["web"])
        install_portal(new["web"], new["db"])
        story = CutoverStory(sandbox, NAME)
        story.apply(spec_of(TARGET, web, db, stage="Prepare"))
        story.reaches("Prepared", "Prepared", STAGE_SECONDS)
        client = stack.enter_context(always_writing(router, f"http://{web.address}:80", logs / "client"))
        urls = (f"http://{web.address}:8080/health", f"http://{new['web'].address}:8080/health")
        story.ask(stage="Trial")
        story.reaches("Tried", "Tried", STAGE_SECONDS)
        looks = stack.enter_context(always_looking(router, *urls, logs / "looks"))
        yield Moving(story, old, new, client, looks)


def playbooks(uid: str) -> list[int]:
    """Processes of the cutover's playbook."""
    return [line.pid for line in kernel_lines() if (environment(line.pid) or {}).get(ERRAND) == uid]


def end_playbook(moving: Moving) -> None:
    """kill -9 for all of them."""
    for pid in playbooks(moving.story.read()["metadata"]["uid"]):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def doubled(numbers: list[int]) -> list[int]:
    return [number for number, times in Counter(numbers).items() if times > 1]


def test_without_both_signatures_nothing_is_cut(moving: Moving) -> None:
    """By the command line and by the operator, which says who is missing."""
    asked = moving.story.kunlun("clerk", "start", NAME, "--stage", "Cut")
    moving.story.ask(stage="Cut", window=a_window())
    said = moving.story.reaches("Ready", "AwaitingSignatures")

    assert 1 == asked.returncode and "window" in asked.stderr
    assert "not accepted yet by: department, provider" in said
    assert "source" == max(moving.looks(), key=moving.looks().__getitem__)


def test_a_system_is_cut_over_while_it_is_written_to(moving: Moving, capsys: pytest.CaptureFixture[str]) -> None:
    """Every write that was acknowledged is on the target, once; both sides never serve; the downtime is told."""
    story, client = moving.story, moving.client
    story.sign()
    story.reaches("CutOver", "CutOver", STAGE_SECONDS)
    at_switch = len(client.acknowledged())
    story.reaches("Supervised", "Supervised", STAGE_SECONDS)
    acknowledged = client.acknowledged()
    numbers = kept(moving.new["db"])
    files = uploaded(moving.new["web"])
    with capsys.disabled():
        told, seen = story.status()["downtimeSeconds"], client.longest_gap_seconds()
        print(f"\ncut over: {told} s without service by the journal, {seen:.1f} s between two acknowledged writes")

    assert at_switch < len(acknowledged), "the target takes writes"
    assert set() == acknowledged - set(numbers) and [] == doubled(numbers)
    assert set() == {number for number in acknowledged if number % 10 == 0} - files
    assert 0 == moving.looks()["both"]
    assert "Target" == story.status()["live"]


def test_the_original_is_not_released_before_its_time(moving: Moving) -> None:
    """By the command line, by the API server, and by nobody's shortening of what was agreed."""
    story = moving.story
    by_line = story.kunlun("clerk", "release", NAME)
    by_api = story.ask(stage="Release", check=False)
    shortened = story.ask(retention={"days": 80}, check=False)

    assert 1 == by_line.returncode and "the original is kept for 90 days" in by_line.stderr
    assert by_api.returncode and "retain" in by_api.stderr.lower(), by_api.stderr
    assert shortened.returncode, shortened.stderr


def test_a_rollback_says_what_it_loses_and_waits_for_it_to_be_named(moving: Moving) -> None:
    """Nobody writes meanwhile; then the service is back, and only the writes that were named are gone."""
    story, client = moving.story, moving.client
    story.kunlun("clerk", "rollback", NAME, "--yes")
    eventually(lambda: story.status().get("losses") is not None, STAGE_SECONDS)
    said = story.reaches("Ready", "RollingBack")
    assert eventually(lambda: "would be lost" in story.condition("Ready")[2], STEP_SECONDS), said
    losses = story.status()["losses"]
    missing = client.acknowledged() - set(kept(moving.old["old-db"]))
    assert "Neither" == story.status()["live"]
    assert losses["writes"] >= len(missing) > 0
    story.kunlun("clerk", "rollback", NAME, "--yes", "--loses", losses["digest"], "--reason", "the trial of a rollback")
    story.reaches("Ready", "RolledBack", STAGE_SECONDS)
    after = max(client.acknowledged())
    assert eventually(lambda: max(client.acknowledged()) > after, STEP_SECONDS)
    numbers = kept(moving.old["old-db"])

    assert missing == client.acknowledged() - set(numbers) and [] == doubled(numbers)
    assert "Source" == story.status()["live"]
    assert 0 == moving.looks()["both"]


def test_whoever_is_killed_at_whichever_step_it_goes_on(
    moving: Moving, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The playbook and then the operator, kill -9, at every step of the cut and of the way back."""
    story, operator = moving.story, operator_of(sandbox)
    before = len(story.lines())
    lost = moving.client.acknowledged() - set(kept(moving.old["old-db"]))
    story.ask(stage="Cut", window=a_window(3600), rollBack=None, supervision={"minutes": 1, "rollBackAfterFailures": 0})
    kill_at_each(SWITCH, moving, operator)
    story.reaches("CutOver", "CutOver", STAGE_SECONDS)
    numbers = kept(moving.new["db"])
    assert set() == moving.client.acknowledged() - set(numbers) - lost and [] == doubled(numbers)
    story.ask(stage="RollBack")
    kill_at_each(BACK[:2], moving, operator)
    assert eventually(lambda: "would be lost" in story.condition("Ready")[2], STAGE_SECONDS), story.journal()[-4:]
    story.ask(rollBack={"loses": story.status()["losses"]["digest"], "reason": "the kill table"})
    kill_at_each(BACK[2:], moving, operator)
    story.reaches("Ready", "RolledBack", STAGE_SECONDS)
    with capsys.disabled():
        print("\n" + table(story, before))

    assert 0 == moving.looks()["both"]
    assert [] == doubled(kept(moving.old["old-db"]))


def kill_at_each(steps: tuple[Step, ...], moving: Moving, operator: OperatorControl) -> None:
    """The first attempt's playbook, and the operator in the middle of the second."""
    for step in steps:
        await_attempt(moving, step, 1)
        end_playbook(moving)
        await_attempt(moving, step, 2)
        operator.kill()
        operator.start()
        assert eventually(lambda step=step: is_done(moving, step), STAGE_SECONDS), moving.story.journal()[-6:]  # type: ignore[misc]


def await_attempt(moving: Moving, step: Step, attempt: int) -> None:
    """Its playbook runs."""
    uid = moving.story.read()["metadata"]["uid"]
    begun = eventually(
        lambda: moving.story.underway() == (step.value, attempt) and bool(playbooks(uid)), STAGE_SECONDS, 0.1
    )
    assert begun, (step, attempt, moving.story.journal()[-6:])
    time.sleep(1.0)  # into its work: the processes of a run are there before the first task is


def is_done(moving: Moving, step: Step) -> bool:
    own = [one for one in moving.story.lines() if one["step"] == step.value]
    return bool(own) and own[-1]["event"] == "Done"


def table(story: CutoverStory, before: int) -> str:
    """A row a step: what became of each attempt."""
    rows: dict[str, list[str]] = {}
    for line in story.lines()[before:]:
        if line["event"] == "Begun":
            rows.setdefault(line["step"], []).append("cut off")
        else:
            rows[line["step"]][line["attempt"] - 1] = line["event"]
    return "\n".join(f"{step:<16} {', '.join(outcomes)}" for step, outcomes in rows.items())
