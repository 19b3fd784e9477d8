"""The crash comparison sees what it is for: routes of nobody, and lines of the record that lack or are double."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.plan import RequiredStage
from infra.provider.observe import ProjectListing
from infra.stackplan import Kind
from tests.crash.verdict import Verdict, record_verdict, verdict_on

ROUTE = {"destination": "10.10.1.4/32", "nexthop": "100.64.0.3"}


def a_line(outcome: str, stage: str | None = None) -> dict[str, Any]:
    return {"spec": {"outcome": outcome} | ({"stage": stage} if stage else {})}


def a_stage(signatures: int = 1) -> list[RequiredStage]:
    return [RequiredStage(stage="office", because="it is so", signatures=signatures)]


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param([("Approved", "office"), ("InForce", None)], Verdict(), id="one of each"),
        pytest.param([("InForce", None)], Verdict(lost=("record of p: Approved office x1",)), id="an approval lost"),
        pytest.param([("Approved", "office")], Verdict(lost=("record of p: InForce x1",)), id="in force unrecorded"),
        pytest.param(
            [("Approved", "office"), ("Approved", "office"), ("InForce", None)],
            Verdict(doubled=("record of p: Approved office x1",)),
            id="one twice",
        ),
    ],
)
def test_every_decision_is_in_the_record_once(lines: list[tuple[str, str | None]], verdict: Verdict) -> None:
    """What lacks is lost, what is there again is doubled."""
    assert verdict == record_verdict("p", a_stage(), [a_line(*line) for line in lines])


def test_two_signatures_of_one_stage_are_two_lines() -> None:
    """Neither is a double of the other."""
    lines = [a_line("Approved", "office"), a_line("Approved", "office"), a_line("InForce")]

    assert Verdict() == record_verdict("p", a_stage(signatures=2), lines)


def test_a_route_of_no_link_is_left_over() -> None:
    """Routes have no marker and no list of their own: they are looked for on every router."""
    listing = ProjectListing({Kind.ROUTER: [{"id": "r", "name": "default", "routes": [ROUTE]}]})

    assert Verdict(left_over=("route to 10.10.1.4/32 on default",)) == verdict_on(listing, ())
    assert Verdict() == verdict_on(listing, (), [("r", "10.10.1.4/32", "100.64.0.3")])
