"""Ansible for real: playbooks over SSH on guests that are namespaces. Needs root, as the sandbox does."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controllers.playbooks.runs import OWNER
from controllers.request.configuration import DesktopStandard, Guest
from controllers.request.plan import DESKTOP_ROLES
from controllers.request.roles import Playbooks
from infra.errors import EngineInterrupted, GuestUnreachable, KunlunError, ManagementMissing, PlaybookFailed
from infra.kernel import environment, kernel_lines
from infra.sandbox.packages import DESKTOP_PACKAGES, ensure_packages
from tests.component.guest_bench import UID, Bench, Watch, a_bench, configured, told

CANARY = "canary-7f3a9"
ROLE_SECONDS = 300
DYING_SLOWLY = """#!/bin/sh
ssh "$@"
ended=$?
exec <&- >&- 2>&-
sleep 0.05
exit $ended
"""
TASKS = {
    "failing": f"""
- name: Use a secret
  ansible.builtin.command:
    argv: ["/bin/false", "{CANARY}"]
  no_log: true
""",
    "slow": """
- name: Take long
  ansible.builtin.command:
    argv: ["/bin/sleep", "600"]
""",
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with a_bench() as bench:
        yield bench


@pytest.fixture(scope="module")
def guest(bench: Bench) -> Guest:
    return bench.plug(0)


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    """The play of every request with small roles, to see what goes wrong. It waits for seconds, not for a minute."""
    for name in ("site.yml", "ansible.cfg"):
        shutil.copy(Playbooks().folder / name, tmp_path)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("kunlun_answer_seconds: 4\n")
    for role, tasks in TASKS.items():
        (tmp_path / "roles" / role / "tasks").mkdir(parents=True)
        (tmp_path / "roles" / role / "tasks" / "main.yml").write_text(tasks)
    return tmp_path


def running(bench: Bench) -> list[int]:
    """Processes of runs over this bench's state folder, however they came about."""
    owner = str(bench.folder / "state")
    return [line.pid for line in kernel_lines() if (environment(line.pid) or {}).get(OWNER) == owner]


async def test_a_second_run_of_every_role_changes_nothing(bench: Bench, guest: Guest) -> None:
    """All of them at once, on a new guest; then the page is served, and nothing else is open."""
    wanted, configurator = told(guest, *Playbooks().names()), bench.configurator()
    first = await configured(configurator, wanted)
    second = await configured(configurator, wanted)

    assert first.changes["web-0"] > 10
    assert {"web-0": 0} == {"web-0": 0} | dict(second.changes)
    assert "Configured by Kunlun" in bench.fetch(guest.address, 8080)
    assert "" == bench.fetch(guest.address, 8081)
    assert [] == running(bench)


async def test_a_second_run_on_a_desktop_changes_nothing(bench: Bench) -> None:
    """The roles of every desktop, with what a zone says of its screens; the broker's key opens one command."""
    ensure_packages(DESKTOP_PACKAGES, os.environ, print)
    standard = DesktopStandard(clipboard="Closed", screen="1280x800", broker_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    plain = told(bench.plug(2), *DESKTOP_ROLES)
    seat = replace(plain.guests[0], user="li.na")
    wanted, configurator = replace(plain, guests=(seat,), desktops=standard), bench.configurator()
    first = await configured(configurator, wanted)
    second = await configured(configurator, wanted)

    assert first.changes[seat.name] > 10
    assert {seat.name: 0} == {seat.name: 0} | dict(second.changes)


async def test_a_run_that_was_killed_is_ended_and_the_next_one_resumes(bench: Bench) -> None:
    """As if the operator had died in mid-playbook: the next one finds what is left, ends it, and goes on."""
    wanted, watch = told(bench.plug(1), "web"), Watch()
    dying = asyncio.create_task(bench.configurator().configure(UID, wanted, on_progress=watch))
    await asyncio.wait_for(watch.reaches(6), ROLE_SECONDS)
    dying.cancel()
    left = running(bench)
    heir = bench.configurator()
    await heir.start()
    before = running(bench)
    done = await configured(heir, wanted)
    again = await configured(heir, wanted)

    assert [] != left and [] == before
    assert "successful" == done.ended and {} == {name: count for name, count in again.changes.items() if count}
    assert "Configured by Kunlun" in bench.fetch(wanted.guests[0].address, 8080)


async def test_what_a_killed_run_has_written_is_in_force_after_the_next_one(bench: Bench) -> None:
    """A file that is changed already notifies nobody: the firewall of the plan before would stay for ever."""
    guest, watch = bench.plug(3), Watch()
    before, wanted = (told(guest, "baseline", port=port) for port in (8080, 9090))
    await configured(bench.configurator(), before)
    dying = asyncio.create_task(bench.configurator().configure(UID, wanted, on_progress=watch))
    await asyncio.wait_for(watch.comes_to("baseline: See whether the firewall is there"), ROLE_SECONDS)
    dying.cancel()
    await asyncio.wait([dying])
    left = bench.firewall(guest)
    await configured(bench.configurator(), wanted)
    done = bench.firewall(guest)
    again = await configured(bench.configurator(), wanted)

    assert "dport 8080" in left and "dport 9090" not in left
    assert "dport 9090" in done and "dport 8080" not in done
    assert {} == {name: count for name, count in again.changes.items() if count}


async def test_a_killed_playbook_is_no_success(bench: Bench, guest: Guest, playbooks: Path) -> None:
    """Ended from outside, it has not done what it should; the operator says so and tries again."""
    watch, configurator = Watch(), bench.configurator(playbooks)
    run = asyncio.create_task(configurator.configure(UID, told(guest, "slow"), on_progress=watch))
    await asyncio.wait_for(watch.reaches(3), ROLE_SECONDS)
    configurator.kill()

    with pytest.raises(PlaybookFailed, match="ended early"):
        await run
    assert [] == running(bench)


async def test_the_failed_task_is_named_and_its_secret_is_nowhere(
    bench: Bench, guest: Guest, playbooks: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in the message nor in the log nor in any file of the run."""
    with pytest.raises(PlaybookFailed) as failure:
        await configured(bench.configurator(playbooks), told(guest, "failing"))
    files = [path for path in (bench.folder / "state").rglob("*") if path.is_file()]

    assert "task 'Use a secret' of role 'failing' failed on web-0" == failure.value.message
    assert [] == [path for path in files if CANARY in path.read_text(errors="replace")]
    assert CANARY not in "".join(capfd.readouterr())


async def test_another_host_than_the_pinned_one_gets_nothing(bench: Bench, guest: Guest, playbooks: Path) -> None:
    """Whoever has taken the address does not have the key. An ssh that has refused may be there for a moment more."""
    wrapper = playbooks / "ssh"
    wrapper.write_text(DYING_SLOWLY)
    wrapper.chmod(0o755)
    with (playbooks / "ansible.cfg").open("a") as settings:  # its last section is the one of SSH
        settings.write(f"ssh_executable = {wrapper}\n")
    pins = playbooks / "pins" / guest.server
    pins.mkdir(parents=True)
    shutil.copy(f"{bench.places.ssh_key}.pub", pins / "host_key.pub")
    configurator = bench.configurator(playbooks, host_keys=playbooks / "pins")

    with pytest.raises(GuestUnreachable, match="not the host that was pinned: web-0"):
        await configured(configurator, told(guest, "slow"))


@pytest.mark.parametrize(
    ("access", "error"), [({"key": None}, ManagementMissing), ({"host_keys": Path("/nowhere")}, GuestUnreachable)]
)
async def test_without_key_or_pins_nothing_is_run(
    bench: Bench, guest: Guest, access: dict[str, Path | None], error: type[KunlunError]
) -> None:
    """No key is the provider's business, a host key that is not there yet is time's."""
    with pytest.raises(error):
        await configured(bench.configurator(**access), told(guest, "web"))


async def test_a_playbook_that_takes_too_long_is_ended(bench: Bench, guest: Guest, playbooks: Path) -> None:
    """Its deadline holds whatever a task waits for, and the last task is named."""
    with pytest.raises(PlaybookFailed, match="not done in time; the last task was slow: Take long"):
        await configured(bench.configurator(playbooks, deadline_seconds=45), told(guest, "slow"))
    assert [] == running(bench)


async def test_a_request_that_is_deleted_interrupts_its_playbook(bench: Bench, guest: Guest, playbooks: Path) -> None:
    """Nothing of it runs any more when the interruption returns."""
    watch, configurator = Watch(), bench.configurator(playbooks)
    run = asyncio.create_task(configurator.configure(UID, told(guest, "slow"), on_progress=watch))
    await asyncio.wait_for(watch.reaches(2), ROLE_SECONDS)
    await configurator.cancel(UID)

    assert [] == running(bench)
    with pytest.raises(EngineInterrupted):
        await run
