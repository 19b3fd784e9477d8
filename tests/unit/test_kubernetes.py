"""infra/kubernetes and policies/admission: what can be said about the files without an API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from policies.stages import load_stages

ROOT = Path(__file__).parents[2]


def documents(folder: str) -> list[dict[str, Any]]:
    """All objects in the YAML files of a folder, kustomizations left out."""
    paths = sorted((ROOT / folder).glob("*.yaml"))
    found = [item for path in paths for item in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [item for item in found if item["kind"] != "Kustomization"]


def named(folder: str, kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in documents(folder) if item["kind"] == kind}


def test_every_policy_is_bound_and_denies() -> None:
    """A policy without a binding looks like a rule and is none."""
    bindings = named("policies/admission", "ValidatingAdmissionPolicyBinding")

    assert named("policies/admission", "ValidatingAdmissionPolicy").keys() == bindings.keys()
    assert {("Deny",)} == {tuple(item["spec"]["validationActions"]) for item in bindings.values()}
    assert (
        named("policies/admission", "MutatingAdmissionPolicy").keys()
        == named("policies/admission", "MutatingAdmissionPolicyBinding").keys()
    )


def test_no_policy_lets_through_what_it_cannot_judge() -> None:
    """An expression that fails refuses. One only tells early what the operator judges by the same data."""
    kinds = ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
    policies = [item for item in documents("policies/admission") if item["kind"] in kinds]
    lenient = {item["metadata"]["name"] for item in policies if item["spec"]["failurePolicy"] != "Fail"}

    assert {"environments.kunlun.cloud"} == lenient


def test_every_stage_has_its_role() -> None:
    """A stage that a plan may need can be given to somebody."""
    stages = yaml.safe_load((ROOT / "policies/stages.yaml").read_text(encoding="utf-8"))["stages"]
    wanted = {f"kunlun:stage-{stage['name']}" for stage in stages}

    assert wanted <= named("infra/kubernetes/roles", "ClusterRole").keys()


def test_every_party_has_its_role() -> None:
    """Whoever has to accept a report can be somebody."""
    wanted = {f"kunlun:party-{party.name}" for party in load_stages().cutovers.parties}

    assert wanted <= named("infra/kubernetes/roles", "ClusterRole").keys()


def test_the_operator_writes_no_spec_and_no_approval() -> None:
    """It observes, writes status, makes Plans and reports, adds to records; nothing else can it create or update."""
    rules = named("infra/kubernetes/operator", "ClusterRole")["kunlun:operator"]["rules"]
    ours = [rule for rule in rules if rule["apiGroups"] == ["kunlun.cloud"]]
    creatable = {resource for rule in ours if "create" in rule["verbs"] for resource in rule["resources"]}
    updatable = {resource for rule in ours if "update" in rule["verbs"] for resource in rule["resources"]}

    deletable = {resource for rule in ours if "delete" in rule["verbs"] for resource in rule["resources"]}

    assert {"plans", "decisions", "cutoversteps", "trialreports"} == creatable
    assert {"plans", "desktopsessions", "resourcerequests"} == deletable
    assert {"resourcerequests/finalizers"} == updatable


def test_every_file_is_reached_from_the_kustomization() -> None:
    """`kubectl apply -k infra/kubernetes` brings everything; no file lies beside it unused."""
    for folder in (
        "infra/kubernetes/crds",
        "infra/kubernetes/operator",
        "infra/kubernetes/roles",
        "policies/admission",
    ):
        listed = yaml.safe_load((ROOT / folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
        there = {path.name for path in (ROOT / folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert set(listed) == there, folder
