"""How far the stages of a plan are: whose signatures are missing, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controllers.api.plan import PlanContent, RequiredStage
from controllers.api.requeststatus import StageDecision
from controllers.cli.text import listed


@dataclass(frozen=True, slots=True)
class StageStanding:
    """One stage of a plan and its decisions. `waits_for` are stages that have to approve first."""

    needed: RequiredStage
    decisions: tuple[StageDecision, ...]
    waits_for: tuple[str, ...]

    @property
    def approvals(self) -> list[StageDecision]:
        return [decision for decision in self.decisions if decision.decision == "Approved"]

    @property
    def is_complete(self) -> bool:
        return len(self.approvals) >= self.needed.signatures

    @property
    def missing(self) -> str:
        """`open`, `open: 1 of 2 signatures given`, `after resource-office`; empty when nothing is missing."""
        if self.is_complete:
            return ""
        if self.waits_for:
            return f"after {listed(self.waits_for)}"
        given = f": {len(self.approvals)} of {self.needed.signatures} signatures given"
        return "open" + (given if self.needed.signatures > 1 else "")

    @property
    def form(self) -> str:
        """What the procedure asks of the stage beyond one signature at any time."""
        asked = [f"{self.needed.signatures} persons"] if self.needed.signatures > 1 else []
        asked += [f"after {listed(self.needed.after)}"] if self.needed.after else []
        asked += [f"counts for {self.needed.expires}"] if self.needed.expires else []
        return ", ".join(asked)


def standings(content: PlanContent, decisions: Iterable[StageDecision]) -> tuple[StageStanding, ...]:
    """Every stage, in the order of the plan; `decisions` are those that count."""
    given = tuple(decisions)
    found = {
        needed.stage: StageStanding(needed, tuple(one for one in given if one.stage == needed.stage), ())
        for needed in content.stages
    }
    return tuple(
        StageStanding(
            standing.needed,
            standing.decisions,
            tuple(name for name in standing.needed.after if name in found and not found[name].is_complete),
        )
        for standing in found.values()
    )


def open_stages(content: PlanContent, decisions: Iterable[StageDecision]) -> Iterator[StageStanding]:
    """Stages that somebody may decide now or later; none once the plan is denied."""
    given = tuple(decisions)
    if not any(decision.decision == "Denied" for decision in given):
        yield from (standing for standing in standings(content, given) if not standing.is_complete)
