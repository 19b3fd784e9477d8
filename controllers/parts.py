"""What every reconcile works with, handed in and never imported: the seams of the operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from controllers.cache import Cache
from controllers.cluster import Cluster
from controllers.measures import Measures
from controllers.rests import Rests
from controllers.settings import Settings
from infra.cloud import Clouds


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`now` gives RFC 3339 UTC time, `monotonic` seconds; `started` is on the clock of `monotonic`."""

    cluster: Cluster
    cache: Cache
    clouds: Clouds
    settings: Settings
    now: Callable[[], str]
    monotonic: Callable[[], float]
    started: float
    rests: Rests = field(default_factory=Rests)
    measures: Measures = field(default_factory=Measures)
