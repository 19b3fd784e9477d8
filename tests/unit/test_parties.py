"""Who has to accept the trial of a cutover, and how long it lasts: by the case, as the procedure says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from policies.parties import TWO_SIDES, CutoverCase, CutoverProcedure
from policies.stages import Stages, load_stages


def a_case(**fields: Any) -> CutoverCase:
    usual: dict[str, Any] = {"tenant": "civil-affairs", "protection_level": 2, "zone": "extranet"}
    return CutoverCase(**(usual | fields))


def a_party(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "title": {"en": name, "zh": name}, "because": name, **fields}


@pytest.mark.parametrize(
    ("level", "parties", "days"),
    [(2, ("department", "provider"), 1), (3, ("department", "provider", "resource-office"), 30)],
)
def test_the_shipped_procedure_asks_by_the_protection_level(level: int, parties: tuple[str, ...], days: int) -> None:
    """Both sides always; the resource office and thirty days for what is protected more."""
    procedure = load_stages().cutovers

    assert parties == procedure.required(a_case(protection_level=level))
    assert days == procedure.least_days(a_case(protection_level=level))


def test_a_procedure_that_says_nothing_of_cutovers_asks_both_sides() -> None:
    """A file of an earlier release stays valid, and no cutover goes unsigned by it."""
    stage = {"name": "a", "title": {"en": "a", "zh": "a"}, "needed": "Always", "because": "a"}

    assert TWO_SIDES == Stages.model_validate({"stages": [stage]}).cutovers


@pytest.mark.parametrize(
    ("needed", "applies"),
    [
        ({}, True),
        ({"tenants": ["civil-affairs"]}, True),
        ({"tenants": ["archive"]}, False),
        ({"zones": ["private"]}, False),
        ({"zones": ["extranet"], "protectionLevelFrom": 2}, True),
        ({"zones": ["extranet"], "protectionLevelFrom": 4}, False),
    ],
)
def test_a_party_is_needed_when_all_of_its_case_holds(needed: dict[str, Any], applies: bool) -> None:
    """Whatever is left out is not asked."""
    parties = [a_party("a"), a_party("b"), a_party("c", needed=needed)]
    procedure = CutoverProcedure.model_validate({"parties": parties})

    assert applies == ("c" in procedure.required(a_case()))


@pytest.mark.parametrize(
    ("parties", "words"),
    [
        pytest.param([a_party("a")], "parties", id="one alone"),
        pytest.param([a_party("a"), a_party("a")], "listed twice", id="one, twice"),
        pytest.param(
            [a_party("a"), a_party("b", needed={"zones": ["private"]})], "two parties at least", id="two, sometimes"
        ),
    ],
)
def test_no_procedure_lets_one_party_decide_alone(parties: list[Any], words: str) -> None:
    """Before the operator starts, not when a system is cut over."""
    with pytest.raises(ValidationError, match=words):
        CutoverProcedure.model_validate({"parties": parties})
