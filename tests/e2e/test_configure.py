"""Guests with roles, on the real cloud: configured over the management network, and by hand with the same pins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.planned import MANAGEMENT_PORT
from infra.sandbox.guests.inside import run_in
from infra.sandbox.guests.places import Places, places_of, proxy_of
from tests.conftest import REPOSITORY, Sandbox, operator_of
from tests.e2e.story import Story, a_server, a_story, eventually, leftovers, project_of

ALLOWED, REFUSED = "10.10.200.9", "10.10.201.9"
CONFIGURED_SECONDS = 600.0
MID_PLAYBOOK = 8  # of some forty tasks
PLAYBOOKS = REPOSITORY / "playbooks"


@pytest.fixture(scope="module")
def places(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and without them again afterwards."""
    sandbox.command("guest")
    yield places_of(sandbox.layout)
    sandbox.command("guest", "--off")


@pytest.fixture(scope="module")
def story(sandbox: Sandbox, places: Places) -> Iterator[Story]:
    """Two web servers, configured; the extranet's counters may call them.

    The operator is killed in the middle of the playbook, as by a power cut: whatever is tested then, is tested on
    guests that the next one has gone on with.
    """
    operator = operator_of(sandbox)
    with a_story(sandbox, "roles") as story:
        flow = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/8080"], "purpose": "counters"}
        story.apply(servers=[a_server(count=2, roles=["web"])], flows=[flow])
        story.approve()
        assert eventually(lambda: task_under_way(story) >= MID_PLAYBOOK, CONFIGURED_SECONDS), story.read()
        operator.kill()
        operator.start()
        story.ready(CONFIGURED_SECONDS)
        yield story


def task_under_way(story: Story) -> int:
    """The number of the playbook's task, as the requester is told it; 0 when none runs."""
    running = story.condition("Configured")[1] == "Configuring"
    return int(story.read()["status"].get("progress", {}).get("done", 0)) if running else 0


def page(places: Places, story: Story, caller: str) -> str:
    """What a host beyond the uplink gets of the first server; empty when nobody answers."""
    found = story.read()["status"]["resources"]
    address = next(item["address"] for item in found if item["name"] == "server-web-0")
    argv = ["curl", "--silent", "--max-time", "5", "--interface", caller, f"http://{address}:8080/"]
    return run_in(places, "outside-extranet", argv, address=caller).stdout


def by_hand(sandbox: Sandbox, places: Places, *words: str) -> subprocess.CompletedProcess[str]:
    """Ansible as a person of the provider runs it."""
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
        "KUBECONFIG": str(sandbox.kubeconfig("provider")),
        "KUNLUN_SSH_KEY": str(places.ssh_key),
        "KUNLUN_HOST_KEYS": str(places.folder),
        "KUNLUN_SSH_PROXY": proxy_of(places),
    }
    argv = [*words, "-i", str(PLAYBOOKS / "inventory"), "--limit", "request_civil_affairs_roles"]
    return subprocess.run(argv, check=False, text=True, capture_output=True, env=environ, timeout=CONFIGURED_SECONDS)


def test_a_configured_web_server_answers_over_its_flow_and_to_nobody_else(places: Places, story: Story) -> None:
    """The plan is real, the role was applied, and the security groups are between."""
    assert [] == story.unplanned()
    assert ("True", "Configured", "web on 2 guests") == story.condition("Configured")
    assert eventually(lambda: "<h1>roles-web-0</h1>" in page(places, story, ALLOWED))
    assert "" == page(places, story, REFUSED)


def test_a_person_runs_the_same_playbook_by_hand_and_it_changes_nothing(
    sandbox: Sandbox, places: Places, story: Story
) -> None:
    """From the cluster's own words, over the same way and with the same pins."""
    done = by_hand(sandbox, places, "ansible-playbook", str(PLAYBOOKS / "site.yml"))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["roles-web-0", "roles-web-1"] == re.findall(r"^(roles-web-\d) +: ok=\d+ +changed=0 ", done.stdout, re.M)


def test_the_end_of_a_request_takes_its_way_in_away(sandbox: Sandbox, places: Places, story: Story) -> None:
    """Nothing of it is left in the management network, and nothing runs."""
    held = [item["name"] for item in story.read()["status"]["resources"]]
    story.delete()

    assert MANAGEMENT_PORT in held
    assert not [name for name in leftovers(sandbox, project_of(sandbox)).get("Port", []) if "roles" in name]
