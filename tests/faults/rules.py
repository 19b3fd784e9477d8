"""Which calls are met by which action, and how many calls of each kind there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Condition

from tests.faults.actions import Action, Gate, Hold, Moment, Silence
from tests.faults.calls import Call, Kind


@dataclass(frozen=True, slots=True)
class Match:
    """Which calls are meant; each field is a pattern as of file names. `where` looks at the whole call."""

    service: str = "*"
    method: str = "*"
    collection: str = "*"
    path: str = "*"
    where: Callable[[Call], bool] = lambda _: True

    def __call__(self, call: Call) -> bool:
        patterns = (self.service, self.method, self.collection, self.path)
        named = (call.service, call.method, call.collection, call.path)
        return all(map(fnmatchcase, named, patterns)) and self.where(call)


@dataclass(slots=True)
class Rule:
    """An action for the n-th matching call and the ones after it, `count` in all; None: all of them."""

    match: Match
    action: Action
    nth: int = 1
    count: int | None = 1
    seen: int = 0

    def meets(self, call: Call) -> bool:
        """Whether this call is one of those; counts it."""
        if not self.match(call):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.count is None or self.seen < self.nth + self.count)


@dataclass(slots=True)
class Book:
    """All rules and counts of one proxy. Thread-safe."""

    _rules: list[Rule] = field(default_factory=list)
    _calls: Counter[Kind] = field(default_factory=Counter)
    _changed: Condition = field(default_factory=Condition)

    def add(self, rule: Rule) -> Rule:
        """From now on; of several rules for a call the first added acts, all count."""
        with self._changed:
            self._rules.append(rule)
        return rule

    def hold(self, match: Match, moment: Moment, *, nth: int = 1) -> Gate:
        """A gate in the way of the n-th matching call from now on."""
        gate = Gate()
        self.add(Rule(match, Hold(gate, moment), nth))
        return gate

    def remove(self, rule: Rule) -> None:
        """From now on; calls that are held stay held."""
        with self._changed:
            self._rules = [other for other in self._rules if other is not rule]

    def clear(self) -> None:
        """No rules; whatever is held breaks."""
        with self._changed:
            rules, self._rules = self._rules, []
        for rule in rules:
            if isinstance(rule.action, Hold):
                rule.action.gate.drop()

    def counted(self) -> Counter[Kind]:
        """Calls so far by service, method and collection, those that were met by a fault included."""
        with self._changed:
            return self._calls.copy()

    def await_calls(self, match: Kind, number: int, seconds: float) -> bool:
        """Whether there were so many calls of a kind in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._calls[match] >= number, seconds)

    def action_for(self, call: Call) -> Action:
        """What happens to a call that has just come."""
        with self._changed:
            self._calls[call.kind] += 1
            self._changed.notify_all()
            met = [rule.action for rule in self._rules if rule.meets(call)]
        return next((action for action in met if not isinstance(action, Silence)), Action())

    def silences(self, call: Call) -> bool:
        """Whether a stream says nothing at the moment."""
        with self._changed:
            silences = [rule for rule in self._rules if isinstance(rule.action, Silence) and rule.match(call)]
        return any(rule.action.is_for(call) for rule in silences if isinstance(rule.action, Silence))
