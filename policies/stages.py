"""Which stages a plan needs: read from `stages.yaml`, so that a change of procedure is a change of data.

The facts of a plan decide, each stage by its own cases; what an officer reads as the reason names the fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, model_validator

from controllers.api.environment import Environment
from controllers.api.fields import Lifetime, MonthlyYuan, ObjectName, ShortText
from controllers.api.plan import RequiredStage
from infra.wire import WireModel
from policies.flows import NamedStage
from policies.parties import TWO_SIDES, CutoverProcedure

STAGES_FILE = Path(__file__).with_name("stages.yaml")
MOST_STAGES = 16
MOST_SIGNATURES = 5
BECAUSE_LENGTH = 256
MOST_NAMED = 3  # facts of one sort in a sentence; the plan's page shows all of them


class Needed(StrEnum):
    """When a stage is needed, if no case of facts says it."""

    ALWAYS = "Always"
    WHEN_NAMED = "WhenNamed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What stages are decided from: everything about a plan that a procedure may ask.

    `reserved_for_people` says why policy must not approve by itself; empty when it may. `test_budget_left_yuan` is
    what other plans leave of the department's test budget, None when it has none.
    """

    monthly_yuan: int
    environment: Environment
    tenant: str = ""
    crossings: tuple[str, ...] = ()
    public_addresses: tuple[str, ...] = ()
    named: tuple[NamedStage, ...] = ()
    test_budget_left_yuan: int | None = None
    reserved_for_people: str = ""


class Title(WireModel):
    """The stage's name in the users' languages."""

    en: ShortText
    zh: ShortText


class Case(WireModel):
    """Facts that hold together. Whatever is left out is not asked."""

    crosses_zones: bool | None = None
    public_address: bool | None = None
    monthly_yuan_above: MonthlyYuan | None = None
    monthly_yuan_up_to: MonthlyYuan | None = None
    environments: Annotated[tuple[Environment, ...], Field(max_length=2)] = ()
    tenants: Annotated[tuple[ObjectName, ...], Field(max_length=256)] = ()
    within_test_budget: bool | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Case:
        if not self.model_fields_set:
            raise ValueError("a case that asks nothing applies to everything: write `needed: Always`")
        return self

    def applies(self, facts: Facts) -> bool:
        """Whether all of it holds."""
        left = facts.test_budget_left_yuan
        within = left is not None and facts.monthly_yuan <= left
        return all(
            (
                self.crosses_zones in (None, bool(facts.crossings)),
                self.public_address in (None, bool(facts.public_addresses)),
                self.monthly_yuan_above is None or facts.monthly_yuan > self.monthly_yuan_above,
                self.monthly_yuan_up_to is None or facts.monthly_yuan <= self.monthly_yuan_up_to,
                not self.environments or facts.environment in self.environments,
                not self.tenants or facts.tenant in self.tenants,
                self.within_test_budget in (None, within),
            )
        )

    def reasons(self, facts: Facts) -> Iterator[str]:
        """The facts that made it apply, in an officer's words."""
        if self.crosses_zones:
            yield f"crosses zones ({_listed(facts.crossings)})"
        if self.public_address:
            yield f"public address of {_listed(facts.public_addresses)}"
        if self.monthly_yuan_above is not None:
            yield f"{facts.monthly_yuan} yuan a month, more than {self.monthly_yuan_above}"
        if self.environments:
            yield f"environment {facts.environment}"
        if self.tenants:
            yield f"department {facts.tenant}"
        if self.within_test_budget is False:
            yield "not within the test budget"


class Stage(WireModel):
    """One step of approval."""

    name: ObjectName
    title: Title
    needed: Needed | Annotated[tuple[Case, ...], Field(min_length=1, max_length=16)]
    because: ShortText
    signatures: Annotated[int, Field(ge=1, le=MOST_SIGNATURES)] = 1
    after: Annotated[tuple[ObjectName, ...], Field(max_length=MOST_STAGES)] = ()
    expires: Lifetime | None = None

    def reasons(self, facts: Facts) -> list[str]:
        """Why these facts need this stage; none when they do not, one that is empty when they always do."""
        found = [named.because for named in facts.named if named.stage == self.name]
        if self.needed is Needed.ALWAYS:
            return ["", *found]
        if isinstance(self.needed, tuple):
            for case in self.needed:
                found += [", ".join(case.reasons(facts))] if case.applies(facts) else []
        return found


class PolicyApproval(WireModel):
    """A case in which policy approves by itself."""

    when: Case
    because: Annotated[ShortText, Field(min_length=1)]


class Stages(WireModel):
    """The whole procedure, in the order in which officers read it."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MOST_STAGES)]
    policy_approves: Annotated[tuple[PolicyApproval, ...], Field(max_length=16)] = ()
    cutovers: CutoverProcedure = TWO_SIDES

    @model_validator(mode="after")
    def _can_be_followed(self) -> Stages:
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError("a stage is listed twice")
        for stage in self.stages:
            if unknown := set(stage.after) - set(names):
                raise ValueError(f"stage '{stage.name}' comes after stages that are not listed: {_listed(unknown)}")
        try:
            TopologicalSorter({stage.name: stage.after for stage in self.stages}).prepare()
        except CycleError as error:
            raise ValueError(f"stages wait for each other: {', '.join(error.args[1])}") from error
        return self


def load_stages(path: Path = STAGES_FILE) -> Stages:
    """Read the procedure. Raises pydantic's ValidationError when the file does not fit the form."""
    return Stages.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def required_stages(procedure: Stages, facts: Facts) -> tuple[RequiredStage, ...]:
    """The stages a plan needs, each with its reason; none when policy approves it (see `policy_approval`).

    A stage that a catalogue names and the procedure does not know is needed all the same: nobody holds it yet.
    """
    if policy_approval(procedure, facts):
        return ()
    known = {stage.name for stage in procedure.stages}
    needed = [(stage, reasons) for stage in procedure.stages if (reasons := stage.reasons(facts))]
    names = {stage.name for stage, _ in needed}
    return (
        *(_required(stage, reasons, names) for stage, reasons in needed),
        *(
            RequiredStage(stage=named.stage, because=named.because[:BECAUSE_LENGTH])
            for named in {item.stage: item for item in reversed(facts.named)}.values()
            if named.stage not in known
        ),
    )


def policy_approval(procedure: Stages, facts: Facts) -> str:
    """The words by which policy approves a plan without anybody's signature; empty when people decide."""
    if facts.reserved_for_people or facts.named:
        return ""
    return next((entry.because for entry in procedure.policy_approves if entry.when.applies(facts)), "")


def _required(stage: Stage, reasons: list[str], names: set[str]) -> RequiredStage:
    told = "; ".join(filter(None, reasons))
    return RequiredStage(
        stage=stage.name,
        because=(f"{told[:1].upper()}{told[1:]}. {stage.because}" if told else stage.because)[:BECAUSE_LENGTH],
        signatures=stage.signatures,
        after=tuple(name for name in stage.after if name in names),
        expires=stage.expires,
    )


def _listed(words: tuple[str, ...] | set[str]) -> str:
    told = sorted(words)
    more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    return ", ".join(told[:MOST_NAMED]) + more
