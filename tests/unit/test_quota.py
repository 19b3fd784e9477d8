"""The arithmetic of what is needed and what is left."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from infra.planned import planned_objects
from infra.quota import (
    CORES,
    DISK,
    MEMORY,
    SERVERS,
    Amounts,
    FlavorSize,
    Shortage,
    in_words,
    needed,
    room_needed,
    shortages,
    without_host,
)
from tests.component.plans import a_rich_plan

SMALL = FlavorSize(cores=2, memory_mib=2048, disk_gib=20)


def test_what_a_plan_needs_is_counted_in_the_clouds_items() -> None:
    """Objects, rules, gibibytes, and per server what its flavor takes."""
    expected = {
        "routers": 1,
        "networks": 1,
        "subnets": 1,
        "ports": 3,
        "public addresses": 1,
        "security groups": 2,
        "security group rules": 3,
        "volumes": 2,
        "GiB of volumes": 30,
        "servers": 2,
        "cores": 4,
        "MiB of memory": 4096,
    }
    assert expected == dict(needed(planned_objects(a_rich_plan()).values(), {"flavor-small": SMALL}))


def test_every_exhausted_item_is_said() -> None:
    """Not only the first; what is not limited is never lacking, and a lowered quota leaves nothing, not less."""
    found = shortages({CORES: 4, SERVERS: 3, MEMORY: 1, "ports": 9}, {CORES: 2, SERVERS: -1, MEMORY: 1})

    assert [Shortage(CORES, 4, 2), Shortage(SERVERS, 3, 0)] == found
    assert "needs 4 cores, 2 left; needs 3 servers, 0 left" == in_words(found)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([{CORES: 1, MEMORY: 9999, DISK: 99}, {CORES: 2, MEMORY: 2048, DISK: 20}], None),
        ([{CORES: 1, MEMORY: 9999, DISK: 99}, {CORES: 0, MEMORY: 0, DISK: 0}], [Shortage(CORES, 2, 1)]),
        ([], [Shortage(CORES, 2, 0), Shortage(MEMORY, 2048, 0), Shortage(DISK, 20, 0)]),
    ],
    ids=["one host has it all", "the best lacks a core", "no host"],
)
def test_a_server_needs_all_its_room_on_one_host(hosts: Sequence[Amounts], expected: list[Shortage] | None) -> None:
    """Room scattered over hosts is none; told is the host that lacks the least."""
    plain = planned_objects(a_rich_plan())["server-web-1"]
    assert expected == without_host(room_needed(plain, SMALL), hosts)


def test_a_boot_volume_takes_no_disk_of_the_host() -> None:
    """It is in block storage."""
    booted = planned_objects(a_rich_plan())["server-web-0"]
    assert {CORES: 2, MEMORY: 2048} == room_needed(booted, SMALL)
