"""What the pass over a cutover works with beyond the parts of requests, of which one is its target."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.cutover.runner import Runner
from controllers.request.parts import RequestParts


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoverParts(RequestParts):
    """`runner` does what is decided."""

    runner: Runner
