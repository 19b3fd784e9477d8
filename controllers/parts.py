"""What a reconcile works with, handed in and never imported: the seams of the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from controllers.cache import Cache
from controllers.cluster import Cluster
from controllers.settings import Settings
from infra.cloud import Clouds
from infra.engine import Engine
from policies.stages import Stages


@dataclass(frozen=True, slots=True)
class Parts:
    """The operator's parts. `now` gives RFC 3339 UTC time, `monotonic` seconds."""

    cluster: Cluster
    cache: Cache
    clouds: Clouds
    engine: Engine
    procedure: Stages
    settings: Settings
    now: Callable[[], str]
    monotonic: Callable[[], float]
    planning: asyncio.Lock = field(default_factory=asyncio.Lock)  # addresses are given out one plan at a time
