"""docs/reasons.md: at three in the morning no word is without its cause and cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controllers.api.conditions import Reason
from infra import errors

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reasons.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^### `(\w+)`\n((?:- .*\n|  .*\n)+)", re.MULTILINE)
PARTS = ("Means", "Heals by itself", "Do")
LINK = re.compile(r"\]\(([\w-]*\.md)?(?:#([^)]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def own_errors() -> set[str]:
    """The reasons of infra/errors.py: the classes of the tree, without those that only sort them."""
    sorting = {errors.KunlunError, errors.RequestError, errors.PlatformError, errors.TransientError}
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.KunlunError)}
    return {kind.__name__ for kind in kinds - sorting}


def anchors(page: str) -> set[str]:
    """As GitHub makes them from headings."""
    titles = HEADING.findall((DOCS / page).read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_reason_has_one_entry_and_no_entry_is_of_another() -> None:
    """Who adds a reason writes down what it means; who takes one away cleans up."""
    found = [name for name, _ in ENTRY.findall(PAGE)]

    assert sorted(reason.value for reason in Reason) == sorted(found)


def test_every_error_of_the_tree_is_a_reason() -> None:
    """So its class name may appear in a condition, and is explained."""
    assert set() == own_errors() - {reason.value for reason in Reason}


@pytest.mark.parametrize(("name", "text"), ENTRY.findall(PAGE))
def test_an_entry_says_what_it_means_whether_it_heals_and_what_to_do(name: str, text: str) -> None:
    """In this order, each with something to say."""
    parts = re.findall(r"^- \*\*([\w ]+):\*\* (.+)$", text, re.MULTILINE)

    assert list(PARTS) == [title for title, _ in parts], name
    assert all(len(said) >= len("no.") for _, said in parts)


def test_every_link_of_the_page_leads_somewhere() -> None:
    """A cure that is not there is none."""
    broken = [
        f"{page or 'reasons.md'}#{anchor}"
        for page, anchor in LINK.findall(PAGE)
        if not (DOCS / (page or "reasons.md")).exists() or (anchor and anchor not in anchors(page or "reasons.md"))
    ]

    assert [] == broken


@pytest.mark.parametrize("page", ["runbook.md", "api.md", "guide-operations.md", "guide-department.md"])
def test_whoever_meets_a_reason_finds_the_page(page: str) -> None:
    """The pages people read lead to it."""
    assert "(reasons.md" in (DOCS / page).read_text(encoding="utf-8")
