"""Failed work on a tenant or a zone rests: its own status write comes back as an event and would repeat it at once.

Of one version of the object only: a changed spec is tried at once. (Requests have more to remember: see
`controllers.request.memory`.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.api.stored import Meta


@dataclass(slots=True)
class Rests:
    """Until when, by uid and generation; seconds on the clock of the caller."""

    until: dict[tuple[str, int], float] = field(default_factory=dict)

    def begin(self, meta: Meta, *, until: float) -> None:
        """The work on this version of the object has failed."""
        self.until = {key: end for key, end in self.until.items() if key[0] != meta.uid}
        self.until[meta.uid, meta.generation] = until

    def left(self, meta: Meta, now: float) -> float:
        """Seconds of rest that are left; 0 when it may be tried."""
        return max(self.until.get((meta.uid, meta.generation), now) - now, 0.0)
