"""The suite of the kill table against passes over a small world: its ways, its waiting, and what it makes of kills.

The passes, gates and journal are the real ones; hosts, writes and time are not.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from controllers.api.cutover import CutoverSpec
from controllers.api.cutoversteps import Side, Step
from controllers.api.stored import STEPS as LINES
from controllers.api.times import later_by, seconds_between
from tests.crash.cutover.cells import STEPS as KILLED
from tests.crash.cutover.cells import Became, Cell, Kill, late_cells, rounds
from tests.crash.cutover.findings import Blow, Finding, Findings, became
from tests.crash.cutover.ledger import Ledger
from tests.crash.cutover.legs import Legs
from tests.e2e.moving.bench import Moving
from tests.unit.cutover_case import UID, a_cutover_spec
from tests.unit.cutover_world import Killed, World

MONTH = 31 * 86_400.0


@dataclass
class WorldStory:
    """A cutover as `CutoverStory` has it; passes go on whenever somebody looks."""

    world: World

    def ask(self, **change: Any) -> None:
        fields = {name: value for name, value in change.items() if value is not None}
        if window := fields.get("window"):  # as long, by the clock of the world
            opens, seconds = self.world.today, seconds_between(window["opens"], window["closes"])
            fields["window"] = {"opens": opens, "closes": later_by(opens, seconds)}
        if "rollBack" in change and change["rollBack"] is None:
            self.world.fields.pop("rollBack", None)
        self.world.ask(**fields)

    def settle(self) -> None:
        asyncio.run(self.world.settle())
        if self.world.standing("Tried")[1] == "TrialRunning":
            self.world.today = later_by(self.world.today, MONTH)
            asyncio.run(self.world.settle())

    def reaches(self, condition: str, reason: str, seconds: float = 0.0) -> None:
        self.settle()
        assert reason == self.world.standing(condition)[1], (condition, self.world.message())

    def read(self) -> dict[str, Any]:
        spec = CutoverSpec.model_validate(a_cutover_spec(**self.world.fields))
        return {"metadata": {"uid": UID}, "spec": spec.model_dump(mode="json", by_alias=True)}

    def status(self) -> dict[str, Any]:
        self.settle()
        return self.world.status()

    def lines(self) -> list[dict[str, Any]]:
        return [body["spec"] for (plural, _), body in self.world.cluster.bodies.items() if plural == LINES.plural]

    def journal(self) -> list[str]:
        return self.world.journal()

    def sign(self) -> None:
        self.world.sign("department", "li.na")
        self.world.sign("provider", "ops.wang")


@dataclass
class WorldHand:
    """Kills the world's operator at the step, before or after it did its work; the next one remembers nothing."""

    story: WorldStory
    after: bool = False
    usual: dict[Step, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def strike(self, cell: Cell, since: int, closes: str = "") -> Finding:
        world = self.story.world
        setattr(world.runner, "dies_after" if self.after else "dies", lambda step: step is cell.step)
        with pytest.raises(Killed):
            self.story.settle()
        last = self.story.lines()[-1]
        assert cell.step.value == last["step"]
        blow = Blow(cell, last["key"], last["attempt"])
        if cell.kill is Kill.LATE:
            world.today = later_by(world.fields["window"]["closes"], 1)
        world.start()
        while (what := became(blow, self.story.lines()[since:])) is Became.STUCK:
            assert asyncio.run(world.turn()) == 0.0, (str(cell), world.journal()[-6:], world.message())
            world.today = later_by(world.today, 1)
        self.findings.append(Finding(cell, what))
        return self.findings[-1]


@dataclass
class WorldMachine:
    """Keeps these numbers, each tenth with a file."""

    numbers: Callable[[], list[int]]
    is_open: Callable[[], bool]

    def sql(self, statement: str, database: str) -> str:
        return "\n".join(map(str, self.numbers()))

    def run(self, *argv: str) -> str:
        if "psql" in argv[-1]:
            assert self.is_open(), "the database takes no writes"
            return ""
        return " ".join(f"{number}.txt" for number in self.numbers() if number % 10 == 0)


@dataclass
class WorldClient:
    numbers: set[int]

    def acknowledged(self) -> set[int]:
        return set(self.numbers)


class Bench:
    """A system that was tried, with a client whose write 7 only the target has taken."""

    def __init__(self, *, both: bool = False) -> None:
        self.world, self.looked = World(), Counter[str]()
        asyncio.run(self.world.tried())
        self.world.hosts.writes = 1
        self.story, self.both = WorldStory(self.world), both
        hosts = self.world.hosts
        source = WorldMachine(lambda: [1, 10], lambda: hosts.source)
        target = WorldMachine(lambda: [1, 7, 10], lambda: hosts.target)
        self.moving = Moving(
            cast(Any, self.story),
            cast(Any, {"old-web": source, "old-db": source}),
            cast(Any, {"web": target, "db": target}),
            cast(Any, WorldClient({1, 7, 10})),
            self.look,
        )
        self.hand = WorldHand(self.story)
        self.legs = Legs(self.moving, cast(Any, self.hand), Ledger(self.moving, {7}))

    def look(self) -> Counter[str]:
        self.looked["both" if self.both else "source"] += 1
        return Counter(self.looked)

    @property
    def sides(self) -> tuple[bool, bool, Side]:
        return self.world.hosts.source, self.world.hosts.target, self.world.hosts.callers


def test_the_way_there_and_back_with_nobody_killed() -> None:
    """It ends where it began, and nothing is wrong: so what is found with kills comes from the kills."""
    bench = Bench()
    bench.legs.sign()
    bench.legs.cut()
    assert (False, True, Side.TARGET) == bench.sides

    bench.world.hosts.writes = 1
    bench.legs.back()
    assert (True, False, Side.SOURCE) == bench.sides
    assert [] == bench.legs.flaws


@pytest.mark.parametrize("after", [False, True])
def test_every_kill_of_a_seed_is_met_and_resumes(*, after: bool) -> None:
    """Three rounds over all steps, the trial anew in each."""
    bench = Bench()
    bench.hand.after = after
    bench.legs.sign()
    for kills in rounds(1, KILLED, list(Kill)):
        bench.legs.try_anew(kills)
        bench.legs.cut(kills)
        bench.world.hosts.writes = 1
        bench.legs.back(kills)

    assert 3 * len(KILLED) == len(bench.hand.findings)
    assert {Became.RESUMED} == {one.became for one in bench.hand.findings}
    assert [] == bench.legs.flaws


@pytest.mark.parametrize("after", [False, True])
def test_every_late_kill_ends_on_one_side_and_then_on_the_source(*, after: bool) -> None:
    """Whatever comes of it; the next one begins from there."""
    bench = Bench()
    bench.hand.after = after
    bench.legs.sign()
    for cell in late_cells(1, KILLED, list(Kill)):
        bench.world.hosts.writes = 1
        bench.legs.late(cell)
        assert (True, False, Side.SOURCE) == bench.sides, str(cell)

    assert {Became.WENT_BACK, Became.RESUMED} >= {one.became for one in bench.hand.findings}
    assert [] == bench.legs.flaws
    assert [] == [one for one in bench.hand.findings if not one.is_right]


def test_what_is_wrong_at_the_end_of_a_way_is_told_with_its_name() -> None:
    """A write that only the target has, on the way back, is forgiven when it was counted; both sides never are."""
    bench = Bench(both=True)
    bench.legs.ledger.forgiven.clear()
    bench.legs.sign()
    bench.legs.cut()
    assert ["cut: both sides served at 1 looks of 1"] == bench.legs.flaws

    bench.world.hosts.writes = 0
    bench.legs.back()
    assert "way back: a rollback loses 1 acknowledged writes and files, and 0 were counted" in bench.legs.flaws
    assert 1 == Findings([], bench.legs.flaws).code([])
