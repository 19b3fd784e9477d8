"""`kunlun orphans` and `kubectl kunlun abandon`: what they read, what they may delete, what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from controllers.cli.findings import age, as_document, chosen, confirmed, refuse_strangers
from controllers.cli.kubectl import ClusterError
from controllers.cli.register import Documents, register
from infra.orphans.findings import Claim, Direction, Finding, Register, Survey, TenancyKind
from infra.provider.observe import ProjectListing
from infra.stackplan import Kind
from tests.unit.cli_stage import UID, Stage, a_condition, a_content, a_plan, a_request, a_stage

STACK = a_content().stack
NAME = "civil-affairs/permit-portal"
PLAN = a_plan()["metadata"]["name"]
BUILT = {
    "plan": PLAN,
    "approvedPlan": PLAN,
    "buildingPlan": PLAN,
    "conditions": [a_condition("Provisioned", "True", "Provisioned")],
}
SERVER = {"kind": "Server", "name": "server-web-0", "id": "s-1"}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return a_stage(tmp_path, monkeypatch)


def an_owned_plan(owner: str = UID) -> dict[str, Any]:
    plan = a_plan()
    return plan | {"metadata": {**plan["metadata"], "ownerReferences": [{"uid": owner, "name": "permit-portal"}]}}


@pytest.mark.parametrize(
    ("status", "meta", "plans", "expected"),
    [
        (BUILT, {}, [an_owned_plan()], Claim(NAME, settled=True, plans=(STACK,))),
        ({}, {}, [an_owned_plan()], Claim(NAME, settled=True, plans=())),
        (BUILT | {"conditions": []}, {}, [an_owned_plan()], Claim(NAME, settled=False, plans=(STACK,))),
        (BUILT | {"buildingPlan": "other"}, {}, [an_owned_plan()], Claim(NAME, settled=False, plans=(STACK,))),
        (
            BUILT | {"progress": {"done": 1, "total": 2}},
            {},
            [an_owned_plan()],
            Claim(NAME, settled=False, plans=(STACK,)),
        ),
        ({"buildingPlan": PLAN}, {}, [an_owned_plan()], Claim(NAME, settled=False, plans=(STACK,))),
        (
            BUILT,
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            [an_owned_plan()],
            Claim(NAME, settled=False, plans=(STACK,)),
        ),
        (BUILT, {}, [an_owned_plan("another")], Claim(NAME, settled=False, plans=None)),
        (BUILT, {}, [an_owned_plan() | {"spec": {"later": 1}}], Claim(NAME, settled=False, plans=None)),
        ({"resources": "unreadable"}, {}, [], Claim(NAME, settled=False, plans=None)),
    ],
    ids=[
        "built",
        "nothing approved",
        "approved, not built",
        "another plan begun",
        "in progress",
        "begun, then lost its approval",
        "being deleted",
        "plan in force not there",
        "plan of a later release",
        "unreadable status",
    ],
)
def test_a_request_claims_what_it_may_have(
    status: dict[str, Any], meta: dict[str, Any], plans: list[Any], expected: Claim
) -> None:
    """Settled only when the plan in force is built and nobody is at work; unknown when something cannot be read."""
    read = register(Documents([a_request(status=status, **meta)], plans, []))

    assert {UID: expected} == read.claims


def test_a_tenant_holds_the_projects_it_has_and_those_it_wants() -> None:
    """A project is made before the status says so."""
    spec = {
        "displayName": "Civil Affairs",
        "namespace": "civil-affairs",
        "quotas": [{"zone": "extranet"}, {"zone": "private"}],
        "monthlyBudgetYuan": 1,
    }
    has = {"zone": "extranet", "id": "p1", "name": "civil-affairs-extranet"}
    tenant = {"metadata": {"name": "civil-affairs"}, "spec": spec, "status": {"projects": [has]}}

    expected = {"civil-affairs": frozenset({"p1", "civil-affairs-extranet", "civil-affairs-private"})}
    assert expected == register(Documents([], [], [tenant])).tenants


def test_a_tenant_that_cannot_be_read_is_alive() -> None:
    """A tenant of a later release: what it has is not known, and so is not nothing."""
    tenant = {"metadata": {"name": "civil-affairs"}, "spec": {"later": 1}}

    assert {"civil-affairs": None} == register(Documents([], [], [tenant])).tenants


def a_finding(identifier: str, direction: Direction = Direction.ORPHAN, **fields: Any) -> Finding:
    values: dict[str, Any] = {"kind": Kind.NETWORK, "name": "network-app", "project": "p1", "uid": UID}
    return Finding(direction=direction, id=identifier, **(values | fields))


FINDINGS = [
    a_finding("net"),
    a_finding("group", kind=Kind.SECURITY_GROUP),
    a_finding("group/rules", kind=Kind.SECURITY_GROUP_RULES),
    a_finding("data", Direction.KEPT, kind=Kind.VOLUME, name="volume-web-0.records"),
    a_finding("twin", Direction.SURPLUS),
    a_finding("busy", Direction.SURPLUS, busy=True, holder=NAME),
    a_finding("copy", Direction.ELSEWHERE),
    a_finding("", Direction.MISSING),
    a_finding("project", kind=TenancyKind.PROJECT),
]


@pytest.mark.parametrize(
    ("named", "delete_all", "expected"),
    [
        ((), True, ["net", "group", "group/rules", "project"]),
        (("data",), False, ["data"]),
        (("group",), False, ["group", "group/rules"]),
        (("twin", "copy"), False, ["twin", "copy"]),
        (("data",), True, ["net", "group", "group/rules", "data", "project"]),
    ],
)
def test_all_means_orphans_and_everything_else_goes_by_name(
    named: tuple[str, ...], delete_all: bool, expected: list[str]
) -> None:
    """Data, and what a living request has too much of, is never meant by "all"."""
    assert expected == [one.id for one in chosen(FINDINGS, named, delete_all=delete_all)]


@pytest.mark.parametrize(
    ("named", "refusal"),
    [
        ("gone", "not among the findings: gone"),
        ("group/rules", "rules go with their group"),
        ("busy", "may be at work on civil-affairs/permit-portal"),
        ("", "not among the findings"),
    ],
)
def test_what_may_not_be_deleted_is_refused(named: str, refusal: str) -> None:
    """In words that say why, before anything is deleted."""
    with pytest.raises(click.ClickException) as refused:
        chosen(FINDINGS, [named], delete_all=False)

    assert refusal in refused.value.message


def test_what_changed_since_it_was_shown_is_left_alone() -> None:
    """Gone, or the operator is at work by now: the answer to the question took a while."""
    shown = [a_finding(name, Direction.SURPLUS, holder=NAME) for name in ("twin", "gone", "begun")]
    again = [a_finding("twin", Direction.SURPLUS, holder=NAME), replace(shown[2], busy=True), a_finding("new")]
    goes, left = confirmed(shown, again)

    assert ["twin"] == [one.id for one in goes]
    assert [
        ("gone", "it is not what it was when it was shown"),
        ("begun", "the operator may be at work on civil-affairs/permit-portal; try again later"),
    ] == [(one.id, why) for one, why in left]


@pytest.mark.parametrize(
    ("tenants", "words"),
    [
        ({}, "this cluster has no Tenant"),
        ({"water": frozenset({"p9"})}, "none of the tenants of this cluster has a project in this cloud"),
    ],
)
def test_the_wrong_cluster_or_cloud_is_noticed(tenants: dict[str, frozenset[str]], words: str) -> None:
    """Beside a cluster that knows nothing of it, a whole cloud would be orphans."""
    survey = Survey(ProjectListing({}), ({"id": "p1", "name": "civil-affairs-extranet"},))
    with pytest.raises(ClusterError) as refused:
        refuse_strangers(Register({}, tenants), survey)

    assert words in refused.value.message
    refuse_strangers(Register({}, {"civil-affairs": frozenset({"p1"})}), survey)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2026-01-02T00:00:00Z", "0s"),
        ("2026-01-01T23:58:30Z", "90s"),
        ("2026-01-01T22:30:00", "90m"),
        ("2026-01-01T01:00:00.000000", "23h"),
        ("2025-12-25T00:00:00Z", "8d"),
        ("2026-01-03T00:00:00Z", "0s"),
        ("", ""),
    ],
)
def test_an_age_is_written_as_kubectl_does(created_at: str, expected: str) -> None:
    """With or without a zone, whatever service says it."""
    now = datetime(2026, 1, 2, tzinfo=UTC)

    assert expected == age(a_finding("x", created_at=created_at), now)


def test_a_program_reads_what_is_known() -> None:
    """The words of the table, without empty fields."""
    expected = {
        "found": "Orphan",
        "kind": "Network",
        "name": "network-app",
        "id": "net",
        "project": {"id": "p1", "name": ""},
        "uid": UID,
    }
    assert expected == as_document(FINDINGS[0])


def test_giving_up_shows_what_stays_marks_and_deletes(stage: Stage) -> None:
    """This very request, by its uid; the name under it is left to the API server."""
    stage.has("resourcerequests-permit-portal", a_request(status={"resources": [SERVER]}))
    stage.has("answer", {"metadata": {"annotations": {"kunlun.cloud/abandoned-by": "ops.wang"}}})
    result = stage.run("abandon", "permit-portal", "--reason", " cloud lost ", "--yes")

    assert 0 == result.exit_code, result.output
    assert "server-web-0" in result.output
    assert "given up by ops.wang; what stays in OpenStack (1 object)" in result.output
    patch, delete = stage.calls[-2:]
    assert f'"uid": "{UID}", "annotations": {{"kunlun.cloud/abandon": "cloud lost"' in patch
    assert '"kunlun.cloud/abandoned-by": null' in patch
    assert "delete resourcerequests.kunlun.cloud --wait=false -- permit-portal" == delete


@pytest.mark.parametrize(
    ("arguments", "answer", "words"),
    [
        (("--reason", " ", "--yes"), None, "must say why"),
        (("--yes",), None, "--reason"),
        (("--reason", "lost"), "n\n", "Give up request permit-portal and leave 1 object in OpenStack?"),
    ],
    ids=["empty reason", "no reason", "not confirmed"],
)
def test_nothing_is_given_up_by_accident(
    stage: Stage, arguments: tuple[str, ...], answer: str | None, words: str
) -> None:
    """Without a reason or a yes the cluster is asked to change nothing."""
    stage.has("resourcerequests-permit-portal", a_request(status={"resources": [SERVER]}))
    result = stage.run("abandon", "permit-portal", *arguments, stdin=answer)

    assert 0 != result.exit_code
    assert words in result.output
    assert not (stage.folder / "calls").exists() or not any("patch" in call for call in stage.calls)


def test_without_the_stamp_nothing_is_deleted(stage: Stage) -> None:
    """Where no policy writes the name, the operator would remove what was to stay."""
    stage.has("resourcerequests-permit-portal", a_request())
    stage.has("answer", {"metadata": {}})
    result = stage.run("abandon", "permit-portal", "--reason", "lost", "--yes")

    assert 1 == result.exit_code
    assert "are Kunlun's admission policies installed?" in result.output
    assert [] == [call for call in stage.calls if call.startswith("delete")]


def test_a_mark_that_stays_behind_is_told(stage: Stage) -> None:
    """The deletion failed: the next one, whoever's, would leave everything in the cloud."""
    stage.has("resourcerequests-permit-portal", a_request())
    stage.has("answer", {"metadata": {"annotations": {"kunlun.cloud/abandoned-by": "ops.wang"}}})
    stage.keeps("Error from server: etcdserver: request timed out")
    result = stage.run("abandon", "permit-portal", "-n", "civil-affairs", "--reason", "lost", "--yes")

    assert 1 == result.exit_code
    assert "permit-portal is marked as given up, but was not deleted: etcdserver: request timed out" in result.output
    assert (
        "kubectl annotate resourcerequests.kunlun.cloud permit-portal -n civil-affairs "
        "kunlun.cloud/abandon- kunlun.cloud/abandoned-by-"
    ) in result.output


def test_a_request_on_its_way_out_is_only_marked(stage: Stage) -> None:
    """It is being deleted already."""
    leaving = a_request(deletionTimestamp="2026-01-01T00:00:00Z")
    stage.has("resourcerequests-permit-portal", leaving)
    stage.has("answer", {"metadata": {"annotations": {"kunlun.cloud/abandoned-by": "ops.wang"}}})
    result = stage.run("abandon", "permit-portal", "--reason", "lost", "--yes")

    assert 0 == result.exit_code, result.output
    assert [] == [call for call in stage.calls if call.startswith("delete")]
