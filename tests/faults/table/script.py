"""What the proxy does to the calls of one project, zone or tenant: armed rows, each on its own kind of call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults import answers
from tests.faults.actions import Action
from tests.faults.calls import Answer, Call
from tests.faults.table.calls import RECORD, TOKENS
from tests.faults.table.rows import Row


@dataclass(slots=True)
class Script(Action):
    """Arm it by setting `rows`. Which calls come here at all is the rule's to say."""

    rows: Sequence[Row] = ()
    _met: dict[int, Action] = field(default_factory=dict)

    async def before(self, call: Call) -> Answer | None:
        row = next((row for row in self.rows if row.call == call.kind), None)
        action = row.fault.action if row is not None and row.meets(time.monotonic()) else Action()
        early = await action.before(call)
        if early is None:
            self._met[id(call)] = action
        return early

    async def after(self, call: Call, answer: Answer) -> Answer:
        return await self._met.pop(id(call), Action()).after(call, answer)


@dataclass(slots=True)
class ProjectScript(Script):
    """Calls are known as a project's by their token, and logins by the scope they ask for.

    Lines of the record of decisions are known by the request that lives there at the moment.
    """

    project: str = ""
    request: str = ""
    _tokens: set[str] = field(default_factory=set)

    def owns(self, call: Call) -> bool:
        """Whether the call is made in this project's scope."""
        if call.kind == TOKENS:
            return self.project.encode() in call.body
        if call.kind == RECORD:
            return bool(self.request) and f'"{self.request}"'.encode() in call.body
        return call.token in self._tokens

    async def before(self, call: Call) -> Answer | None:
        if call.kind != TOKENS and self._login_is_due():
            return answers.not_authenticated()
        return await Script.before(self, call)

    async def after(self, call: Call, answer: Answer) -> Answer:
        if call.kind == TOKENS and (token := answer.headers.get("X-Subject-Token")):
            self._tokens.add(token)
        return await Script.after(self, call, answer)

    def _login_is_due(self) -> bool:
        """A token lasts for hours: for a login to be met, the one in use has to be refused."""
        return any(row.call == TOKENS and row.ended is None for row in self.rows)
