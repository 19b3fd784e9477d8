"""How a kind appears in the cluster: its names, its columns, and the rules its schema carries.

Each kind declares one `CustomResource` beside its models, and writes its rules where the fields are, so that
a module of this package is the whole contract of its kind. `crd.py` makes the manifests from it. What a rule
of this sort forbids is refused by `kubectl apply` itself; everything that needs a second object to decide is
left to the operator, which reports all findings at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic.config import JsonDict

from infra.wire import WireModel


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule on the field or object it is written at.

    `message` says what is wrong to the person who wrote it. `message_expression` is CEL too and names the
    very words at fault; it wins where given. `field` points below an object, such as ".flows".
    Source: Kubernetes API, apiextensions.k8s.io/v1 ValidationRule.
    """

    expression: str
    message: str
    message_expression: str | None = None
    field: str | None = None
    reason: Literal["FieldValueInvalid", "FieldValueForbidden"] = "FieldValueInvalid"

    def as_json(self) -> JsonDict:
        texts = {
            "rule": self.expression,
            "message": self.message,
            "messageExpression": self.message_expression,
            "fieldPath": self.field,
            "reason": self.reason,
        }
        return {key: text for key, text in texts.items() if text is not None}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; a wide one shows only with `-o wide`."""

    title: str
    path: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class CustomResource:
    """One kind. A kind without `status` is a record: written once, never observed."""

    kind: str
    plural: str
    description: str
    scope: Literal["Cluster", "Namespaced"]
    spec: type[WireModel]
    status: type[WireModel] | None
    columns: tuple[Column, ...]
    short_names: tuple[str, ...] = ()
    selectable: tuple[str, ...] = ()
    name_schema: JsonDict | None = None
    rules: tuple[Rule, ...] = ()


READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
REASON = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason')
MESSAGE = Column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True)
AGE = Column("Age", ".metadata.creationTimestamp", "date")


def with_rules(*rules: Rule) -> JsonDict:
    """The schema words that carry `rules`, for `json_schema_extra`."""
    return {"x-kubernetes-validations": [rule.as_json() for rule in rules]}


def immutable(field: str, instead: str) -> JsonDict:
    """The schema words of a field that is fixed once the object exists; `instead` says what to do."""
    message = f"`{field}` cannot be changed; {instead}"
    return with_rules(Rule("self == oldSelf", message, reason="FieldValueForbidden"))


def list_map(key: str) -> JsonDict:
    """The schema words of a list whose entries are told apart by `key`: no two may share it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def list_set() -> JsonDict:
    """The schema words of a list in which no entry may occur twice."""
    return {"x-kubernetes-list-type": "set"}
