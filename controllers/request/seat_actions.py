"""What a plan says of the users of desktops, in the words of its actions: an officer signs for them, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controllers.api.plan import Action, Operation
from infra.stackplan import Kind, Seat, StackPlan


def with_users(before: StackPlan | None, after: StackPlan, actions: Iterable[Action]) -> Iterator[Action]:
    """The actions, those on desktops with whose they are; and those that are given to somebody as they are."""
    old, new = _seats(before), _seats(after)
    told = set()
    for action in actions:
        seat = new.get(action.name) if action.kind == Kind.SERVER else None
        if seat is not None:
            told.add(action.name)
            detail = "; ".join(filter(None, [action.detail, _words(old.get(action.name), seat)]))
            yield action.model_copy(update={"detail": detail})
        else:
            yield action
    for name, seat in new.items():
        if name in old and name not in told and old[name].user != seat.user:
            detail = _words(old[name], seat)
            yield Action(operation=Operation.UPDATE, kind=Kind.SERVER, name=name, detail=detail)


def _words(old: Seat | None, new: Seat) -> str:
    owner = f"for {new.user}" if new.user else "a spare"
    if old is None or old.user == new.user:
        return f"{owner}, clean again" if old and old.term != new.term else owner
    return f"{owner}, before for {old.user}" if old.user else f"{owner}, before a spare"


def _seats(plan: StackPlan | None) -> dict[str, Seat]:
    return {f"server-{one.name}": one.seat for one in plan.servers if one.seat} if plan else {}
