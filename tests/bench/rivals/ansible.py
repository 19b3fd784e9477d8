"""Ansible with the collection openstack.cloud: one play that builds, one that removes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.rivals.order import HERE, Order, Tool
from tests.bench.rivals.tools import program, sdk_agent
from tests.bench.stage import Stage


def ansible_tool(stage: Stage) -> Tool:
    """Its modules run by the same Python that it runs by itself: the collection needs the SDK there."""
    found = program("ansible", "ansible-playbook")
    place = found.resolve().parents[1] if found else Path()
    collection = list(place.glob("lib/python*/site-packages/ansible_collections/openstack"))
    absent = "" if found else "ansible-playbook is neither in the cache nor on PATH"
    if found and not collection:
        absent = "ansible-playbook is there, its collection openstack.cloud is not"

    def commands(folder: Path, order: Order) -> tuple[Sequence[object], Sequence[object]]:
        interpreter = f"ansible_python_interpreter={found.parent / 'python'}" if found else ""
        given = ("-i", "localhost,", "-e", interpreter, "-e", f"@{folder / 'order.json'}")
        return (found, *given, HERE / "build.yml"), (found, *given, HERE / "remove.yml")

    environment = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
    return Tool("ansible", sdk_agent(found), absent, stage, commands, environment)
