"""The shape of the house: rules that no linter knows, so that reviews need not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("controllers", "infra", "policies", "playbooks", "tests")
FOLDERS = {*PACKAGES, "docs"}
FUNCTION_LINES = 50
MODULE_LINES = 300
BANNED = re.compile(r"^(utils?|helpers?|common|misc|managers?|data|info|obj|tmp|do_.*|process_.*)$")
LIBRARIES = {"pulumi", "openstack", "kopf", "grpc", "ansible", "pydantic", "click", "rich"}


def modules() -> list[Path]:
    """Every Python file of the project; none of it is generated."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """(name, lines) of every function in a module, methods included."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def names(paths: list[Path]) -> list[str]:
    """As a person would look them up."""
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_function_is_longer_than_a_screen() -> None:
    """Past 50 lines a function does two things."""
    too_long = [
        f"{module.relative_to(ROOT)}:{name} has {lines} lines"
        for module in modules()
        for name, lines in functions(module)
        if lines > FUNCTION_LINES
    ]

    assert [] == too_long


def test_no_module_is_longer_than_300_lines() -> None:
    """Past that it is split by meaning."""
    assert [] == names([module for module in modules() if len(module.read_text("utf-8").splitlines()) > MODULE_LINES])


def test_every_module_says_what_it_is_for() -> None:
    """The first line of a module is a sentence."""
    assert [] == names([module for module in modules() if not ast.get_docstring(ast.parse(module.read_text("utf-8")))])


def test_no_module_is_named_after_nothing() -> None:
    """A module called after its shelf is where everything ends up."""
    assert [] == names([module for module in modules() if BANNED.match(module.stem)])


def test_no_module_of_infra_is_named_after_a_library() -> None:
    """`infra/openstack.py` would say with what, not what for."""
    folder = ROOT / "infra"
    assert [] == names([path for path in [*folder.rglob("*.py"), *folder.iterdir()] if path.stem in LIBRARIES])


def test_the_folders_at_the_top_are_those_of_the_design() -> None:
    """A new one is a decision, made in docs/design.md first."""
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}

    assert set() == found - FOLDERS - {"dist"}


@pytest.mark.parametrize("script", [".ci/run", ".ci/bootstrap", "Makefile"])
def test_no_script_names_a_registry(script: str) -> None:
    """Packages come from wherever the machine's own configuration says."""
    text = (ROOT / script).read_text(encoding="utf-8")

    assert [] == re.findall(r"https?://\S+|--index-url|--extra-index", text)


def test_every_command_of_the_readme_is_a_target() -> None:
    """What the README tells people to type exists."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text("utf-8")))

    assert set() == told - targets
