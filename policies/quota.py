"""Whether a department's quota and budget bear one more plan beside what others hold; if not, why, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controllers.api.tenant import TenantSpec
from policies.usage import Usage, amounts, quota_amounts

MOST_HOLDERS = 3
YUAN = "yuan a month"


@dataclass(frozen=True, slots=True)
class Holding:
    """What one request holds: by the plan in force, by one that is being built, or by one that is coming into force."""

    request: str
    zone: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One item of which too little is left, and who holds the rest."""

    unit: str
    asked: int
    left: int
    limit: str
    holders: tuple[tuple[str, int], ...]

    @property
    def of_budget(self) -> bool:
        return self.unit == YUAN

    def __str__(self) -> str:
        """`needs 4 vCPUs, 2 left of 8 in zone 'extranet'; request permit-db holds 6`."""
        held = [f"request {name} holds {amount}" for name, amount in self.holders[:MOST_HOLDERS]]
        if len(self.holders) > MOST_HOLDERS:
            held.append(f"{len(self.holders) - MOST_HOLDERS} more hold the rest")
        return f"needs {self.asked} {self.unit}, {self.left} left of {self.limit}; {', '.join(held)}"


def shortfalls(own: Holding, held: Usage, others: Sequence[Holding], tenant: TenantSpec) -> Iterator[Shortfall]:
    """Every item that does not fit. `held` is what the request itself holds already: keeping that is never refused."""
    near = [other for other in others if other.zone == own.zone]
    quota = next((quota_amounts(quota) for quota in tenant.quotas if quota.zone == own.zone), {})
    for unit, limit in quota.items():
        by_request = {other.request: amounts(other.usage)[unit] for other in near}
        words = f"{limit} in zone '{own.zone}'"
        yield from _shortfall(unit, (amounts(own.usage)[unit], amounts(held)[unit]), (limit, words), by_request)
    bills = {other.request: other.usage.monthly_yuan for other in others}
    budget = tenant.monthly_budget_yuan
    yield from _shortfall(YUAN, (own.usage.monthly_yuan, held.monthly_yuan), (budget, f"a budget of {budget}"), bills)


def _shortfall(
    unit: str, asked_and_held: tuple[int, int], limit: tuple[int, str], by_request: Mapping[str, int]
) -> Iterator[Shortfall]:
    asked, held = asked_and_held
    left = limit[0] - sum(by_request.values())
    if asked > max(left, held):
        holders = sorted(((name, amount) for name, amount in by_request.items() if amount), key=lambda one: -one[1])
        yield Shortfall(unit, asked, max(left, 0), limit[1], tuple(holders))
