"""The sandbox itself: it does nothing twice, heals what was killed, leaves nothing, and does not mind a second one."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import openstack
import psutil
import pytest

from infra.kernel import kernel_line
from tests.conftest import REPOSITORY, Sandbox

LOOPBACK = ("127.0.0.1", "::1")


@pytest.fixture
def second() -> Iterator[Sandbox]:
    """Another sandbox beside the run's own; it is ended and forgotten whatever happens."""
    home = Path(tempfile.mkdtemp(prefix="kunlun-second-"))
    found = Sandbox(home)
    try:
        yield found
    finally:
        found.command("down", "--wipe", check=False)
        shutil.rmtree(home, ignore_errors=True)


def pids(sandbox: Sandbox) -> dict[str, int | None]:
    """The pid of every recorded program."""
    return {name: sandbox.processes.alive(name) for name in sandbox.processes.names()}


def ports(sandbox: Sandbox) -> set[int]:
    return set(json.loads(sandbox.layout.record.read_text())["ports"].values())


def listening() -> set[int]:
    """Every TCP port of the machine that somebody listens on."""
    found = psutil.net_connections("tcp")
    return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN and each.laddr}


def namespaces() -> list[str]:
    return subprocess.run(["ip", "netns", "list"], check=True, text=True, capture_output=True).stdout.split()


def test_a_second_up_starts_nothing(sandbox: Sandbox) -> None:
    """Whoever runs `up` on a running sandbox gets the same processes back."""
    before = pids(sandbox)
    sandbox.command("up")

    assert before == pids(sandbox)
    assert sandbox.command("status").returncode == 0


def test_everything_listens_on_loopback_only(sandbox: Sandbox) -> None:
    """Nobody else on the network can reach the sandbox."""
    members = {line.pid for name in sandbox.processes.names() for line in sandbox.processes.members(name)}
    outside = [
        each.laddr
        for each in psutil.net_connections("inet")
        if each.pid in members and each.laddr and each.status == psutil.CONN_LISTEN and each.laddr.ip not in LOOPBACK
    ]

    assert [] == outside


def test_the_provider_has_set_up_what_the_zones_name(sandbox: Sandbox) -> None:
    """The operator's own cloud user sees uplinks, pools, images and flavors; a new security group is empty."""
    config = openstack.config.OpenStackConfig(config_files=[str(sandbox.clouds)], load_envvars=False)
    cloud = openstack.connection.Connection(config=config.get_one("kunlun"))
    externals = {network.name for network in cloud.network.networks(is_router_external=True)}
    group = cloud.network.create_security_group(name="sandbox-test")
    cloud.network.delete_security_group(group)

    assert {"uplink-extranet", "uplink-private", "uplink-internet"} <= externals
    assert {"zone-extranet", "zone-private", "zone-internet"} <= {pool.name for pool in cloud.network.subnet_pools()}
    assert {"debian-12", "desktop-12"} <= {image.name for image in cloud.image.images()}
    assert {"c1.small", "d1.small"} <= {flavor.name for flavor in cloud.compute.flavors()}
    assert [] == group.security_group_rules


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_killed_runs_again_after_up(sandbox: Sandbox, seed: int) -> None:
    """Any programs may be killed at any time; `status` tells, `up` repairs, the others are left alone."""
    before = pids(sandbox)
    victims = random.Random(seed).sample(sorted(before), 4)
    for victim in victims:
        sandbox.kill(victim)

    assert 1 == sandbox.command("status", check=False).returncode
    sandbox.command("up")
    assert 0 == sandbox.command("status").returncode
    after = pids(sandbox)
    assert {name: pid for name, pid in before.items() if name not in victims} == {
        name: pid for name, pid in after.items() if name not in victims
    }
    assert "permit-portal" in sandbox.kubectl("clerk", "get", "informationsystems", "--output=name").stdout


def test_a_second_sandbox_shares_nothing_and_leaves_nothing(sandbox: Sandbox, second: Sandbox) -> None:
    """Two folders are two clouds: other ports, other processes; the end of one is no loss to the other."""
    first = pids(sandbox)
    interrupted = subprocess.Popen(
        [sys.executable, "-m", "controllers", "sandbox", "up", "--no-operator", "--dir", str(second.home)],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(3)  # in the middle of its first start
    interrupted.send_signal(signal.SIGKILL)
    interrupted.wait()
    second.command("up", "--no-operator", "--guests")

    own_namespaces = f"kunlun-{min(ports(second))}"
    assert 0 == second.command("status").returncode
    assert f"{own_namespaces}-outside-private" in namespaces()
    assert set() == ports(sandbox) & ports(second)
    started = [line.pid for name in second.processes.names() for line in second.processes.members(name)]
    second.command("down")
    assert [] == [pid for pid in started if (line := kernel_line(pid)) and line.alive]
    assert set() == ports(second) & listening()
    assert [] == [name for name in namespaces() if name.startswith(own_namespaces)]
    assert first == pids(sandbox)
    assert 0 == sandbox.command("status").returncode
