"""Which stages a plan needs: read from `stages.yaml`, so that a change of procedure is a change of data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from controllers.api.fields import ObjectName, ShortText
from controllers.api.plan import RequiredStage
from infra.wire import WireModel

STAGES_FILE = Path(__file__).with_name("stages.yaml")


class Needed(StrEnum):
    """When a stage is needed."""

    ALWAYS = "Always"


class Title(WireModel):
    """The stage's name in the users' languages."""

    en: ShortText
    zh: ShortText


class Stage(WireModel):
    """One step of approval."""

    name: ObjectName
    title: Title
    needed: Needed
    because: ShortText


class Stages(WireModel):
    """The whole procedure, in order."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=16)]


def load_stages(path: Path = STAGES_FILE) -> Stages:
    """Read the procedure. Raises pydantic's ValidationError when the file does not fit the form."""
    return Stages.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def required_stages(procedure: Stages) -> tuple[RequiredStage, ...]:
    """The stages a plan needs, each with its reason."""
    return tuple(RequiredStage(stage=stage.name, because=stage.because) for stage in procedure.stages)
