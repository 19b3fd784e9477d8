"""`kunlun run`: what cannot be followed is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from controllers.cli import root

CIRCLE = """
stages:
  - {name: a, title: {en: a, zh: a}, needed: Always, because: a, after: [b]}
  - {name: b, title: {en: b, zh: b}, needed: Always, because: b, after: [a]}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [(CIRCLE, "stages wait for each other"), ("stages: [", "stages.yaml"), ("stages: []", "stages")],
    ids=["a circle", "no YAML", "no stage"],
)
def test_a_procedure_that_cannot_be_followed_is_a_usage_error(tmp_path: Path, text: str, words: str) -> None:
    """Exit code 2, with the reason; a running operator would let every plan wait for ever."""
    file = tmp_path / "stages.yaml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(root, ["run", "--cloud", "c", "--stages", str(file), "--state", str(tmp_path / "s")])

    assert 2 == result.exit_code
    assert words in result.output
