"""One run of every crash point. `make crash` runs five of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.crash.outcome import LANES, Lanes, Outcome
from tests.crash.points import POINTS

SEED = 1


@pytest.fixture(scope="module")
def asked(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Outcome]]]:
    """The selected points, under way side by side."""
    ours = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    names = [str(item.callspec.params["name"]) for item in ours]
    with Lanes(min(LANES, len(names))) as lanes:
        yield lanes.ask(names, SEED)


@pytest.mark.parametrize("name", POINTS)
def test_nothing_is_lost_nothing_is_doubled_and_nothing_is_left(
    name: str, asked: Mapping[str, Future[Outcome]]
) -> None:
    """Whatever happens at this point: afterwards there is exactly what was approved, and after deleting it nothing."""
    outcome = asked[name].result()

    assert outcome.verdict.is_exact, f"{POINTS[name].sentence} {outcome}"
