"""The proof by packets: it agrees with what is declared, and sees what somebody opened by hand. About a minute."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openstack
import pytest

from infra.sandbox.guests.inside import hosts
from infra.sandbox.guests.places import Places, places_of
from tests.conftest import Sandbox, finished
from tests.e2e.story import Story, a_server, a_story, eventually

PLUGGED_SECONDS, PATIENCE_SECONDS = 60.0, 300.0
ROWS = {"from": {"servers": "web"}, "to": "db", "ports": ["tcp/5432", "udp/5000-5010"], "purpose": "rows"}
COUNTER = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/443"], "purpose": "counters"}


@pytest.fixture(scope="module")
def places(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and without them again afterwards."""
    sandbox.command("guest")
    yield places_of(sandbox.layout)
    sandbox.command("guest", "--off")


@pytest.fixture(scope="module")
def story(sandbox: Sandbox, places: Places) -> Iterator[Story]:
    """`proven`, two web servers that may call a database, beside another request of the department."""
    with a_story(sandbox, "proven") as story, a_story(sandbox, "beside") as beside:
        story.apply(servers=[a_server(count=2), a_server(name="db")], flows=[ROWS, COUNTER])
        beside.apply(flows=[COUNTER])
        for each in (story, beside):
            each.approve()
        for each in (story, beside):
            each.ready(PATIENCE_SECONDS)
        expected = {"proven-web-0", "proven-web-1", "proven-db-0", "beside-web-0"}
        assert eventually(lambda: expected <= {host.name for host in hosts(places)}, PLUGGED_SECONDS)
        yield story


@pytest.fixture
def cloud(sandbox: Sandbox) -> Any:
    """OpenStack as its administrator."""
    config = openstack.config.OpenStackConfig(config_files=[str(sandbox.clouds)], load_envvars=False)
    return openstack.connection.Connection(config=config.get_one("admin"))


def probed(sandbox: Sandbox) -> tuple[int, dict[str, Any]]:
    """Run `kunlun probe` as the clerk would; its exit code and what it found."""
    argv = [sys.executable, "-m", "controllers", "probe", "proven", "--dir", str(sandbox.home), "-o", "json"]
    identity = ["--namespace", "civil-affairs", "--kubeconfig", str(sandbox.kubeconfig("clerk"))]
    done = finished([*argv, *identity], check=False, seconds=300)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_is_declared_is_what_the_wire_does(sandbox: Sandbox, story: Story) -> None:
    """Every declared pair is open, everything else closed, and nothing that no honest guest does arrives anywhere."""
    code, found = probed(sandbox)
    opened = {(each["from"], each["to"], each["service"]) for each in found["rows"] if each["measured"] == "open"}

    assert (0, []) == (code, found["mismatches"])
    assert ("proven/web-1", "proven/db-0", "udp/5010") in opened
    assert ("outside-extranet 10.10.200.1", "proven/web-0", "tcp/443") in opened
    assert found["summary"]["undeclared"] > 200
    assert {"proven/web-0", "proven/web-1", "proven/db-0"} == set(found["addressed"])
    assert found["summary"]["attacks"] >= 15


def test_a_rule_opened_by_hand_is_a_mismatch(sandbox: Sandbox, story: Story, cloud: Any) -> None:
    """Whoever opens a port past the plan is found by the packets that then pass."""
    group = next(each for each in cloud.network.security_groups() if each.name == "proven-web")
    rule = cloud.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", ethertype="IPv4", protocol="tcp",
        port_range_min=22, port_range_max=22,
    )  # fmt: skip
    try:
        code, found = probed(sandbox)
    finally:
        cloud.network.delete_security_group_rule(rule)

    assert 1 == code
    assert any(
        "outside-extranet 10.10.201.1 -> proven/web-0 tcp/22: open on the wire, but not declared" == words
        for words in found["mismatches"]
    )
    assert all("tcp/22" in words for words in found["mismatches"]), found["mismatches"]


@contextmanager
def unguarded(cloud: Any, name: str) -> Iterator[None]:
    """A port without port security, as somebody with too many rights might leave it."""
    port = next(each for each in cloud.network.ports() if each.name == name)
    groups = port.security_group_ids
    cloud.network.update_port(port, security_groups=[], port_security_enabled=False)
    try:
        yield
    finally:
        cloud.network.update_port(port.id, port_security_enabled=True, security_groups=groups)


def test_attacks_arrive_where_nobody_guards_the_port(sandbox: Sandbox, story: Story, cloud: Any) -> None:
    """The control: the same frames do arrive when port security is off, so that their absence means something.

    Not those that borrow the server's own permissions: without groups it has none.
    """
    with unguarded(cloud, "proven-web-0"):
        code, found = probed(sandbox)
    arrived = {each["what"] for each in found["attacks"] if each["by"] == "proven/web-0" and each["arrivedAt"]}

    assert 1 == code
    assert {"false ARP as", "IPv6 datagram to"} <= {" ".join(words.split()[:3]) for words in arrived}, arrived
    assert any(words.startswith("another's address") for words in arrived), arrived
