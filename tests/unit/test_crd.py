"""The CustomResourceDefinitions: current, bounded, documented, and of one mind with the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from click.testing import CliRunner
from pydantic import Field

from controllers.api import crd
from controllers.api.conditions import ConditionType
from controllers.api.customresource import CustomResource
from controllers.api.stored import KINDS, REQUESTS, UNWATCHED
from controllers.cli import manifests, root
from infra.wire import WireModel

ROOT = Path(__file__).parents[2]
FIXED_LENGTH = re.compile(r"^\^\[[^]]+\]\{\d+\}\$$")
SIGNED_BY_CONTRACT = "spec.stack."  # infra/stackplan.py: described class by class, not field by field

Node = dict[str, Any]


def nodes(schema: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every field below a schema with its path; entries of lists as `path[]`."""
    for name, node in schema.get("properties", {}).items():
        yield from _node(f"{path}.{name}".lstrip("."), node)


def _node(path: str, node: Node) -> Iterator[tuple[str, Node]]:
    yield path, node
    if "items" in node:
        yield from _node(f"{path}[]", node["items"])
    yield from nodes(node, path)


def our_fields() -> list[tuple[str, str, Node]]:
    """(kind, path, schema) of every field of spec and status."""
    return [
        (resource.kind, path, node)
        for resource in crd.RESOURCES
        for path, node in nodes(root_schema(resource))
        if path.startswith(("spec", "status"))
    ]


def root_schema(resource: CustomResource) -> Node:
    return versions_of(resource)[0]["schema"]["openAPIV3Schema"]  # type: ignore[no-any-return]


def versions_of(resource: CustomResource) -> list[Node]:
    definition: Any = crd.definition(resource)
    return definition["spec"]["versions"]  # type: ignore[no-any-return]


def test_the_manifests_in_the_repository_are_those_of_the_models() -> None:
    """A model changes together with its manifest: run `kunlun manifests`."""
    result = CliRunner().invoke(root, ["manifests", "--check"])

    assert ("", 0) == (result.output, result.exit_code)


def test_the_check_names_what_drifted(tmp_path: Path) -> None:
    """A changed, a missing and a superfluous file are all named; writing heals all three."""
    wanted = {"zones.yaml": "a", "plans.yaml": "b", "tenants.yaml": "c"}
    manifests.write_files(tmp_path, wanted)
    (tmp_path / "zones.yaml").write_text("edited by hand")
    (tmp_path / "plans.yaml").unlink()
    (tmp_path / "gadgets.yaml").write_text("of no kind")

    assert ["gadgets.yaml", "plans.yaml", "zones.yaml"] == manifests.drifted_files(tmp_path, wanted)
    manifests.write_files(tmp_path, wanted)
    assert [] == manifests.drifted_files(tmp_path, wanted)


@pytest.mark.parametrize(
    ("kind", "path", "node"), our_fields(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_field_is_bounded_and_documented(kind: str, path: str, node: Node) -> None:
    """Nothing a person writes is without a limit, and `kubectl explain` has a sentence for every field."""
    match node["type"]:
        case "string":
            fixed = FIXED_LENGTH.match(node.get("pattern", ""))
            assert "maxLength" in node or "enum" in node or fixed, f"{kind} {path} has no length"
        case "array":
            assert "maxItems" in node, f"{kind} {path} has no limit"
        case "integer":
            assert "minimum" in node, f"{kind} {path} has no lower bound"
    if not path.endswith("[]") and not path.startswith(SIGNED_BY_CONTRACT):
        assert node.get("description"), f"{kind} {path} is not explained"


def test_no_reference_and_no_null_is_left() -> None:
    """A structural schema has neither."""
    text = "".join(crd.manifests().values())

    assert [] == [word for word in ("$ref", "anyOf", "additionalProperties", "null") if word in text]


def test_lists_with_names_are_maps() -> None:
    """Entries that carry a name are told apart by it, so that two cannot share one."""
    unnamed = [
        f"{kind} {path}"
        for kind, path, node in our_fields()
        if path.startswith("spec") and not path.startswith(("spec.stack", "spec.actions", "spec.contacts"))
        if "name" in node.get("items", {}).get("properties", {}) and node.get("x-kubernetes-list-map-keys") != ["name"]
    ]

    assert [] == unnamed


def test_who_asks_and_who_decides_is_required() -> None:
    """The API server stamps both names before it looks at the schema; without the stamp nothing passes."""
    required = {
        resource.kind: set(root_schema(resource)["properties"]["spec"]["required"]) for resource in crd.RESOURCES
    }

    assert "requestedBy" in required["ResourceRequest"]
    assert "approver" in required["Approval"]


def test_records_have_no_status() -> None:
    """Plans and Approvals are written once; everything else is observed."""
    observed = {resource.kind for resource in crd.RESOURCES if "subresources" in versions_of(resource)[0]}

    assert {"Zone", "Tenant", "InformationSystem", "ResourceRequest", "DesktopSession", "Cutover"} == observed


def test_the_operator_knows_exactly_the_kinds_there_are() -> None:
    """What is served and what is read are the same models under the same names."""
    served = {(item.kind, item.plural, item.spec) for item in crd.RESOURCES}
    read = {(kind.name, kind.plural, kind.spec) for kind in (*KINDS, *UNWATCHED)}

    assert served == read


def test_a_bound_that_cannot_be_said_is_an_error() -> None:
    """A model whose meaning a CustomResourceDefinition cannot carry is refused, not trimmed."""

    class Stepped(WireModel):
        size: Annotated[int, Field(multiple_of=4)]

    class Either(WireModel):
        size: int | str

    for model in (Stepped, Either):
        with pytest.raises(crd.SchemaNotStructural):
            crd.structural_schema(model)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/golden/requests").glob("*.yaml")), ids=lambda path: path.stem)
def test_sample_requests_are_requests(path: Path) -> None:
    """The samples that other tests start from fit the model."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert path.stem == document["metadata"]["name"]
    assert "li.na" == REQUESTS.spec.model_validate(document["spec"]).requested_by


@pytest.mark.parametrize("path", sorted((ROOT / "docs/examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_in_the_documentation_fit_the_models(path: Path) -> None:
    """Whoever copies an example from the documentation has a valid object, but for the stamped names."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    stamped: Node = {
        "ResourceRequest": {"requestedBy": "li.na"},
        "Approval": {"approver": "zhang.wei"},
        "DesktopSession": {"user": "li.na"},
        "Cutover": {"askedBy": "li.na"},
        "Acceptance": {"signer": "li.na"},
        "CutoverStep": {"by": "ops.wang"},
    }
    kind = next(kind for kind in (*KINDS, *UNWATCHED) if kind.name == document["kind"])

    kind.spec.model_validate(document["spec"] | stamped.get(kind.name, {}))


def test_the_api_page_shows_the_examples_as_they_are() -> None:
    """What is printed in docs/api.md is what was tested: one whole example for each kind."""
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    printed = set(re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    tested = {path.read_text(encoding="utf-8") for path in (ROOT / "docs/examples").glob("*.yaml")}

    assert tested == printed


@pytest.mark.parametrize("word", ConditionType)
def test_the_api_page_explains_every_condition(word: str) -> None:
    """Whoever meets one in `kubectl get` finds it there; reasons have a page of their own (test_reasons.py)."""
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")

    assert f"`{word}`" in page.partition("## Conditions")[2]
