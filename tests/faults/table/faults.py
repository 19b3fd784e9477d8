"""The faults of the table: what goes wrong, and what may be expected of an operator that meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults import answers
from tests.faults.actions import Action, CutShort, Delay, Drop, Forget, Moment, Reply

CALL_DEADLINE_SECONDS = 10.0
"""What the operator under test is started with: long enough for the slowest honest call of a busy sandbox."""
RETRY_AFTER_SECONDS = 4
LEAST_PAUSE_SECONDS = 0.9


@dataclass(frozen=True, slots=True)
class Fault:
    """`heals_by_time`: it MUST NOT be shown as Stalled. `may_last`: an operator can see through it while it lasts.

    `fails_a_look`: a pass that only looks ends with it, if it comes once.
    `least_pause_seconds` is the backoff that two attempts have to keep.
    """

    name: str
    action: Action
    heals_by_time: bool = True
    may_last: bool = True
    fails_a_look: bool = True
    least_pause_seconds: float = LEAST_PAUSE_SECONDS


EVERYWHERE: tuple[Fault, ...] = (
    Fault("dropped before", Drop(Moment.BEFORE)),
    Fault("401", Reply(answers.not_authenticated()), heals_by_time=False, fails_a_look=False),
    Fault(
        "429 Retry-After", Reply(answers.too_many(RETRY_AFTER_SECONDS)), least_pause_seconds=RETRY_AFTER_SECONDS - 0.1
    ),
    Fault("dropped after", Drop(Moment.AFTER)),
    Fault("403 quota", Reply(answers.quota_of_nova())),
    Fault("500", Reply(answers.broken())),
    Fault("404", Reply(answers.absent()), heals_by_time=False),
    Fault("past the deadline", Delay(1.2 * CALL_DEADLINE_SECONDS, Moment.BEFORE)),
    Fault("409 OverQuota", Reply(answers.quota_of_neutron())),
    Fault("503", Reply(answers.unavailable())),
    Fault("403", Reply(answers.forbidden()), heals_by_time=False),
    Fault("429", Reply(answers.too_many())),
    Fault("409 no addresses", Reply(answers.no_more_addresses())),
    Fault("409 conflict", Reply(answers.conflict()), heals_by_time=False),
    Fault("413 quota", Reply(answers.quota_of_cinder())),
)
"""In an order in which neighbours are told apart by their reasons: the rows of one request follow it."""
NOT_OF_THE_RECORD = frozenset({"403 quota", "409 OverQuota", "409 no addresses", "413 quota"})
"""The record of decisions is kept by Kubernetes, which has no quota of it: its 409 says that the line is there."""
NOT_OF_LOGINS = NOT_OF_THE_RECORD | {"409 conflict"}
"""Keystone gives tokens without counting them: the words of these are those of other services."""

OF_LISTS: tuple[Fault, ...] = (
    Fault("list cut short", CutShort()),
    Fault("list lacks items", Forget(), may_last=False, fails_a_look=False),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in (*EVERYWHERE, *OF_LISTS)}
