"""Golden files: request → decision and plan.

After an intended change: `KUNLUN_GOLDEN=write .venv/bin/pytest tests/golden`, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.request.offline import plan_offline
from tests.build import shipped_zones

HERE = Path(__file__).parent
ASKED = sorted([*HERE.glob("requests/*.yaml"), *HERE.glob("refused/*.yaml")])


@pytest.mark.parametrize("path", ASKED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_request_becomes_what_the_golden_file_says(path: Path) -> None:
    """Decisions and plans change only on purpose: the file's diff is what a reviewer reads."""
    golden = HERE / "expected" / path.name
    found = yaml.safe_dump(_decided(path), sort_keys=False, allow_unicode=False, width=120)
    if os.environ.get("KUNLUN_GOLDEN") == "write":
        golden.write_text(found, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == found


def _decided(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    outcome = plan_offline(document, shipped_zones())
    if outcome.content is None:
        return {"refused": [f"{finding.where}: {finding.what}" for finding in outcome.problems]}
    return {"plan": outcome.content.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
