"""Figures of cutovers, looked at when somebody asks: where services live, whose word is missing, how long a window is.

Sides, states and who goes back are closed lists and always there; parties are data of the platform. No label names a
cutover: which one it is says `kubectl get cutovers -A`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from controllers.api.acceptance import Subject, Verdict
from controllers.api.conditions import Condition, ConditionType, Reason
from controllers.api.cutover import Stage
from controllers.api.cutoversteps import Side
from controllers.api.stored import Cutover
from controllers.api.times import seconds_between


class Original(StrEnum):
    """What has become of the original of a service that lives on its target."""

    KEPT = "Kept"
    OVER = "Over"
    RELEASED = "Released"


class Cause(StrEnum):
    """Who wants a service back on its source: by what was agreed, or by asking."""

    OPERATOR = "Operator"
    PERSON = "Person"


KNOWN: Mapping[str, type[StrEnum]] = {"live": Side, "by": Cause, "state": Original}


def cutover_figures(cutovers: Sequence[Cutover], now: str) -> Iterator[Metric]:
    """All families, also when there is no cutover."""
    text = "Cutovers, by the side on which the service lives."
    yield _counts("kunlun_cutovers", text, live=map(_live, cutovers))
    yield from _windows([one for one in cutovers if is_cutting(one, now)], now)
    yield from _signatures(cutovers, now)
    text = "Services on their way back to the source: because a person asked for it, or by what was agreed."
    yield _counts("kunlun_cutovers_going_back", text, by=map(_cause, filter(_goes_back, cutovers)))
    text = "Originals of services that live on their target: kept, kept as long as was agreed, released."
    originals = filter(None, (original_of(one, now) for one in cutovers))
    yield _counts("kunlun_cutover_originals", text, state=originals)


def is_cutting(cutover: Cutover, now: str) -> bool:
    """Whether a step of the cut may begin now, or the service stands still because one has, whatever the time is."""
    window, status = cutover.spec.window, cutover.status
    if cutover.spec.stage is not Stage.CUT or window is None or status.switched_time is not None:
        return False
    is_open = window.opens <= now <= window.closes
    return _live(cutover) is Side.NEITHER or (is_open and _live(cutover) is Side.SOURCE)


def missing_parties(cutover: Cutover) -> tuple[tuple[str, ...], str]:
    """Who has not accepted what is to be signed now, and since when that is waited for; nobody: ((), "")."""
    subject, since = _to_be_signed(cutover)
    if subject is None or since is None:
        return (), ""
    accepted = {
        one.party for one in cutover.status.acceptances if (one.of, one.decision) == (subject, Verdict.ACCEPTED)
    }
    missing = tuple(party for party in cutover.status.required_parties if party not in accepted)
    return missing, since.last_transition_time


def original_of(cutover: Cutover, now: str) -> Original | None:
    """None while the service has not been switched."""
    status = cutover.status
    if status.released_time is not None:
        return Original.RELEASED
    if status.retain_until is None:
        return None
    return Original.OVER if status.retain_until <= now else Original.KEPT


def _windows(cutting: Sequence[Cutover], now: str) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kunlun_cutovers_in_window",
        "Cuts that are asked for and not through, within their window, or frozen after it.",
        len(cutting),
    )
    left = GaugeMetricFamily(
        "kunlun_cutover_window_left_seconds",
        "Seconds until the first window of these ends, by where the service lives; negative: it was over so long ago.",
        labels=["live"],
    )
    for side in Side:
        ends = [
            seconds_between(now, one.spec.window.closes) for one in cutting if _live(one) is side and one.spec.window
        ]
        if ends:
            left.add_metric([side.value], min(ends))
    yield left


def _signatures(cutovers: Sequence[Cutover], now: str) -> Iterator[Metric]:
    waiting = [found for found in map(missing_parties, cutovers) if found[0]]
    family = GaugeMetricFamily(
        "kunlun_cutover_signatures_waiting",
        "Cutovers and releases that wait for a signature, by the party that is missing.",
        labels=["party"],
    )
    for party, count in sorted(Counter(party for parties, _ in waiting for party in parties).items()):
        family.add_metric([party], count)
    yield family
    yield GaugeMetricFamily(
        "kunlun_cutover_signature_oldest_wait_seconds",
        "Seconds for which the oldest of them has waited.",
        max((seconds_between(since, now) for _, since in waiting), default=0),
    )


def _to_be_signed(cutover: Cutover) -> tuple[Subject | None, Condition | None]:
    """The trial, from its report on; the release, from when it is asked for and nothing else is missing."""
    signed, ready = _condition(cutover, ConditionType.SIGNED), _condition(cutover, ConditionType.READY)
    if signed is not None and signed.reason == Reason.AWAITING_SIGNATURES:
        return Subject.TRIAL, signed
    if cutover.spec.stage is Stage.RELEASE and ready is not None and ready.reason == Reason.AWAITING_SIGNATURES:
        return Subject.RELEASE, ready
    return None, None


def _goes_back(cutover: Cutover) -> bool:
    ready = _condition(cutover, ConditionType.READY)
    return ready is not None and ready.reason == Reason.ROLLING_BACK


def _cause(cutover: Cutover) -> Cause:
    return Cause.PERSON if cutover.spec.stage is Stage.ROLL_BACK else Cause.OPERATOR


def _live(cutover: Cutover) -> Side:
    """Of one that was never looked at, the source: nothing was done."""
    return cutover.status.live or Side.SOURCE


def _condition(cutover: Cutover, name: ConditionType) -> Condition | None:
    return next((one for one in cutover.status.conditions if one.type == name), None)


def _counts(name: str, text: str, **found: Iterable[StrEnum]) -> Metric:
    """By one label. Zeros too: what is not there cannot be drawn, nor be seen to begin."""
    ((label, words),) = found.items()
    family, counted = GaugeMetricFamily(name, text, labels=[label]), Counter(words)
    for word in KNOWN[label]:
        family.add_metric([word.value], counted[word])
    return family
