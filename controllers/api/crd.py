"""From models to manifests: the CustomResourceDefinitions, made and never written by hand.

A field exists once, in its model; here it becomes a structural schema: references inlined, optional fields
plain, every word of documentation kept for `kubectl explain`. A schema word this module does not know is an
error, so no bound that a model states is lost on the way.
Source: Kubernetes documentation, "Specifying a structural schema".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import yaml
from pydantic.config import JsonDict
from pydantic.types import JsonValue

from controllers.api import (
    GROUP,
    VERSION,
    acceptance,
    approval,
    cutoverstatus,
    cutoverstep,
    decision,
    desktopsession,
    informationsystem,
    plan,
    resourcerequest,
    tenant,
    trialreport,
    zone,
)
from controllers.api.customresource import Column, CustomResource, with_rules
from infra.wire import WireModel

RESOURCES: tuple[CustomResource, ...] = (
    zone.RESOURCE,
    tenant.RESOURCE,
    informationsystem.RESOURCE,
    resourcerequest.RESOURCE,
    plan.RESOURCE,
    approval.RESOURCE,
    desktopsession.RESOURCE,
    decision.RESOURCE,
    cutoverstatus.RESOURCE,
    trialreport.RESOURCE,
    acceptance.RESOURCE,
    cutoverstep.RESOURCE,
)
HEADER = "# Made by `kunlun manifests` from the models in controllers/api. Change those, not this file.\n"

_KEPT = (
    "type",
    "description",
    "format",
    "enum",
    "default",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
_LEFT_OUT = {"title", "additionalProperties", "$defs", "properties", "items"}


class SchemaNotStructural(TypeError):
    """A model uses something a CustomResourceDefinition cannot say. A mistake of ours, found by the tests."""


def manifests() -> Mapping[str, str]:
    """Every file of infra/kubernetes/crds by name, with its text."""
    files = {f"{resource.plural}.yaml": HEADER + _as_yaml(definition(resource)) for resource in RESOURCES}
    kustomization: JsonDict = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*sorted(files)],
    }
    return {**files, "kustomization.yaml": HEADER + _as_yaml(kustomization)}


def definition(resource: CustomResource) -> JsonDict:
    """The CustomResourceDefinition of one kind."""
    singular = resource.kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": singular,
                "shortNames": list(resource.short_names),
                "categories": ["kunlun"],
            },
            "scope": resource.scope,
            "versions": [_version(resource)],
        },
    }


def structural_schema(model: type[WireModel]) -> JsonDict:
    """The model as a structural schema: no reference, no union with null."""
    schema = cast(JsonDict, model.model_json_schema(by_alias=True))
    return _structural(schema, cast(JsonDict, schema.get("$defs", {})))


def _version(resource: CustomResource) -> JsonDict:
    version: JsonDict = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root_schema(resource)},
        "additionalPrinterColumns": [_column(column) for column in resource.columns],
    }
    if resource.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in resource.selectable]
    if resource.status is not None:
        version["subresources"] = {"status": {}}
    return version


def _root_schema(resource: CustomResource) -> JsonDict:
    properties: JsonDict = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    metadata: JsonDict = {"type": "object"}
    if resource.name_schema is not None:
        metadata["properties"] = {"name": resource.name_schema}
    properties["metadata"] = metadata
    properties["spec"] = structural_schema(resource.spec)
    if resource.status is not None:
        properties["status"] = structural_schema(resource.status)
    schema: JsonDict = {"type": "object", "description": resource.description, "required": ["spec"]}
    if resource.rules:
        schema |= with_rules(*resource.rules)
    return {**schema, "properties": properties}


def _column(column: Column) -> JsonDict:
    shown: JsonDict = {"name": column.title, "type": column.type, "jsonPath": column.path}
    return {**shown, "priority": 1} if column.wide else shown


def _structural(node: JsonDict, definitions: JsonDict) -> JsonDict:
    node = _inlined(_required(node), definitions)
    unknown = node.keys() - set(_KEPT) - _LEFT_OUT
    if unknown or node.get("additionalProperties", False) is not False:
        raise SchemaNotStructural(f"cannot be said in a CustomResourceDefinition: {sorted(unknown)} of {node}")
    schema: JsonDict = {word: node[word] for word in _KEPT if word in node}
    if isinstance(description := schema.get("description"), str):
        schema["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", description)
    if "properties" in node:
        properties = cast(JsonDict, node["properties"])
        schema["properties"] = {name: _structural(cast(JsonDict, properties[name]), definitions) for name in properties}
    if "items" in node:
        schema["items"] = _structural(cast(JsonDict, node["items"]), definitions)
    return schema


def _inlined(node: JsonDict, definitions: JsonDict) -> JsonDict:
    """The node with what it refers to; its own words win, such as a field's description over its class's."""
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    own = {word: value for word, value in node.items() if word != "$ref"}
    return {**_inlined(cast(JsonDict, definitions[reference.rpartition("/")[2]]), definitions), **own}


def _required(node: JsonDict) -> JsonDict:
    """`T | None` becomes plain T: in Kubernetes a field is left out, never null."""
    options = node.get("anyOf")
    if not isinstance(options, list):
        return node
    given = [option for option in cast(list[JsonDict], options) if option.get("type") != "null"]
    if len(given) != 1 or len(given) == len(options):
        raise SchemaNotStructural(f"only `T | None` can be said, not {options}")
    own = {word: value for word, value in node.items() if word not in {"anyOf", "default"}}
    return {**given[0], **own}


def _as_yaml(document: JsonDict) -> str:
    text: JsonValue = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return str(text)


class _Plain(yaml.SafeDumper):
    """No anchors: a reader of a manifest sees every field in its place."""

    def ignore_aliases(self, data: object) -> bool:
        return True
