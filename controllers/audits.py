"""What the continuous audit of the zones knows: when each project is looked at next, and what was found.

Losing it costs a look: everything is found again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from infra.containment import Breach


@dataclass(slots=True)
class Audits:
    """By project: its next turn (seconds on the clock of the caller), and what the last look found. By request: what
    its own look found to be opened by hand.
    """

    turns: dict[str, float] = field(default_factory=dict)
    found: dict[str, tuple[Breach, ...]] = field(default_factory=dict)
    opened: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def forget_request(self, uid: str) -> None:
        """It is gone, with everything it had."""
        self.opened.pop(uid, None)

    def forget_projects(self, living: Iterable[str]) -> None:
        """All but these are gone."""
        kept = set(living)
        self.turns = {project: turn for project, turn in self.turns.items() if project in kept}
        self.found = {project: breaches for project, breaches in self.found.items() if project in kept}
