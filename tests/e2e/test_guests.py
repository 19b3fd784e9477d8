"""Guests: servers of the sandbox that one can talk to. Takes about half a minute beside the sandbox's own start."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

from infra.sandbox.guests.inside import hosts, run_in
from infra.sandbox.guests.places import GuestFolder, Places, places_of
from infra.sandbox.guests.wiring import processes_in
from tests.conftest import Sandbox
from tests.e2e.story import Story, a_server, a_story, eventually

ALLOWED, REFUSED = "10.10.200.7", "10.10.201.7"
PLUGGED_SECONDS = 30.0
CONNECT = ("timeout", "3", "bash", "-c")


@pytest.fixture(scope="module")
def places(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and without them again afterwards."""
    sandbox.command("guest")
    yield places_of(sandbox.layout)
    sandbox.command("guest", "--off")


@pytest.fixture(scope="module")
def story(sandbox: Sandbox, places: Places) -> Iterator[Story]:
    """One request that is built: `web`, which the extranet's counters may reach by SSH, and `db` for nobody."""
    with a_story(sandbox, "guests") as story:
        flow = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/22"], "purpose": "administration"}
        story.apply(servers=[a_server(), a_server(name="db")], flows=[flow])
        story.approve()
        story.ready()
        assert eventually(lambda: {"guests-web-0", "guests-db-0"} <= set(named(places)), PLUGGED_SECONDS)
        yield story


@pytest.fixture
def cloud(sandbox: Sandbox) -> Any:
    """OpenStack as its administrator."""
    config = openstack.config.OpenStackConfig(config_files=[str(sandbox.clouds)], load_envvars=False)
    return openstack.connection.Connection(config=config.get_one("admin"))


def named(places: Places) -> dict[str, str]:
    """The servers' ids by the names of the plugged guests."""
    return {host.name: host.server for host in hosts(places) if host.server}


def folder_of(places: Places, name: str) -> GuestFolder:
    return places.guest(named(places)[name])


def ssh(places: Places, name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Log in from an allowed counter, with the guest's host key pinned."""
    folder = folder_of(places, name)
    address, key = folder.address.read_text().strip(), folder.host_key_pub.read_text()
    known = places.folder / "known_hosts"
    known.write_text(f"{address} {key}")
    options = [f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "BatchMode=yes", f"BindAddress={ALLOWED}"]
    words = [word for option in options for word in ("-o", option)]
    argv = ["ssh", *words, "-i", str(places.ssh_key), f"root@{address}", *command]
    return run_in(places, "outside-extranet", argv, address=ALLOWED)


def connects(places: Places, host: str, address: str, port: int) -> bool:
    return run_in(places, host, [*CONNECT, f"</dev/tcp/{address}/{port}"]).returncode == 0


def test_a_guest_is_reached_by_ssh_over_its_declared_flow(places: Places, story: Story) -> None:
    """Its own host key, its own hostname, the sandbox's key, and every packet through the security groups."""
    done = ssh(places, "guests-web-0", "hostname && id -un")

    assert (0, ["guests-web-0", "root"]) == (done.returncode, done.stdout.split()), done.stderr


def test_what_is_not_declared_is_closed(places: Places, story: Story) -> None:
    """Another source, another server, and the way back."""
    web, db = (folder_of(places, f"guests-{name}-0").address.read_text().strip() for name in ("web", "db"))

    assert not connects(places, "outside-extranet", web, 22)  # from the gateway's own address
    assert not connects(places, "guests-db-0", web, 22)
    assert not connects(places, "guests-web-0", db, 22)


def test_what_a_playbook_changes_stays_in_the_guest(places: Places, story: Story) -> None:
    """Files, accounts, hostname and processes are the guest's; the machine and its other guests are as before."""
    change = "useradd kunlun-guest && echo 1 >/etc/kunlun-guest && hostname other; nohup sleep 300 >/dev/null 2>&1 &"
    assert 0 == ssh(places, "guests-web-0", change).returncode
    assert eventually(lambda: run_in(places, "guests-web-0", ["cat", "/etc/kunlun-guest"]).stdout == "1\n", 5)

    assert not Path("/etc/kunlun-guest").exists()
    assert "kunlun-guest" not in Path("/etc/passwd").read_text()
    assert "guests-db-0\n" == run_in(places, "guests-db-0", ["hostname"]).stdout
    assert 0 != run_in(places, "guests-db-0", ["id", "kunlun-guest"]).returncode
    assert 0 != run_in(places, "guests-web-0", ["sh", "-c", "echo 0 >/proc/sys/kernel/panic"]).returncode
    assert "" == run_in(places, "guests-web-0", ["ls", "-A", str(places.layout.home)]).stdout


def test_a_guest_follows_its_server(places: Places, story: Story, cloud: Any) -> None:
    """Stopped: unplugged, its disk stays. Rebuilt: another disk, another host key. Renamed: so is the machine."""
    folder = folder_of(places, "guests-db-0")
    server = cloud.compute.get_server(folder.server)
    run_in(places, "guests-db-0", ["touch", "/etc/kept"])
    key = folder.host_key_pub.read_text()

    cloud.compute.stop_server(server)
    assert eventually(lambda: places.guest_namespace(folder.server) not in places.namespaces(), PLUGGED_SECONDS)
    assert "guests-db-0" not in named(places)
    cloud.compute.start_server(server)
    assert eventually(lambda: "guests-db-0" in named(places), PLUGGED_SECONDS)
    assert 0 == run_in(places, "guests-db-0", ["ls", "/etc/kept"]).returncode
    assert key == folder.host_key_pub.read_text()

    cloud.compute.rebuild_server(server, image=server.image.id)
    assert eventually(lambda: key != host_key(folder) and folder.record.exists(), PLUGGED_SECONDS)
    assert 0 != run_in(places, "guests-db-0", ["ls", "/etc/kept"]).returncode

    cloud.compute.update_server(server, name="renamed")
    assert eventually(lambda: "renamed" in named(places), PLUGGED_SECONDS)
    assert "renamed\n" == run_in(places, "renamed", ["hostname"]).stdout
    cloud.compute.update_server(server, name="guests-db-0")


def host_key(folder: GuestFolder) -> str:
    return folder.host_key_pub.read_text() if folder.host_key_pub.exists() else ""


def test_a_killed_keeper_is_replaced_and_repairs_what_broke(sandbox: Sandbox, places: Places, story: Story) -> None:
    """The guests live on without it; `up` starts another, which mends what was broken meanwhile."""
    web = folder_of(places, "guests-web-0")
    namespace = places.guest_namespace(web.server)
    sandbox.kill("guests")
    assert 0 == ssh(places, "guests-web-0", "true").returncode
    places.processes.end(web.server, grace_seconds=0)
    subprocess.run(["ip", "netns", "delete", namespace], check=True)
    assert 1 == sandbox.command("status", check=False).returncode

    sandbox.command("up")
    assert 0 == ssh(places, "guests-web-0", "true").returncode


def test_a_removed_server_leaves_nothing_of_its_guest(sandbox: Sandbox, places: Places, story: Story) -> None:
    """No namespace, no process, no disk; and `--off` takes the outside hosts too."""
    folders = [folder_of(places, name) for name in ("guests-web-0", "guests-db-0")]
    story.delete()

    assert eventually(lambda: not any(folder.path.exists() for folder in folders), PLUGGED_SECONDS)
    assert {f"outside-{zone}" for zone in ("extranet", "internet", "private")} == {host.name for host in hosts(places)}
    sandbox.command("guest", "--off")
    assert ([], []) == (places.namespaces(), processes_in(places.namespaces()))
    assert [] == places.processes.names()
