"""Which stages a plan needs: by its facts, with the fact as the reason; and when policy approves by itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from controllers.api.environment import Environment
from controllers.api.plan import RequiredStage
from policies.facts import facts_of
from policies.flows import NamedStage
from policies.stages import Facts, Stages, load_stages, policy_approval, required_stages
from tests.build import a_case, a_content, a_flow, a_plan, a_server, a_spec, a_tenant


def facts(**fields: Any) -> Facts:
    usual: dict[str, Any] = {"monthly_yuan": 180, "environment": Environment.PRODUCTION, "tenant": "civil-affairs"}
    return Facts(**(usual | fields))


def names(**fields: Any) -> list[str]:
    return [needed.stage for needed in required_stages(load_stages(), facts(**fields))]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, ["resource-office"], id="the resource office always"),
        pytest.param({"crossings": ("private → extranet",)}, ["resource-office", "security"], id="crossing zones"),
        pytest.param({"public_addresses": ("web",)}, ["resource-office", "security"], id="a public address"),
        pytest.param({"monthly_yuan": 10000}, ["resource-office"], id="up to the amount"),
        pytest.param({"monthly_yuan": 10001}, ["resource-office", "finance"], id="above the amount"),
        pytest.param(
            {"monthly_yuan": 10001, "public_addresses": ("web",)},
            ["resource-office", "security", "finance"],
            id="everything at once, in the order of the procedure",
        ),
        pytest.param({"environment": Environment.TEST}, ["resource-office"], id="a test without a test budget"),
        pytest.param(
            {"environment": Environment.TEST, "test_budget_left_yuan": 179}, ["resource-office"], id="over that budget"
        ),
        pytest.param({"environment": Environment.TEST, "test_budget_left_yuan": 180}, [], id="within that budget"),
        pytest.param({"test_budget_left_yuan": 180}, ["resource-office"], id="production on the test budget"),
        pytest.param(
            {"environment": Environment.TEST, "monthly_yuan": 1001, "test_budget_left_yuan": 5000},
            ["resource-office"],
            id="a test that is not small",
        ),
        pytest.param(
            {"environment": Environment.TEST, "test_budget_left_yuan": 180, "public_addresses": ("web",)},
            ["resource-office", "security"],
            id="a test with a public address",
        ),
        pytest.param(
            {"environment": Environment.TEST, "test_budget_left_yuan": 180, "crossings": ("private",)},
            ["resource-office", "security"],
            id="a test across zones",
        ),
        pytest.param(
            {"environment": Environment.TEST, "test_budget_left_yuan": 180, "reserved_for_people": "it repairs"},
            ["resource-office"],
            id="what only people may approve",
        ),
        pytest.param(
            {"named": (NamedStage("security", "internet to web"),)},
            ["resource-office", "security"],
            id="named by a flow of the catalogue",
        ),
        pytest.param(
            {"named": (NamedStage("data-office", "internet to web"),)},
            ["resource-office", "data-office"],
            id="named by the catalogue, unknown to the procedure: it is not dropped",
        ),
    ],
)
def test_the_shipped_procedure_asks_by_the_facts(fields: dict[str, Any], expected: list[str]) -> None:
    """Each stage by its own cases; none only where policy approves."""
    assert expected == names(**fields)


def test_the_reason_names_the_fact() -> None:
    """An officer reads why this very plan is before them."""
    found = {
        needed.stage: needed.because
        for needed in required_stages(
            load_stages(),
            facts(monthly_yuan=12000, crossings=tuple("dcba"), public_addresses=("web",)),
        )
    }

    assert "Every allocation needs the resource office's opinion." == found["resource-office"]
    assert found["security"].startswith("Crosses zones (a, b, c and 1 more); public address of web. Boundaries")
    assert found["finance"].startswith("12000 yuan a month, more than 10000. ")


def test_signatures_order_and_expiry_are_signed_with_the_plan() -> None:
    """A later change of the procedure does not change what was asked for; the order is among stages that are needed."""
    procedure = a_procedure(
        a_stage("a", needed=[{"publicAddress": True}]),
        a_stage("b", signatures=2, after=["a", "c"], expires="36h"),
        a_stage("c"),
    )

    assert (
        RequiredStage(stage="b", because="b", signatures=2, after=("c",), expires="36h")
        == required_stages(procedure, facts())[0]
    )


@pytest.mark.parametrize(
    ("case", "fields", "expected"),
    [
        ({"environments": ["Test"]}, {"environment": Environment.TEST}, "Environment Test. a"),
        ({"environments": ["Test"]}, {}, None),
        ({"tenants": ["civil-affairs"]}, {}, "Department civil-affairs. a"),
        ({"tenants": ["archive"]}, {}, None),
        ({"withinTestBudget": False}, {}, "Not within the test budget. a"),
        ({"tenants": ["civil-affairs"], "monthlyYuanAbove": 200}, {}, None),
        ({"monthlyYuanUpTo": 180, "crossesZones": False, "publicAddress": False}, {}, "a"),
        ({"monthlyYuanUpTo": 179}, {}, None),
    ],
)
def test_a_case_applies_when_all_of_it_does(case: dict[str, Any], fields: dict[str, Any], expected: str | None) -> None:
    """And its reason is made of the facts it asked for."""
    found = required_stages(a_procedure(a_stage("a", needed=[case])), facts(**fields))

    assert ([] if expected is None else [expected]) == [needed.because for needed in found]


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        pytest.param([("a", {}), ("a", {})], "listed twice", id="twice"),
        pytest.param([("a", {"after": ["b"]})], "after stages that are not listed: b", id="after nobody"),
        pytest.param([("a", {"after": ["b"]}), ("b", {"after": ["a"]})], "wait for each other", id="in a circle"),
        pytest.param([("a", {"needed": [{}]})], "asks nothing", id="an empty case"),
        pytest.param([("a", {"expires": "2 weeks"})], "expires", id="an expiry in words"),
        pytest.param([("a", {"signatures": 0})], "signatures", id="no signature"),
    ],
)
def test_a_procedure_that_cannot_be_followed_is_refused(stages: list[tuple[str, Any]], words: str) -> None:
    """Before the operator starts, not when a plan waits for ever."""
    with pytest.raises(ValidationError, match=words):
        a_procedure(*(a_stage(name, **fields) for name, fields in stages))


def test_a_stage_that_is_only_named_waits_for_a_flow() -> None:
    """`WhenNamed` is for stages that live by the catalogue."""
    procedure = a_procedure(a_stage("exchange", needed="WhenNamed"))

    assert () == required_stages(procedure, facts())
    named = facts(named=(NamedStage("exchange", "flow internet to web"),))
    assert ["Flow internet to web. exchange"] == [n.because for n in required_stages(procedure, named)]


def test_policy_says_why_it_approves() -> None:
    """The words are signed with the plan."""
    small = facts(environment=Environment.TEST, test_budget_left_yuan=500)

    assert "test budget" in policy_approval(load_stages(), small)
    assert "" == policy_approval(load_stages(), facts())


def test_facts_are_read_from_the_request_and_its_circumstances() -> None:
    """Crossings and named stages are the catalogue's to tell; the test budget is what others leave of it."""
    spec = a_spec(
        environment="Test",
        servers=[a_server(publicAddress=True)],
        flows=[a_flow(), a_flow(**{"from": {"request": "permit-db", "servers": "db"}})],
    )
    neighbours, usual = {"permit-db": "private"}, {"tenant_name": "civil-affairs", "test_usage_yuan": 400}
    case = a_case(spec, neighbours=neighbours, tenant=a_tenant(monthlyTestBudgetYuan=500), **usual)

    assert Facts(
        monthly_yuan=180,
        environment=Environment.TEST,
        tenant="civil-affairs",
        crossings=("private → extranet",),
        public_addresses=("web",),
        test_budget_left_yuan=100,
    ) == facts_of(a_content(a_spec()), case, in_force=None)


def test_what_people_have_approved_only_people_change() -> None:
    """Calling a production system a test must not take it out of the officers' hands."""
    content = a_content()
    by_policy = a_plan(content.model_copy(update={"approved_by_policy": "small"})).spec

    assert "it changes what people have approved" == facts_of(content, a_case(), in_force=content).reserved_for_people
    assert "" == facts_of(content, a_case(), in_force=by_policy).reserved_for_people


def a_stage(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "title": {"en": name, "zh": name}, "needed": "Always", "because": name, **fields}


def a_procedure(*stages: dict[str, Any]) -> Stages:
    return Stages.model_validate({"stages": stages})
