"""The suite can see: with recovery taken out of the operator, its runs show what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.__main__ import BLINDED
from tests.crash.outcome import Lanes
from tests.crash.points import POINTS

SEED = 1
PATIENCE_SECONDS = 90.0  # nothing gets better by waiting


@pytest.fixture(scope="module")
def blinded() -> Iterator[Lanes]:
    with Lanes(1, entry=BLINDED, patience_seconds=PATIENCE_SECONDS) as lanes:
        yield lanes


@pytest.mark.parametrize(
    ("point", "failing"),
    [("post-unrecorded", "doubled"), ("two-operators", "doubled"), ("server-gone-ports-not", "left_over")],
)
def test_an_operator_without_recovery_is_seen(point: str, failing: str, blinded: Lanes) -> None:
    """A suite that is green for an operator that forgets everything would prove nothing."""
    outcome = blinded.ask(POINTS[point], SEED).result()

    assert getattr(outcome.verdict, failing), f"the suite does not see that nothing is recovered: {outcome}"
