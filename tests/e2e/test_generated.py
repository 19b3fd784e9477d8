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

COUNT = int(os.environ.get("KUNLUN_GENERATED", "2000"))
places: Tally[str] = Tally()


@pytest.fixture(scope="module")
def counter(sandbox: Sandbox) -> Iterator[Counter]:
    """Open as long as this module runs; at the end it says how many were decided where."""
    files = [sandbox.kubeconfig(persona) for persona in ("clerk", "operator", "admin")]
    opened = Counter(*files)
    asked = document({"system": "permit-portal", "zone": "extranet", "networks": [{"name": "app", "prefixLength": 29}]})
    asked["metadata"]["name"] = STANDING
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    opened.open(asked)
    yield opened
    opened.close()
    structlog.reset_defaults()
    print(f"\n{places.total()} requests:", ", ".join(f"{count} {place}" for place, count in places.most_common()))


@settings(max_examples=COUNT, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(texts())
def test_a_generated_request_is_refused_with_a_reason_or_planned(counter: Counter, text: str) -> None:
    """No exception, no hang, no words of a program, and no plan that the API server would not take."""
    places[counter.verdict(text).place] += 1


def test_every_place_has_decided_something() -> None:
    """A generator that is always refused at the door tests nothing behind it."""
    assert {"planned", "policy", "form", "schema", "schema rules (CEL)", "decoding", "admission policy"} <= set(places)
