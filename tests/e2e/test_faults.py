"""A cut of the fault table (`python -m tests.faults`): an operator behind proxies, before a real OpenStack."""

from __future__ import annotations

import pytest

from tests.faults.table.calls import TOKENS
from tests.faults.table.faults import FAULTS
from tests.faults.table.judging import Result
from tests.faults.table.lives import dealt
from tests.faults.table.rendering import table
from tests.faults.table.run import results_of

ROWS = [
    ("dropped after", ("network", "POST", "networks")),
    ("500", ("network", "POST", "subnets")),
    ("429 Retry-After", ("network", "POST", "ports")),
    ("dropped before", ("compute", "POST", "servers")),
    ("dropped after", ("compute", "DELETE", "servers")),
    ("409 conflict", ("network", "DELETE", "networks")),
    ("503", TOKENS),
    ("dropped after", ("network", "PUT", "routers/add_router_interface")),
    ("503", ("network", "PUT", "routers/remove_router_interface")),
    ("dropped after", ("network", "POST", "floatingips")),
    ("500", ("network", "DELETE", "floatingips")),
    ("409 OverQuota", ("network", "POST", "security-groups")),
    ("500", ("network", "POST", "security-group-rules")),
    ("list cut short", ("network", "GET", "ports")),
    ("list lacks items", ("compute", "GET", "servers/detail")),
]


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """All rows, on a sandbox of their own: its operator is the one behind the proxies."""
    lives = dealt([(FAULTS[fault], call) for fault, call in ROWS], "once")
    return results_of(lives, (), side_by_side=len(lives), home=None)


def test_no_fault_crashes_loops_ends_for_good_or_leaves_the_cloud_inexact(results: list[Result]) -> None:
    """Every row is met, healed by itself, and the cloud is as planned and then empty."""
    wrong = [(result.row.name, result.complaints()) for result in results if result.complaints()]

    assert (len(ROWS), []) == (len(results), wrong), f"\n{table(results)}"


def test_what_lasts_long_enough_to_be_seen_is_told_in_openstack_words(results: list[Result]) -> None:
    """The requester reads what was asked for and how it was refused."""
    told = {result.row.fault.name: result.row.told for result in results if result.row.told}

    assert ("QuotaExceeded", True) == (
        told["409 OverQuota"].words[0],
        "Quota exceeded for resources" in told["409 OverQuota"].words[1],
    )
