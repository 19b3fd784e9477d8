"""What is counted while it happens: passes, steps, calls to the Kubernetes API; and the cloud's side of it.

What can be looked at when somebody asks is not counted here but read then: see `controllers.figures`. No label is ever
a name that people give: kinds, steps, reasons, verbs and codes are closed lists, so the number of series is bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

from controllers.api.conditions import Step
from controllers.api.cutoversteps import Step as CutoverStep
from infra.measures import CloudMeasures, EngineMeasures, result_of

SETTLED, AGAIN = "Settled", "Again"
DONE = "Done"
WATCH_RESULTS = (DONE, "PlaybookFailed", "GuestUnreachable")
SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
STEP_SECONDS = (1, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 86_400)
UNNAMED = "other"


@dataclass(frozen=True, slots=True)
class ClusterMeasures:
    """Calls to the Kubernetes API, those of the watches too."""

    calls: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_kubernetes_calls",
            "Calls to the Kubernetes API, by verb, kind (its plural, with the subresource) and status code.",
            ["verb", "kind", "code"],
            registry=None,
        )
    )

    def count(self, method: str, path: str, code: str, *, watching: bool = False) -> None:
        """One call that was sent."""
        self.calls.labels(*verb_and_kind(method, path, watching=watching), code).inc()


@dataclass(frozen=True, slots=True)
class PassMeasures:
    """Passes of the queue, and the chapters of a request's pass."""

    passes: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_passes",
            "Passes, by kind and result: Settled (waits for an event), Again (after a time), Stopped, or a reason.",
            ["kind", "result"],
            registry=None,
        )
    )
    pass_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "kunlun_pass_seconds", "Seconds of a pass.", ["kind"], buckets=SECONDS, registry=None
        )
    )
    steps: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_steps",
            "Chapters of a request's pass, by the condition they decide and the reason it got.",
            ["step", "reason"],
            registry=None,
        )
    )
    step_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "kunlun_step_seconds",
            "Seconds of a chapter of a request's pass, by the condition it decides.",
            ["step"],
            buckets=SECONDS,
            registry=None,
        )
    )

    def passed(self, kind: str, result: str, seconds: float) -> None:
        """A pass has ended."""
        self.passes.labels(kind, result).inc()
        self.pass_seconds.labels(kind).observe(seconds)

    @contextmanager
    def chapter(self, step: str) -> Iterator[list[Step | None]]:
        """One chapter; what it found goes into the list."""
        began, found = time.monotonic(), list[Step | None]()
        try:
            yield found
        finally:
            self.step_seconds.labels(step).observe(time.monotonic() - began)
            for one in filter(None, found):
                self.steps.labels(step, one.reason.value).inc()


@dataclass(frozen=True, slots=True)
class CutoverMeasures:
    """Steps of cutovers that this operator has run; what people run by hand is only in the journals."""

    steps: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_cutover_steps",
            "Attempts at steps of cutovers that have ended, by step and result: Done, or the reason they failed with.",
            ["step", "result"],
            registry=None,
        )
    )
    seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "kunlun_cutover_step_seconds",
            "Seconds of a step's run of the playbook, failed ones included.",
            ["step"],
            buckets=STEP_SECONDS,
            registry=None,
        )
    )

    def __post_init__(self) -> None:
        """A watch that fails is an alarm, and Prometheus sees no rise in what was not there before."""
        for result in WATCH_RESULTS:
            self.steps.labels(CutoverStep.WATCH.value, result)

    def ended(self, step: CutoverStep, failure: BaseException | None, seconds: float | None) -> None:
        """An attempt has ended; `seconds` is None when there was no run to be followed to its end."""
        self.steps.labels(step.value, DONE if failure is None else result_of(failure)).inc()
        if seconds is not None:
            self.seconds.labels(step.value).observe(seconds)


@dataclass(frozen=True, slots=True)
class Measures:
    """All of them, for one process."""

    passes: PassMeasures = field(default_factory=PassMeasures)
    cutovers: CutoverMeasures = field(default_factory=CutoverMeasures)
    cluster: ClusterMeasures = field(default_factory=ClusterMeasures)
    cloud: CloudMeasures = field(default_factory=CloudMeasures)
    engine: EngineMeasures = field(default_factory=EngineMeasures)

    def families(self) -> list[Collector]:
        """To be registered where they are served."""
        passes, cloud, engine = self.passes, self.cloud, self.engine
        return [
            *(passes.passes, passes.pass_seconds, passes.steps, passes.step_seconds),
            *(self.cutovers.steps, self.cutovers.seconds),
            *(self.cluster.calls, cloud.calls, cloud.seconds, engine.runs, engine.seconds),
        ]


def pass_result(retry_after: float | None, error: BaseException | None) -> str:
    """How a pass ended, in one word. Pure."""
    if error is not None:
        return result_of(error)
    return SETTLED if retry_after is None else AGAIN


def verb_and_kind(method: str, path: str, *, watching: bool = False) -> tuple[str, str]:
    """As RBAC names them: `PATCH …/plans/x/status` is (`patch`, `plans/status`). Pure.

    Reference: Kubernetes documentation, "Determine the Request Verb".
    """
    words = path.partition("?")[0].strip("/").split("/")
    words = words[3:] if words[0] == "apis" else words[2:]
    if len(words) > 2 and words[0] == "namespaces":  # noqa: PLR2004  not a namespace itself
        words = words[2:]
    if not words:
        return method.lower(), UNNAMED
    kind, named = words[0], len(words) > 1
    subresource = f"/{words[2]}" if len(words) > 2 else ""  # noqa: PLR2004
    reading = "watch" if watching else "get" if named else "list"
    verbs = {"GET": reading, "POST": "create", "PUT": "update"}
    return verbs.get(method, method.lower()), f"{kind}{subresource}"
