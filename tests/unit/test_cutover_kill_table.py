"""The kill table of cutovers, without a cutover: who is killed where, what the journal says of it, when it is wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from controllers.api.cutoversteps import Side, Step
from controllers.cutover.way import SWITCH
from tests.crash.cutover.__main__ import arguments, wanted
from tests.crash.cutover.cells import (
    BACK,
    RIGHT,
    STEPS,
    Became,
    Cell,
    Kill,
    late_cells,
    rounds,
    rounds_again,
    window_seconds,
)
from tests.crash.cutover.findings import (
    Blow,
    Finding,
    Findings,
    again_by,
    became,
    done_twice,
    table,
    usual_seconds,
)
from tests.crash.cutover.ledger import look_flaws, loss_flaws, side_flaws, write_flaws

KEY, OTHER = "0123456789", "9876543210"
COPY = Blow(Cell(Step.FINAL_SYNC, Kill.PLAYBOOK, 1), KEY, 1)


def a_line(step: Step, event: str, attempt: int = 1, key: str = KEY, **fields: Any) -> dict[str, Any]:
    return {"step": step.value, "event": event, "attempt": attempt, "key": key, **fields}


def found(step: Step, kill: Kill, what: Became, seed: int = 1) -> Finding:
    return Finding(Cell(step, kill, seed), what, 1.5)


def test_a_seeds_rounds_try_each_kill_at_each_step_once() -> None:
    """And neighbours differ, so that what one does to the next is seen, too."""
    own = list(rounds(1, STEPS, list(Kill)))
    pairs = Counter((cell.step, cell.kill) for one in own for cell in one.values())

    assert 3 == len(own)
    assert {(step, kill): 1 for step in STEPS for kill in Kill if kill is not Kill.LATE} == dict(pairs)
    assert all(one[a].kill is not one[b].kill for one in own for a, b in pairwise(STEPS))


def test_a_choice_of_steps_and_kills_takes_no_round_more_than_it_needs() -> None:
    """And none at all for what is late only."""
    assert [1] == [len(one) for one in rounds(1, [Step.WATCH], [Kill.BOTH])]
    assert [] == list(rounds(1, STEPS, [Kill.LATE]))
    assert [Step.FINAL_SYNC] == [cell.step for cell in late_cells(1, [Step.FINAL_SYNC, Step.WATCH], list(Kill))]
    assert [] == late_cells(1, STEPS, [Kill.BOTH])


def test_what_came_too_late_is_tried_again_in_as_few_rounds_as_there_can_be() -> None:
    """Each of it once; what is late has no rounds."""
    missed = [
        (Step.WATCH, Kill.BOTH),
        (Step.WATCH, Kill.OPERATOR),
        (Step.RETAIN, Kill.BOTH),
        (Step.FINAL_SYNC, Kill.LATE),
    ]
    first, second = rounds_again(4, missed)

    assert {Step.WATCH: Kill.BOTH, Step.RETAIN: Kill.BOTH} == {step: cell.kill for step, cell in first.items()}
    assert {Step.WATCH: Cell(Step.WATCH, Kill.OPERATOR, 4)} == second
    assert [] == list(rounds_again(4, []))


def test_every_step_but_a_release_is_in_the_table() -> None:
    """A step that is added is killed, or somebody says why not."""
    assert set(Step) - {Step.RELEASE} == set(STEPS)
    assert set(Kill) == set(RIGHT)


def test_the_same_cell_comes_at_the_same_moment() -> None:
    """Of a step as long as it usually is, and never in its last part."""
    moments = [Cell(Step.WATCH, Kill.BOTH, seed).moment_seconds(60.0) for seed in range(50)]

    assert moments == [Cell(Step.WATCH, Kill.BOTH, seed).moment_seconds(60.0) for seed in range(50)]
    assert 0 <= min(moments) < 10
    assert 40 < max(moments) <= 48


def test_a_window_leaves_time_to_come_to_the_step() -> None:
    """Twice what it usually takes, and a minute."""
    usual = dict.fromkeys(SWITCH, 10.0)

    assert [80.0, 180.0] == [window_seconds(step, usual) for step in (SWITCH[0], SWITCH[-1])]
    assert 70.0 == window_seconds(SWITCH[0], {})


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        (Became.STUCK, []),
        (Became.STUCK, [a_line(Step.FINAL_SYNC, "Begun")]),
        (Became.STUCK, [a_line(Step.FINAL_SYNC, "Begun"), a_line(Step.FINAL_SYNC, "Failed")]),
        (Became.MISSED, [a_line(Step.FINAL_SYNC, "Begun"), a_line(Step.FINAL_SYNC, "Done")]),
        (
            Became.RESUMED,
            [
                a_line(Step.FINAL_SYNC, "Begun"),
                a_line(Step.FINAL_SYNC, "Begun", 2),
                a_line(Step.FINAL_SYNC, "Done", 2),
                a_line(Step.UNFREEZE_SOURCE, "Done"),
            ],
        ),
        (
            Became.WENT_BACK,
            [
                a_line(Step.FINAL_SYNC, "Begun"),
                a_line(Step.UNFREEZE_SOURCE, "Begun", key=OTHER),
                a_line(Step.UNFREEZE_SOURCE, "Done", key=OTHER),
            ],
        ),
        (Became.STUCK, [a_line(Step.UNFREEZE_SOURCE, "Done", key=OTHER), a_line(Step.FINAL_SYNC, "Begun")]),
        (Became.STUCK, [a_line(Step.FINAL_SYNC, "Begun"), a_line(Step.FINAL_SYNC, "Done", 2, key=OTHER)]),
    ],
    ids=["nothing", "begun", "failed", "done by itself", "done again", "gone back", "gone back before", "another key"],
)
def test_the_journal_tells_what_came_of_a_kill(expected: Became, lines: list[dict[str, Any]]) -> None:
    """Under the same key, or on the source; nothing else is an end."""
    assert expected is became(COPY, lines)


def test_the_last_step_of_the_way_back_is_resumed_and_not_gone_back() -> None:
    """Its own end is that of the way."""
    blow = Blow(Cell(Step.UNFREEZE_SOURCE, Kill.BOTH, 1), KEY, 1)
    lines = [a_line(Step.UNFREEZE_SOURCE, "Begun"), a_line(Step.UNFREEZE_SOURCE, "Done", 2)]

    assert Became.RESUMED is became(blow, lines)


def test_a_target_that_is_opened_after_all_is_resumed() -> None:
    """The way back was begun, and would have lost writes: the cut is completed, under another key."""
    blow = Blow(Cell(Step.UNFREEZE_TARGET, Kill.LATE, 1), KEY, 1)
    lines = [
        a_line(Step.UNFREEZE_TARGET, "Begun"),
        a_line(Step.FREEZE_TARGET, "Done", key=OTHER),
        a_line(Step.UNFREEZE_TARGET, "Begun", key=OTHER),
    ]

    assert Became.STUCK is became(blow, lines)
    assert Became.RESUMED is became(blow, [*lines, a_line(Step.UNFREEZE_TARGET, "Done", key=OTHER)])


def test_work_that_is_done_twice_under_one_key_is_seen() -> None:
    """Under another key it is another piece of work."""
    once = [a_line(Step.FINAL_SYNC, "Done"), a_line(Step.FINAL_SYNC, "Done", key=OTHER)]

    assert [] == done_twice(once)
    assert [f"step FinalSync was done 2 times under key {KEY}"] == done_twice(
        [*once, a_line(Step.FINAL_SYNC, "Done", 2)]
    )


def test_how_long_a_step_usually_takes_is_told_by_its_recap() -> None:
    """The last one counts; what has no recap is not known."""
    lines = [
        a_line(Step.WATCH, "Done", recap={"seconds": 90}),
        a_line(Step.WATCH, "Done", recap={"seconds": 60}),
        a_line(Step.RETAIN, "Done"),
    ]

    assert {Step.WATCH: 60.0} == usual_seconds(lines)


@pytest.mark.parametrize(
    ("kill", "what", "right"),
    [
        (Kill.PLAYBOOK, Became.RESUMED, True),
        (Kill.PLAYBOOK, Became.WENT_BACK, False),
        (Kill.LATE, Became.WENT_BACK, True),
        (Kill.LATE, Became.RESUMED, True),
        (Kill.LATE, Became.STUCK, False),
        (Kill.BOTH, Became.MISSED, True),
    ],
)
def test_what_may_come_of_a_kill(kill: Kill, what: Became, right: bool) -> None:
    """Within its window a cut goes on; past it, it may go back; it is never left in the middle."""
    one = found(Step.FINAL_SYNC, kill, what)

    assert right is one.is_right
    assert right is ("again by" not in str(one))


def test_only_a_table_without_gaps_and_flaws_is_a_success() -> None:
    """What no seed has met proves nothing; a flaw of a whole way counts as well."""
    cells = wanted([Step.FINAL_SYNC], [Kill.BOTH])
    missed, met = (found(Step.FINAL_SYNC, Kill.BOTH, what) for what in (Became.MISSED, Became.RESUMED))

    assert 0 == Findings([missed, met]).code(cells)
    assert 1 == Findings([missed]).code(cells)
    assert 1 == Findings([]).code(cells)
    assert 1 == Findings([met], ["cut: both sides served"]).code(cells)
    assert 1 == Findings([met, found(Step.FINAL_SYNC, Kill.BOTH, Became.STUCK)]).code(cells)


def test_the_table_has_a_row_a_step_and_says_what_was_wrong() -> None:
    """With the command that comes to it again."""
    stuck = found(Step.WATCH, Kill.OPERATOR, Became.STUCK, 3)
    findings = Findings(
        [
            found(Step.FINAL_SYNC, Kill.BOTH, Became.RESUMED),
            found(Step.FINAL_SYNC, Kill.BOTH, Became.RESUMED, 2),
            found(Step.FINAL_SYNC, Kill.BOTH, Became.MISSED, 3),
            found(Step.FINAL_SYNC, Kill.LATE, Became.WENT_BACK),
            stuck,
        ],
        ["cut: 1 writes are there twice: [7]"],
    )

    assert [
        "step             playbook             operator             both                 late",
        "FinalSync                                                  2 resumed, 1 missed  1 went back",
        "Watch                                 1 stuck!",
        "Watch/operator seed 3: stuck (1.5 s); again by --steps Watch --kills operator --seed 3",
        "cut: 1 writes are there twice: [7]",
    ] == table(findings).splitlines()
    assert "--steps Watch --kills operator --seed 3" == again_by(stuck.cell)


@pytest.mark.parametrize(
    ("acknowledged", "numbers", "files", "said"),
    [
        ({1, 10}, [1, 10, 11], {10}, []),
        ({1, 2}, [1], set(), ["1 acknowledged writes are lost: [2]"]),
        ({1}, [1, 1], set(), ["1 writes are there twice: [1]"]),
        ({10, 20}, [10, 20], {10}, ["1 files of acknowledged writes are lost: [20]"]),
    ],
    ids=["all is kept", "a row is lost", "a row is there twice", "a file is lost"],
)
def test_what_was_acknowledged_is_kept_once(
    acknowledged: set[int], numbers: list[int], files: set[int], said: list[str]
) -> None:
    """More than that may be there: an answer can get lost."""
    assert said == list(write_flaws(acknowledged, numbers, files))


def test_nobody_loses_more_than_he_was_told() -> None:
    """Less is no harm: writes that nobody acknowledged are counted, too."""
    assert [] == list(loss_flaws(3, 5))
    assert 1 == len(list(loss_flaws(6, 5)))


@pytest.mark.parametrize(
    ("live", "taking", "said"),
    [
        (Side.TARGET, {Side.TARGET}, []),
        (Side.NEITHER, set(), []),
        (Side.TARGET, {Side.SOURCE, Side.TARGET}, ["the source takes writes while it is not live"]),
        (Side.NEITHER, {Side.TARGET}, ["the target takes writes while it is not live"]),
        (Side.SOURCE, set(), ["the source is live and takes no writes"]),
    ],
)
def test_exactly_the_side_that_is_live_takes_writes(live: Side, taking: set[Side], said: list[str]) -> None:
    """Asked of its database: a service that is stopped keeps nobody else from writing."""
    assert said == list(side_flaws(live, taking))


def test_a_look_that_sees_both_sides_is_a_flaw_and_so_is_no_look() -> None:
    """Only what was seen on this way counts: in a trial both serve."""
    before = Counter(source=3, both=40)

    assert [] == list(look_flaws(before, before + Counter(target=1)))
    assert ["both sides served at 1 looks of 2"] == list(look_flaws(before, before + Counter(target=1, both=1)))
    assert ["nobody has looked at the sides"] == list(look_flaws(before, before))


def test_every_cell_that_can_be_is_wanted() -> None:
    """Late ones only where there is a window."""
    pairs = wanted(STEPS, list(Kill))

    assert 3 * len(STEPS) + len(SWITCH) == len(pairs) == len(set(pairs))
    assert not [pair for pair in pairs if pair[1] is Kill.LATE and pair[0] in BACK]


def test_the_command_line_takes_names_and_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """By commas; a name that there is not is a misuse."""
    chosen = arguments(["--steps", "Watch, Retain", "--kills", "both"])

    assert ([Step.WATCH, Step.RETAIN], [Kill.BOTH]) == (chosen.steps, chosen.kills)
    with pytest.raises(SystemExit):
        arguments(["--steps", "Dance"])
    assert "no such step: Dance; there are Preflight, Adapt" in capsys.readouterr().err
