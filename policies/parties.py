"""Who has to accept the trial of a cutover, and how long a trial lasts at least: data, in `stages.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from controllers.api.fields import ObjectName, ShortText
from infra.wire import WireModel

MOST_PARTIES = 16


@dataclass(frozen=True, slots=True)
class CutoverCase:
    """What a procedure may ask about a cutover."""

    tenant: str
    protection_level: int
    zone: str


class CutoverFacts(WireModel):
    """Facts that hold together. Whatever is left out is not asked; without any, it is every cutover."""

    tenants: Annotated[tuple[ObjectName, ...], Field(max_length=256)] = ()
    protection_level_from: Annotated[int, Field(ge=1, le=5)] | None = None
    zones: Annotated[tuple[ObjectName, ...], Field(max_length=16)] = ()

    def applies(self, case: CutoverCase) -> bool:
        """Whether all of it holds."""
        level = self.protection_level_from
        return all(
            (
                not self.tenants or case.tenant in self.tenants,
                level is None or case.protection_level >= level,
                not self.zones or case.zone in self.zones,
            )
        )


class PartyTitle(WireModel):
    """The party's name in the users' languages."""

    en: ShortText
    zh: ShortText


class Party(WireModel):
    """Somebody whose signature is needed. People sign for it who hold the verb `sign` on `parties` of its name."""

    name: ObjectName
    title: PartyTitle
    needed: CutoverFacts = CutoverFacts()
    because: ShortText


class LeastTrial(WireModel):
    """A trial that lasts at least so many days."""

    days: Annotated[int, Field(ge=1, le=365)]
    needed: CutoverFacts = CutoverFacts()


class CutoverProcedure(WireModel):
    """What the procedure asks of cutovers."""

    parties: Annotated[tuple[Party, ...], Field(min_length=2, max_length=MOST_PARTIES)]
    trials: Annotated[tuple[LeastTrial, ...], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _is_two_sided(self) -> CutoverProcedure:
        names = [party.name for party in self.parties]
        if len(set(names)) < len(names):
            raise ValueError("a party is listed twice")
        if len([party for party in self.parties if party.needed == CutoverFacts()]) < 2:  # noqa: PLR2004
            raise ValueError("every cutover needs two parties at least: leave out `needed` for two of them")
        return self

    def required(self, case: CutoverCase) -> tuple[str, ...]:
        """The parties that have to accept, in the order of the procedure."""
        return tuple(party.name for party in self.parties if party.needed.applies(case))

    def least_days(self, case: CutoverCase) -> int:
        """How long a trial lasts at least, whatever the cutover says itself."""
        return max(self._days(case), default=1)

    def _days(self, case: CutoverCase) -> Iterator[int]:
        return (trial.days for trial in self.trials if trial.needed.applies(case))


TWO_SIDES = CutoverProcedure(
    parties=(
        Party(
            name="department",
            title=PartyTitle(en="Department", zh="部门"),
            because="It owns the system and its data, and answers for both.",
        ),
        Party(
            name="provider",
            title=PartyTitle(en="Cloud provider", zh="云服务商"),
            because="It answers for the platform the system comes to.",
        ),
    )
)
"""What holds where a procedure says nothing of cutovers."""
