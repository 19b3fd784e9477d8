"""Dealing rows out to requests: as many as possible in one life, where they cannot be mistaken for each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from tests.faults.calls import Kind
from tests.faults.table.calls import ALL_CALLS, BUILDING, LISTS, OF_LINKS, RECORD, REMOVING, REQUEST_CALLS, TOKENS
from tests.faults.table.faults import EVERYWHERE, FAULTS, NOT_OF_LOGINS, NOT_OF_THE_RECORD, OF_LISTS, Fault
from tests.faults.table.rows import Form, Row

Forms = Literal["mixed", "once", "lasting"]
Pair = tuple[Fault, Kind]
STRIDE = 4
"""How far apart, in the order of the faults, the rows are that follow each other in one life."""
LISTS_IN_A_LIFE = 3


@dataclass(frozen=True, slots=True)
class Life:
    """One request: what goes wrong while it is built, when its removal looks what there is, and while it is removed."""

    name: str
    building: tuple[Row, ...] = ()
    listing: tuple[Row, ...] = ()
    removing: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.building, *self.listing, *self.removing)

    @property
    def is_linked(self) -> bool:
        """Whether another request has to call this one for its rows to be met."""
        return any(row.call in OF_LINKS for row in self.rows)


def every_pair() -> list[Pair]:
    """The whole table, as far as it is about requests."""
    everywhere = [(fault, kind) for fault, kind in product(EVERYWHERE, REQUEST_CALLS) if _can_be(fault, kind)]
    return [*product(OF_LISTS, LISTS), *everywhere]


def dealt(pairs: Iterable[Pair], forms: Forms = "mixed") -> list[Life]:
    """Lives in which every pair is met once. In a life each row follows the one before it, by what the calls need."""
    wanted = list(pairs)
    lives = [
        life
        for number, (building, removing) in enumerate(zip(BUILDING, REMOVING, strict=True))
        for life in _of_chain(number, building, removing, wanted, forms)
    ]
    lists = [row_of(pair, forms) for pair in wanted if pair[1] in LISTS]
    missing = math.ceil(len(lists) / LISTS_IN_A_LIFE) - len(lives)
    lives += [Life(f"fault-l-{number}") for number in range(missing)]
    return [
        replace(life, listing=tuple(_failing_first(lists[place :: len(lives)]))) for place, life in enumerate(lives)
    ]


def row_of(pair: Pair, forms: Forms, of: str = "request") -> Row:
    """Mixed: each fault and each call in both forms, every other pair in each."""
    fault, kind = pair
    turn = list(FAULTS).index(fault.name) + ALL_CALLS.index(kind)
    once = forms == "once" or (forms == "mixed" and turn % 2 == 0) or not fault.may_last
    return Row(fault, kind, Form.ONCE if once else Form.LASTING, of)


def _can_be(fault: Fault, kind: Kind) -> bool:
    return fault.name not in {TOKENS: NOT_OF_LOGINS, RECORD: NOT_OF_THE_RECORD}.get(kind, frozenset())


def _of_chain(
    number: int, building: Sequence[Kind], removing: Sequence[Kind], wanted: Sequence[Pair], forms: Forms
) -> Iterable[Life]:
    columns = [
        _rotated([row_of(pair, forms) for pair in wanted if pair[1] == kind], STRIDE * place)
        for place, kind in enumerate((*building, *removing))
    ]
    for turn in range(max(map(len, columns))):
        rows = [column[turn] if turn < len(column) else None for column in columns]
        yield Life(
            f"fault-{'abcd'[number]}-{turn}",
            building=tuple(row for row in rows[: len(building)] if row),
            removing=tuple(row for row in rows[len(building) :] if row),
        )


def _failing_first(rows: list[Row]) -> list[Row]:
    """After what does not make the look fail the removal goes on, and looks only once more."""
    return sorted(rows, key=lambda row: not row.fault.fails_a_look)


def _rotated(rows: list[Row], by: int) -> list[Row]:
    by %= max(len(rows), 1)
    return rows[by:] + rows[:by]
