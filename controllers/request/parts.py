"""What the request's chapters work with beyond the common parts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from controllers.audits import Audits
from controllers.parts import Parts
from controllers.request.configurator import Configurator
from controllers.request.departed import DepartedPlans
from controllers.request.memory import Memories
from controllers.request.surveys import Surveys
from infra.engine import Engine
from policies.stages import Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParts(Parts):
    """`planning` is held while a plan is made: addresses are given out one plan at a time."""

    engine: Engine
    surveys: Surveys
    configurator: Configurator
    procedure: Stages
    memories: Memories = field(default_factory=Memories)
    audits: Audits = field(default_factory=Audits)
    departed: DepartedPlans = field(default_factory=DepartedPlans)
    planning: asyncio.Lock = field(default_factory=asyncio.Lock)
