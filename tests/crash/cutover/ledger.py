"""What was acknowledged, held against what is kept: no write lost, none doubled, and never both sides live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.api.cutoversteps import Side
from tests.e2e.moving.bench import Moving
from tests.e2e.moving.portal import FILE_EVERY
from tests.e2e.moving.system import kept, takes_writes, uploaded

SHOWN = 10


@dataclass(slots=True)
class Ledger:
    """`forgiven` are writes that a rollback has lost, as was counted and named."""

    moving: Moving
    forgiven: set[int] = field(default_factory=set)

    def on_target(self) -> list[str]:
        """What is wrong with the target's copy now; whoever asks knows that the service lives there."""
        acknowledged = self.moving.client.acknowledged()  # before what is kept: the client goes on
        new = self.moving.new
        kept_there = write_flaws(acknowledged - self.forgiven, kept(new["db"]), uploaded(new["web"]))
        return [*kept_there, *self._sides(Side.TARGET)]

    def on_source(self) -> list[str]:
        """The same of the source."""
        acknowledged = self.moving.client.acknowledged()
        old = self.moving.old
        kept_there = write_flaws(acknowledged - self.forgiven, kept(old["old-db"]), uploaded(old["old-web"]))
        return [*kept_there, *self._sides(Side.SOURCE)]

    def forgive(self, losses: dict[str, Any]) -> list[str]:
        """What the source lacks now, while neither side is live, is lost by a rollback; it has to have been counted."""
        acknowledged = self.moving.client.acknowledged() - self.forgiven
        old = self.moving.old
        rows = acknowledged - set(kept(old["old-db"]))
        files = {number for number in acknowledged if number % FILE_EVERY == 0} - uploaded(old["old-web"])
        self.forgiven |= rows | files
        return [*loss_flaws(len(rows) + len(files), int(losses["writes"])), *self._sides(Side.NEITHER)]

    def _sides(self, live: Side) -> Iterator[str]:
        webs = {Side.SOURCE: self.moving.old["old-web"], Side.TARGET: self.moving.new["web"]}
        return side_flaws(live, {side for side, web in webs.items() if takes_writes(web)})


def write_flaws(acknowledged: Collection[int], numbers: Sequence[int], files: Collection[int]) -> Iterator[str]:
    """Every acknowledged write is kept once, and its file, if it has one. Pure."""
    if lost := sorted(set(acknowledged) - set(numbers)):
        yield f"{len(lost)} acknowledged writes are lost: {lost[:SHOWN]}"
    if doubled := sorted(number for number, times in Counter(numbers).items() if times > 1):
        yield f"{len(doubled)} writes are there twice: {doubled[:SHOWN]}"
    wanted = {number for number in acknowledged if number % FILE_EVERY == 0}
    if missing := sorted(wanted - set(files)):
        yield f"{len(missing)} files of acknowledged writes are lost: {missing[:SHOWN]}"


def loss_flaws(lost: int, counted: int) -> Iterator[str]:
    """Nobody loses more than he was told. Pure."""
    if lost > counted:
        yield f"a rollback loses {lost} acknowledged writes and files, and {counted} were counted"


def side_flaws(live: Side, taking: Collection[Side]) -> Iterator[str]:
    """Exactly the side that is live takes writes, whether its service runs or not. Pure."""
    others = [side for side in Side if side in taking and side is not live]
    yield from (f"the {side.lower()} takes writes while it is not live" for side in others)
    if live is not Side.NEITHER and live not in taking:
        yield f"the {live.lower()} is live and takes no writes"


def look_flaws(before: Counter[str], after: Counter[str]) -> Iterator[str]:
    """Both sides served at a look, or nobody looked at all. Pure."""
    seen = after - before
    if seen["both"]:
        yield f"both sides served at {seen['both']} looks of {seen.total()}"
    if not seen:
        yield "nobody has looked at the sides"
