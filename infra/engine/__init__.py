"""The Pulumi engine behind one call: `converge` makes an approved plan true, `remove` ends a request.

One CLI process per pass that changes something, none otherwise. The state file is a cache: a pass keeps it only
if it says exactly what was observed, else the pass starts from nothing and adopts. Read `engine`, then `run`.
"""

from infra.engine.built import Built
from infra.engine.engine import Engine, EngineSettings
from infra.provider.builder import StepEvent

__all__ = ["Built", "Engine", "EngineSettings", "StepEvent"]
