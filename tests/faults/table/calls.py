"""The calls of the table, in the order in which one request makes them: each can be met only after those before it."""

from __future__ import annotations

from controllers.api.stored import DECISIONS
from tests.faults.calls import KUBERNETES, Kind


def _network(method: str, *collections: str) -> tuple[Kind, ...]:
    return tuple(("network", method, collection) for collection in collections)


TOKENS: Kind = ("identity", "POST", "auth/tokens")
RECORD: Kind = (KUBERNETES, "POST", DECISIONS.plural)
# What one call of a chain makes is needed by the next: a fault on the first keeps the others from being sent.
BUILDING: tuple[tuple[Kind, ...], ...] = (
    (*_network("POST", "networks", "subnets", "ports"), ("compute", "POST", "servers"), ("compute", "GET", "servers")),
    (
        *(TOKENS, *_network("POST", "routers"), *_network("PUT", "routers/add_router_interface")),
        *_network("POST", "floatingips"),
    ),
    (RECORD, *_network("POST", "security-groups", "security-group-rules")),
    (*_network("POST", "address-groups"), *_network("PUT", "routers/add_extraroutes")),
)
REMOVING: tuple[tuple[Kind, ...], ...] = (
    (("compute", "DELETE", "servers"), *_network("DELETE", "ports", "subnets", "networks")),
    (
        *_network("DELETE", "floatingips"),
        *(*_network("PUT", "routers/remove_router_interface"), *_network("DELETE", "routers")),
    ),
    _network("DELETE", "security-groups"),
    (*_network("PUT", "routers/remove_extraroutes"), *_network("DELETE", "address-groups")),
)
OF_LINKS: frozenset[Kind] = frozenset((*BUILDING[-1], *REMOVING[-1]))
"""Only a request that another one calls makes these."""
LISTS: tuple[Kind, ...] = (
    *_network("GET", "routers", "networks", "subnets", "security-groups", "address-groups", "ports", "floatingips"),
    ("compute", "GET", "servers/detail"),
)
OF_ZONES: tuple[Kind, ...] = (
    *_network("GET", "networks", "subnetpools"),
    ("image", "GET", "images"),
    ("compute", "GET", "flavors/detail"),
)
OF_TENANTS: tuple[Kind, ...] = (
    ("identity", "GET", "projects"),
    ("identity", "GET", "role_assignments"),
    ("compute", "PUT", "os-quota-sets"),
    *_network("PUT", "quotas"),
    *_network("GET", "rbac-policies"),
)
REQUEST_CALLS: tuple[Kind, ...] = (*(kind for chain in (*BUILDING, *REMOVING) for kind in chain), *LISTS)
ALL_CALLS: tuple[Kind, ...] = (*REQUEST_CALLS, *OF_ZONES, *OF_TENANTS)


def call_name(kind: Kind) -> str:
    """`POST ports`."""
    return f"{kind[1]} {kind[2]}"
