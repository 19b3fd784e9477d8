"""Policy over one request: every rule is asked, every violation is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from controllers.api.findings import Finding
from infra.stackplan import StackPlan
from policies import environments, neighbours, rules
from policies.rules import Circumstances

Rule = Callable[[Circumstances], Iterator[Finding]]

REGISTRY_RULES: tuple[Rule, ...] = (
    rules.the_system_is_registered,
    rules.the_system_is_not_classified,
    rules.the_tenant_may_use_the_zone,
    neighbours.flows_come_from_known_requests,
    rules.the_quota_suffices,
    rules.the_budget_suffices,
)
LASTING_RULES: tuple[Rule, ...] = (
    rules.the_zone_exists,
    rules.images_are_in_the_catalogue,
    rules.flavors_are_in_the_catalogue,
    rules.prefixes_stay_out_of_other_zones,
    rules.flows_are_in_the_catalogue,
    rules.public_addresses_are_the_internets,
    environments.the_zone_takes_the_environment,
    environments.flows_stay_within_their_environment,
)
ZONE_RULES: tuple[Rule, ...] = (
    *LASTING_RULES,
    rules.volumes_need_block_storage,
    rules.roles_are_known,
    rules.desktops_have_a_way_to_them,
    environments.lifetimes_stay_within_the_zones_bound,
    environments.nothing_outlives_a_test_environment,
)


def evaluate(case: Circumstances) -> list[Finding]:
    """Every violation of every rule, in the order of the rules."""
    return _violations(REGISTRY_RULES + ZONE_RULES, case)


def evaluate_registry(case: Circumstances) -> list[Finding]:
    """Whether the system may use the cloud at all; asked again at the moment something is built."""
    return _violations((rules.the_system_is_registered, rules.the_system_is_not_classified), case)


def evaluate_in_force(case: Circumstances, stack: StackPlan) -> list[Finding]:
    """What the zone, as it is now, has against what is built: nobody's quota or budget is asked again."""
    return [*_violations(LASTING_RULES, case), *_named(rules.networks_are_in_the_zone, case, stack)]


def evaluate_zone_rules(case: Circumstances) -> list[Finding]:
    """The rules that need no registry: what can be said without a cluster."""
    return _violations(ZONE_RULES, case)


def _named(asked: Callable[..., Iterator[Finding]], *given: Circumstances | StackPlan) -> list[Finding]:
    return [replace(finding, rule=asked.__name__.replace("_", "-")) for finding in asked(*given)]


def _violations(asked: tuple[Rule, ...], case: Circumstances) -> list[Finding]:
    return [finding for rule in asked for finding in _named(rule, case)]
