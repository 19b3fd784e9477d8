"""The suite can see: with recovery taken out of the operator, its runs show what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.crash.__main__ import BLINDED
from tests.crash.outcome import Lanes, Outcome

SEED = 1
FAILING = {"post-unrecorded": "doubled", "two-operators": "doubled", "server-gone-ports-not": "left_over"}
PATIENCE_SECONDS = 90.0  # nothing gets better by waiting


@pytest.fixture(scope="module")
def blinded() -> Iterator[Mapping[str, Future[Outcome]]]:
    """All of them side by side: they mostly wait for what does not come."""
    with Lanes(len(FAILING), entry=BLINDED, patience_seconds=PATIENCE_SECONDS) as lanes:
        yield lanes.ask(FAILING, SEED)


@pytest.mark.parametrize(("point", "failing"), FAILING.items())
def test_an_operator_without_recovery_is_seen(point: str, failing: str, blinded: Mapping[str, Future[Outcome]]) -> None:
    """A suite that is green for an operator that forgets everything would prove nothing."""
    outcome = blinded[point].result()

    assert getattr(outcome.verdict, failing), f"the suite does not see that nothing is recovered: {outcome}"
