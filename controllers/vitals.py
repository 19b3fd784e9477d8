"""What there is to see of this process while it goes through its life: it waits, stands by, leads.

The one place that `kunlun run` fills as it gets further, and that the probes and the figures read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.health import Signs
from controllers.lease import Lease
from controllers.measures import Measures
from controllers.operator import Operator


@dataclass(slots=True)
class Vitals:
    """`candidate`: it has its state folder, and asks for the Lease."""

    measures: Measures = field(default_factory=Measures)
    lease: Lease | None = None
    operator: Operator | None = None
    candidate: bool = False

    def signs(self) -> Signs:
        """As they are now."""
        lease, operator = self.lease, self.operator
        return Signs(
            candidate=self.candidate and lease is not None,
            leading=operator is not None and lease is not None and lease.valid(),
            unanswered_seconds=lease.unanswered_seconds() if lease is not None else 0.0,
            silences=operator.watches.hearing.silences() if operator is not None else {},
            lists_in=operator is not None and operator.watches.ready.is_set(),
        )
