"""What every step's playbook is told: the spec with every name resolved to hosts of the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controllers.api.cutover import When
from controllers.api.moves import Packages, Proxy
from controllers.api.times import later_by, seconds_between
from controllers.cutover.facts import Facts
from controllers.cutover.hosts import Sides

LOOK_SECONDS = 5
LEAST_WATCH_SECONDS = 1
LOOPBACK = "127.0.0.1"


def variables_of(facts: Facts, sides: Sides, *, hooks: str) -> dict[str, Any]:
    """The whole contract with `playbooks/cutover`; `hooks` is the folder of the department's own tasks, or empty."""
    meta, spec = facts.cutover.meta, facts.spec
    return {
        "kunlun_cutover": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
        "kunlun_adapt": list(_adapt(facts)),
        "kunlun_files": list(_files(facts, sides)),
        "kunlun_databases": list(_databases(facts, sides)),
        "kunlun_source_units": [{"host": f"source.{one.host}", "unit": one.unit} for one in spec.service.source],
        "kunlun_target_units": [
            {"host": host, "unit": one.unit}
            for one in spec.service.target
            for host in sides.servers.get(one.servers, ())
        ],
        "kunlun_health": spec.service.health.model_dump(mode="json"),
        "kunlun_proxy": _proxy(spec.service.switch.proxy, sides),
        "kunlun_callers": list(_callers(facts)),
        "kunlun_stress": _stress(facts, sides),
        "kunlun_watch": _watch(facts),
        "kunlun_retention": {
            "keep": spec.retention.keep.value,
            "afterwards": spec.retention.afterwards.value,
            "until": facts.retain_until or "",
        },
        "kunlun_hooks": list(_hooks(facts)),
        "kunlun_hooks_folder": hooks,
    }


def watch_seconds(facts: Facts) -> float:
    """What is left of the supervision, from the switch on; a watch that was cut off is not begun from the start."""
    switched = facts.journal.switched_time or facts.now
    left = seconds_between(facts.now, later_by(switched, facts.spec.supervision.minutes * 60.0))
    return max(left, LEAST_WATCH_SECONDS)


def row_seconds(facts: Facts) -> float:
    """How long a row of failures takes at most: a watch does not end in the middle of one."""
    failures, within = facts.spec.supervision.roll_back_after_failures, facts.spec.service.health.within_seconds
    return failures * float(LOOK_SECONDS + within)


def _adapt(facts: Facts) -> Iterator[Mapping[str, Any]]:
    """What old hosts have to be like before they move; of a host of which nothing is asked, nothing."""
    for one in facts.spec.source.hosts:
        postgres = {} if one.postgres_major is None else {"postgres_major": one.postgres_major}
        asked = {**postgres, **({"packages": one.packages.value} if one.packages is not Packages.AS_THEY_ARE else {})}
        if asked:
            yield {"host": f"source.{one.name}", **asked}


def _files(facts: Facts, sides: Sides) -> Iterator[Mapping[str, Any]]:
    for one in facts.spec.moves.files:
        yield {
            "name": one.name,
            "source": f"source.{one.host}",
            "path": one.path,
            "targets": list(sides.servers.get(one.to, ())),
            "target_path": one.target_path or one.path,
        }


def _databases(facts: Facts, sides: Sides) -> Iterator[Mapping[str, Any]]:
    for one in facts.spec.moves.databases:
        for target in sides.servers.get(one.to, ()):
            yield {"name": one.name, "database": one.database, "source": f"source.{one.host}", "target": target}


def _proxy(proxy: Proxy, sides: Sides) -> Mapping[str, Any]:
    host = f"source.{proxy.host}"
    back = LOOPBACK if proxy.from_host in (None, proxy.host) else sides.address(f"source.{proxy.from_host}")
    return {
        "host": host,
        "port": proxy.port,
        "servers": _addresses(proxy.to, sides),
        "to_port": proxy.to_port,
        "back": {"address": back, "port": proxy.from_port},
    }


def _callers(facts: Facts) -> Iterator[Mapping[str, Any]]:
    service = facts.spec.service
    for one in service.callers:
        yield {"host": f"source.{one.host}", "url": one.url}
    if not service.callers:
        proxy = service.switch.proxy
        yield {"host": f"source.{proxy.host}", "url": f"http://{LOOPBACK}:{proxy.port}{service.health.path}"}


def _stress(facts: Facts, sides: Sides) -> Mapping[str, Any]:
    service = facts.spec.service
    return {
        **facts.spec.trial.stress.model_dump(mode="json"),
        "host": f"source.{service.switch.proxy.host}",
        "servers": _addresses(service.switch.proxy.to, sides),
        "port": service.switch.proxy.to_port,
        "path": service.health.path,
    }


def _watch(facts: Facts) -> Mapping[str, Any]:
    failures = facts.spec.supervision.roll_back_after_failures
    return {"seconds": int(watch_seconds(facts)), "every_seconds": LOOK_SECONDS, "failures": failures}


def _hooks(facts: Facts) -> Iterator[Mapping[str, Any]]:
    """Of all steps, in order: whoever makes an inventory does not know yet which is run."""
    for one in sorted(facts.spec.hooks, key=lambda hook: hook.when is When.AFTER):
        yield {"name": one.name, "step": one.step.value, "when": one.when.value}


def _addresses(entry: str, sides: Sides) -> list[Mapping[str, Any]]:
    return [{"host": host, "address": sides.address(host)} for host in sides.servers.get(entry, ())]
