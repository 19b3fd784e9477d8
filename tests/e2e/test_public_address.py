"""Public addresses on real parts: in the Internet zone only, with security's word, and shown once they are known."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from infra.stackplan import Kind
from tests.e2e.story import NAMESPACE, Sandbox, a_server, a_story, leftovers, objects, project_of

UPLINK = IPv4Network("198.51.100.0/24")
PUBLIC: dict[str, Any] = {
    "zone": "internet",
    "servers": [a_server(publicAddress=True)],
    "flows": [{"from": {"cidr": "0.0.0.0/0"}, "to": "web", "ports": ["tcp/443"], "purpose": "the public"}],
}


def test_a_public_address_needs_security_and_is_shown(sandbox: Sandbox) -> None:
    """The resource office alone opens nothing; the address is in the status, on the planned port, and goes with it."""
    project = project_of(sandbox, "internet")
    before = leftovers(sandbox, project)
    with a_story(sandbox, "public") as story:
        story.apply(**PUBLIC)
        plan = story.planned()
        assert 0 == story.decide(plan).returncode
        assert "security" in story.reaches("Approved", "AwaitingApproval")
        assert () == objects(sandbox, project, story.uid()).objects
        assert 0 == story.decide(plan, "security", stage="security").returncode
        story.ready()
        found = {item.name: item for item in objects(sandbox, project, story.uid()).objects}
        shown = {item["name"]: item for item in story.read()["status"]["resources"]}

        assert [] == story.unplanned()
        assert Kind.FLOATING_IP is found["public-web-0"].kind
        assert found["public-web-0"].raw["floating_ip_address"] == shown["public-web-0"]["address"]
        assert IPv4Address(shown["public-web-0"]["address"]) in UPLINK
        assert found["port-web-0"].id == found["public-web-0"].raw["port_id"]
        assert f"public address of web-0: {shown['public-web-0']['address']}" in watched(sandbox, story.name)
    assert before == leftovers(sandbox, project)


def watched(sandbox: Sandbox, name: str) -> str:
    """What `kubectl kunlun watch` tells the clerk."""
    clerk = f"--kubeconfig={sandbox.home / 'users' / 'clerk.kubeconfig'}"
    words = [sys.executable, "-m", "controllers", "watch", name, "-n", NAMESPACE, "--timeout=1m", clerk]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=90).stdout


def test_no_other_zone_has_public_addresses(sandbox: Sandbox) -> None:
    """Refused before anything is planned, with the zone to ask in."""
    with a_story(sandbox, "public-inside") as story:
        story.apply(servers=[a_server(publicAddress=True)])

        assert (
            "spec.servers[0].publicAddress: zone 'extranet' has no public addresses; ask in one of class Internet"
            in (story.reaches("Ready", "PolicyViolated"))
        )
        assert "plan" not in story.read()["status"]
