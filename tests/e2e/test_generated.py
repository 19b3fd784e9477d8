"""Requests that nobody wrote: each is refused with a reason or planned; nothing breaks, nothing hangs.

`KUNLUN_GENERATED` is how many (`make generated`: 10,000). The same ones every time; hypothesis shrinks what fails.
"""

from __future__ import annotations

import logging
import os
from collections import Counter as Tally
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given, settings

from tests.conftest import Sandbox
from tests.generated.documents import texts
from tests.generated.requests import document
from tests.generated.verdict import STANDING, Counter

COUNT = int(os.environ.get("KUNLUN_GENERATED", "1000"))
PLACES = {"planned", "policy", "form", "schema", "schema rules (CEL)", "decoding", "admission policy"}
generated = settings(
    max_examples=COUNT, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def counter(sandbox: Sandbox) -> Iterator[Counter]:
    """Open, with a request that stands there; the operator's own log is kept out of ten thousand passes."""
    opened = Counter(*(sandbox.kubeconfig(persona) for persona in ("clerk", "operator", "admin")))
    spec = {"system": "permit-portal", "zone": "extranet", "networks": [{"name": "app", "prefixLength": 29}]}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    opened.open(document(spec, name=STANDING))
    yield opened
    opened.close()
    structlog.reset_defaults()


def test_a_generated_request_is_refused_with_a_reason_or_planned(counter: Counter) -> None:
    """No exception, no hang, no words of a program, no plan that the API server would not take; and every place
    decides something: a generator that is always refused at the door tests nothing behind it.
    """
    places: Tally[str] = Tally()

    @generated
    @given(texts())
    def hand_in(text: str) -> None:
        places[counter.verdict(text).place] += 1

    hand_in()
    told = ", ".join(f"{count} {place}" for place, count in places.most_common())
    print(f"\n{places.total()} requests: {told}")
    assert set() == PLACES - set(places)
