"""Golden file: a cutover's story → the summary of its evidence, as auditors read it.

After an intended change: `KUNLUN_GOLDEN=write .venv/bin/pytest tests/golden`, and read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from controllers.evidence.cutover_summary import cutover_summary_of
from tests.unit.cutover_case import Case
from tests.unit.cutover_evidence_case import Archived, released, rolled_back

EXPECTED = Path(__file__).parent / "expected"
DIGEST = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{16}|[0-9a-f]{10})\b")


@pytest.mark.parametrize(("name", "story"), [("cutover-rolled-back", rolled_back), ("cutover-released", released)])
def test_a_cutovers_story_becomes_the_summary_of_the_golden_file(name: str, story: Callable[[], Case]) -> None:
    """Who asked, who signed which hash, every step with its times, the downtime, the losses, the retention."""
    said = cutover_summary_of(Archived(story()).moved())
    del said["target"]  # the request's own summary, tried elsewhere
    golden = EXPECTED / f"{name}.yaml"
    found = with_names_for_digests(yaml.safe_dump(said, sort_keys=False, allow_unicode=False, width=120))
    if os.environ.get("KUNLUN_GOLDEN") == "write":
        golden.write_text(found, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == found


def with_names_for_digests(text: str) -> str:
    """The same digest has the same name, also where only its beginning is said; a new field of the API changes none."""
    known: dict[str, str] = {}
    return DIGEST.sub(lambda found: known.setdefault(found[0][:10], f"<digest {len(known) + 1}>"), text)
