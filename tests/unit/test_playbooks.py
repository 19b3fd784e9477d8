"""What the linter does not know of playbooks: every role says what it takes, and levels are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
ROLES = sorted(path.name for path in (PLAYBOOKS / "roles").iterdir())


def read(path: str) -> Any:
    return yaml.safe_load((PLAYBOOKS / path).read_text("utf-8"))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_what_it_takes(role: str) -> None:
    """Its argument specification names every variable that it has a default for, and no other."""
    options = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert set(read(f"roles/{role}/defaults/main.yml")) == set(options)


@pytest.mark.parametrize("role", ROLES)
def test_the_default_that_a_role_states_is_the_one_it_has(role: str) -> None:
    """Who reads the specification is not told another value than the one that is used."""
    options = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = read(f"roles/{role}/defaults/main.yml")
    fixed = {name: value for name, value in defaults.items() if "{{" not in str(value)}

    assert {name: options[name].get("default") for name in fixed} == fixed


@pytest.mark.parametrize("role", ROLES)
def test_every_handler_runs_after_a_run_that_was_cut_off(role: str) -> None:
    """Nothing is changed any more then, so nobody would notify it by its name."""
    handlers = read(path) if (PLAYBOOKS / (path := f"roles/{role}/handlers/main.yml")).exists() else []

    assert [] == [one["name"] for one in handlers if one.get("listen") != "Put everything in force"]


def test_each_protection_level_has_every_parameter() -> None:
    """Five levels, each with the same parameters; what is audited is known by that word."""
    variables = read("roles/baseline/vars/main.yml")
    levels = variables["baseline_levels"]

    assert [1, 2, 3, 4, 5] == list(levels)
    assert [set(levels[1])] * 5 == [set(level) for level in levels.values()]
    assert set() == {word for level in levels.values() for word in level["audited"]} - set(
        variables["baseline_audit_watches"]
    )


@pytest.mark.parametrize(
    ("parameter", "stricter"),
    [("password_days", -1), ("password_length", 1), ("failed_logins", -1), ("idle_seconds", -1), ("log_days", 1)],
)
def test_a_higher_level_is_never_laxer(parameter: str, stricter: int) -> None:
    """From level to level a parameter stays or becomes stricter."""
    values = [level[parameter] * stricter for level in read("roles/baseline/vars/main.yml")["baseline_levels"].values()]

    assert sorted(values) == values
