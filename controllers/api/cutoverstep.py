"""`CutoverStep`: one line of a cutover's journal, written before and after every step by whoever runs it.

Its name is made of the step's key, the attempt and the event, so of two who begin the same attempt the API server takes
one. When it was written says the API server, as `metadata.creationTimestamp`.
"""

from __future__ import annotations

import functools
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, list_map, with_rules
from controllers.api.cutoversteps import Event, Step
from controllers.api.fields import Identifier, LongText, ObjectName, ShortText, UserName
from controllers.api.recap import Recap
from controllers.api.times import UtcTime
from infra.stackplan import canonical_digest
from infra.wire import WireModel

MOST_MEASURES = 256


class Measure(WireModel):
    """One thing that was measured, such as `rows of permits`: `1204`."""

    name: Annotated[str, Field(min_length=1, max_length=128, description="What was measured.")]
    value: Annotated[ShortText, Field(description="The result.")]


class CutoverStepSpec(WireModel):
    """Who began or ended which attempt at which step, and what came of it."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("self == oldSelf", "what is written in a journal stays as it is", reason="FieldValueForbidden"),
            Rule(
                "self.event != 'Begun' || has(self.until)",
                "whoever begins a step says until when to wait for its end",
                field=".until",
            ),
        )
    )

    cutover: Annotated[ObjectName, Field(description="The Cutover.")]
    cutover_uid: Annotated[Identifier, Field(description="Its uid: another of the same name is another cutover.")]
    generation: Annotated[int, Field(ge=1, description="The Cutover's generation when it was written.")]
    scope: Annotated[
        str,
        Field(max_length=16, pattern=r"^[0-9a-f]{16}$", description="Digest of what moves, from where, to where."),
    ]
    step: Annotated[Step, Field(description="The step.")]
    key: Annotated[
        str,
        Field(
            max_length=10,
            pattern=r"^[0-9a-f]{10}$",
            description="The same for all attempts at the same piece of work; whoever has it done once need not again.",
        ),
    ]
    attempt: Annotated[int, Field(ge=1, le=10_000, description="Which attempt, from 1.")]
    event: Annotated[Event, Field(description="Begun, Done or Failed.")]
    by: Annotated[UserName, Field(description="Who runs it. Stamped by the API server; leave it out.")]
    until: (
        Annotated[
            UtcTime, Field(description="(Begun) When this attempt is over, whatever comes; others may begin then.")
        ]
        | None
    ) = None
    measured: Annotated[
        tuple[Measure, ...],
        Field(max_length=MOST_MEASURES, description="What was measured.", json_schema_extra=list_map("name")),
    ] = ()
    recap: (
        Annotated[Recap, Field(description="How the operator's run went; absent of a run by hand or one cut off.")]
        | None
    ) = None
    note: Annotated[LongText, Field(description="In words: why it failed, above all.")] = ""


@functools.lru_cache(maxsize=4096)
def step_key(*, uid: str, scope: str, step: Step, turn: int) -> str:
    """The idempotence key. `scope` is what the step is about; `turn` counts how often it was undone."""
    return canonical_digest({"uid": uid, "scope": scope, "step": step.value, "turn": turn})[:10]


def line_name(cutover: str, key: str, attempt: int, event: Event) -> str:
    """The object's name: the same line twice is one line."""
    return f"{cutover}-{key}-{attempt}-{event.lower()}"


RESOURCE = CustomResource(
    kind="CutoverStep",
    plural="cutoversteps",
    short_names=("cos",),
    description="One line of a cutover's journal. Nobody can change or remove it; it goes with its namespace.",
    scope="Namespaced",
    spec=CutoverStepSpec,
    status=None,
    selectable=(".spec.cutover", ".spec.step"),
    columns=(
        Column("Cutover", ".spec.cutover"),
        Column("Step", ".spec.step"),
        Column("Attempt", ".spec.attempt", "integer"),
        Column("Event", ".spec.event"),
        Column("By", ".spec.by"),
        AGE,
        Column("Note", ".spec.note", wide=True),
    ),
)
