"""Objects the API server must refuse, each with the words that tell its author what to change.

Every object breaks one rule of form and is valid otherwise, so that the refusal is about that rule.
"""

from __future__ import annotations

from tests.e2e.office import (
    Document,
    a_flow,
    a_permitted_flow,
    a_request,
    a_server,
    a_system,
    a_tenant,
    a_zone,
    an_approval,
)
from tests.e2e.variations import (
    a_named,
    on_networks,
    with_desktops,
    with_flow,
    with_server,
    with_source,
    with_volumes,
)
from tests.unit.cli_stage import a_plan

APP = {"name": "app", "prefixLength": 28}
PLAN = "permit-portal-0123456789"

# What is wrong -> (the object, words the refusal must contain: where, and what to write instead).
INVALID: dict[str, tuple[Document, tuple[str, ...]]] = {
    "a request that is a list": (a_request() | {"spec": []}, ("spec in body must be of type object",)),
    "a request that is text": (a_request() | {"spec": "all of it"}, ("spec in body must be of type object",)),
    "an approval that is a list": (an_approval(PLAN) | {"spec": [PLAN]}, ("spec in body must be of type object",)),
    "an approval that is text": (an_approval(PLAN) | {"spec": "yes"}, ("spec in body must be of type object",)),
    "an approval with groups that are a number": (
        an_approval(PLAN, approverGroups=7),
        ("spec.approverGroups in body must be of type array",),
    ),
    "no system": (a_request(system=None), ("spec.system: Required value",)),
    "no zone": (a_request(zone=None), ("spec.zone: Required value",)),
    "networks left out": (a_request(networks=None), ("spec.networks: Required value",)),
    "no network": (on_networks(), ("spec.networks", "at least 1 items")),
    "too many networks": (
        on_networks(APP, *({"name": f"n{n}", "prefixLength": 28} for n in range(8))),
        ("spec.networks: Too many: 9: must have at most 8 items",),
    ),
    "a network of 65,000 addresses": (
        on_networks(APP | {"prefixLength": 16}),
        ("spec.networks[0].prefixLength", "greater than or equal to 20"),
    ),
    "a network without room": (
        on_networks(APP | {"prefixLength": 30}),
        ("spec.networks[0].prefixLength", "less than or equal to 29"),
    ),
    "a size that is text": (
        on_networks(APP | {"prefixLength": "28"}),
        ("spec.networks[0].prefixLength", 'must be of type integer: "string"'),
    ),
    "two networks of one name": (on_networks(APP, APP), ('spec.networks[1]: Duplicate value: {"name":"app"}',)),
    "two server entries of one name": (
        a_request(servers=[a_server(), a_server()]),
        ('spec.servers[1]: Duplicate value: {"name":"web"}',),
    ),
    "a field that does not exist": (a_request(vms=2), ('unknown field "spec.vms"',)),
    "a misspelt field of a server": (with_server(flavour="c1.small"), ('unknown field "spec.servers[0].flavour"',)),
    "an unknown environment": (
        a_request(environment="Staging"),
        ('spec.environment: Unsupported value: "Staging"', '"Production", "Test"'),
    ),
    "an unknown drift policy": (a_request(driftPolicy="Ignore"), ("spec.driftPolicy", '"Report", "Correct"')),
    "no servers in an entry": (with_server(count=0), ("spec.servers[0].count", "greater than or equal to 1")),
    "too many servers in an entry": (with_server(count=21), ("spec.servers[0].count", "less than or equal to 20")),
    "too many servers in all": (
        a_request(servers=[a_server(name=f"s{n}", count=17) for n in range(4)], flows=None),
        ("spec.servers", "at most 64 servers in all, not 68"),
    ),
    "no flavor": (with_server(flavor=None), ("spec.servers[0].flavor: Required value",)),
    "an image with a space": (with_server(image="debian 12"), ("spec.servers[0].image", "debian 12")),
    "a server name in capitals": (with_server(name="Web"), ("spec.servers[0].name", "should match")),
    "a server name that is too long": (
        with_server(name="w" * 19),
        ("spec.servers[0].name: Too long: may not be more than 18",),
    ),
    "a server on a network that is not there": (
        with_server(network="dmz"),
        ('spec.servers: Invalid value: `network` must name an entry of `networks`, not ["dmz"]',),
    ),
    "desktops on a network that is not there": (
        with_desktops(network="hall"),
        ("spec.desktops", '`network` must name an entry of `networks`, not ["hall"]'),
    ),
    "too many desktops": (with_desktops(count=201), ("spec.desktops[0].count", "less than or equal to 200")),
    "one person for two desktops of a batch": (
        with_desktops(users=["li.na", "li.na"]),
        ('spec.desktops[0].users[1]: Duplicate value: "li.na"',),
    ),
    "a public address of maybe": (
        with_server(publicAddress="maybe"),
        ("spec.servers[0].publicAddress", "must be of type boolean"),
    ),
    "a boot volume of nothing": (with_server(bootVolumeGiB=0), ("spec.servers[0].bootVolumeGiB", "equal to 1")),
    "a data volume of nothing": (
        with_volumes({"name": "records", "sizeGiB": 0}),
        ("spec.servers[0].volumes[0].sizeGiB", "greater than or equal to 1"),
    ),
    "two volumes of one name": (
        with_volumes({"name": "records", "sizeGiB": 1}, {"name": "records", "sizeGiB": 2}),
        ('spec.servers[0].volumes[1]: Duplicate value: {"name":"records"}',),
    ),
    "an unknown fate of a volume": (
        with_volumes({"name": "records", "sizeGiB": 1, "onDelete": "Keep"}),
        ("spec.servers[0].volumes[0].onDelete", '"Retain", "Delete"'),
    ),
    "a flow to servers that are not there": (
        a_request(flows=[a_flow(to="wbe"), a_flow(), a_flow(to="db")]),
        ("spec.flows", '`to` must name an entry of `servers`, not ["wbe", "db"]'),
    ),
    "a flow from servers that are not there": (
        with_source(servers="db"),
        ("spec.flows", '`from.servers` must name an entry of `servers`, not ["db"]'),
    ),
    "a flow from two places": (
        with_source(cidr="172.20.0.0/16", servers="web"),
        ("spec.flows[0].from", "exactly one of these"),
    ),
    "a flow from nowhere": (with_source(), ("spec.flows[0].from", "`request` and `servers`")),
    "a flow from a whole request": (with_source(request="permit-db"), ("spec.flows[0].from", "exactly one of these")),
    "a flow from a prefix and a request": (
        with_source(request="permit-db", cidr="172.20.0.0/16"),
        ("spec.flows[0].from", "exactly one of these"),
    ),
    "a prefix that names a host": (
        with_source(cidr="172.20.0.7/16"),
        ('spec.flows[0].from.cidr: Invalid value: "172.20.0.7/16"', "no host part"),
    ),
    "a prefix that is none": (
        with_source(cidr="10.300.0.0/16"),
        ('spec.flows[0].from.cidr: Invalid value: "10.300.0.0/16"', "such as 10.20.0.0/16"),
    ),
    "a prefix of IPv6": (with_source(cidr="fd00::/8"), ("spec.flows[0].from.cidr", "should match")),
    "no ports": (with_flow(ports=[]), ("spec.flows[0].ports", "at least 1 items")),
    "a port without a protocol": (with_flow(ports=["443"]), ("spec.flows[0].ports[0]", "(tcp|udp)/")),
    "a port that is a number": (with_flow(ports=[443]), ("spec.flows[0].ports[0]", "must be of type string")),
    "a port beyond the last": (
        with_flow(ports=["tcp/443", "tcp/70000"]),
        ('spec.flows[0].ports[1]: Invalid value: "tcp/70000": ports end at 65535',),
    ),
    "a range from high to low": (
        with_flow(ports=["udp/5010-5000"]),
        ('spec.flows[0].ports[0]: Invalid value: "udp/5010-5000": a range starts with its lower port',),
    ),
    "a port twice": (with_flow(ports=["tcp/443", "tcp/443"]), ('spec.flows[0].ports[1]: Duplicate value: "tcp/443"',)),
    "a flow without a purpose": (with_flow(purpose=None), ("spec.flows[0].purpose: Required value",)),
    "a flow with an empty purpose": (with_flow(purpose=""), ("spec.flows[0].purpose", "at least 1 chars")),
    "a lifetime in production": (
        a_request(timeToLive="8h"),
        ("spec.timeToLive", "`timeToLive` is for `environment: Test` only"),
    ),
    "a lifetime in words": (
        a_request(environment="Test", timeToLive="soon"),
        ('spec.timeToLive: Invalid value: "soon"', "should match"),
    ),
    "a lifetime after which something is released": (
        a_request(environment="Test", timeToLive="8h", deletionPolicy="Release"),
        ("spec.deletionPolicy", "with a `timeToLive` nothing may stay: `deletionPolicy` must be Delete"),
    ),
    "a lifetime of what exists already": (
        a_request(environment="Test", timeToLive="8h", imports=[{"name": "router", "id": "r1"}]),
        ("spec.imports", "take over what exists in a request without one"),
    ),
    "a lifetime after which data stays": (
        a_request(environment="Test", timeToLive="8h", servers=[a_server(volumes=[{"name": "data", "sizeGiB": 1}])]),
        ("spec.servers", "`onDelete` of every volume must be Delete"),
    ),
    "a lifetime beyond the zone's bound": (
        a_request(environment="Test", timeToLive="15d"),
        ('`spec.timeToLive` may be at most 14d in zone "extranet", not 15d',),
    ),
    "a zone without environments": (a_zone(environments=[]), ("spec.environments", "at least 1 items")),
    "a request name that is too long": (
        a_named(a_request(), "a" * 41),
        ("metadata.name: Too long: may not be more than 40",),
    ),
    "a request name with a dot": (a_named(a_request(), "permit.portal"), ("metadata.name", "should match")),
    "nobody as the requester": (a_request(requestedBy=""), ("spec.requestedBy", "at least 1 chars")),
    "a requester with a line break": (a_request(requestedBy="li\nna"), ("spec.requestedBy", "should match")),
    "a system of protection level 6": (
        a_system(protectionLevel=6),
        ("spec.protectionLevel", "less than or equal to 5"),
    ),
    "a system of unknown classification": (
        a_system(classification="Secret"),
        ("spec.classification", '"Classified", "NonClassified"'),
    ),
    "a system nobody answers for": (a_system(owner=None), ("spec.owner: Required value",)),
    "a system without a title": (a_system(title=""), ("spec.title", "at least 1 chars")),
    "a filing number with a space": (a_system(filingNumber="MZ 17"), ('spec.filingNumber: Invalid value: "MZ 17"',)),
    "an unknown migration decision": (a_system(migration="Later"), ("spec.migration", '"AdaptThenMigrate"')),
    "a zone of unknown class": (a_zone(**{"class": "Public"}), ("spec.class", '"Extranet", "Private", "Internet"')),
    "a zone without prefixes": (a_zone(prefixes=[]), ("spec.prefixes", "at least 1 items")),
    "a reserved prefix outside the zone": (
        a_zone(reservedPrefixes=["198.51.100.0/24"]),
        ("spec.reservedPrefixes", "must lie in one of `prefixes`"),
    ),
    "a zone prefix that names a host": (a_zone(prefixes=["192.0.2.1/24"]), ("spec.prefixes[0]", "no host part")),
    "a permitted flow from two places": (
        a_zone(flows=[a_permitted_flow(zone="internet", cidr="10.0.0.0/8")]),
        ("spec.flows[0].from", "must be `zone` or `cidr`"),
    ),
    "a permitted flow from nowhere": (a_zone(flows=[a_permitted_flow()]), ("must be `zone` or `cidr`",)),
    "a permitted range that runs backwards": (
        a_zone(flows=[a_permitted_flow(ports=["tcp/90-80"], zone="internet")]),
        ("spec.flows[0].ports[0]", "starts with its lower port"),
    ),
    "an image listed twice": (
        a_zone(images=[{"name": "debian-12"}, {"name": "debian-12"}]),
        ('spec.images[1]: Duplicate value: {"name":"debian-12"}',),
    ),
    "two quotas for one zone": (
        a_tenant(quotas=[{"zone": "extranet"}, {"zone": "extranet"}]),
        ('spec.quotas[1]: Duplicate value: {"zone":"extranet"}',),
    ),
    "a reader who is two": (
        a_tenant(readers=[{"user": "li.na", "group": "clerks"}]),
        ("spec.readers[0]", "a reader is a `user` or a `group`"),
    ),
    "a budget below zero": (a_tenant(monthlyBudgetYuan=-1), ("spec.monthlyBudgetYuan", "equal to 0")),
    "a tenant without a quota": (a_tenant(quotas=[]), ("spec.quotas", "at least 1 items")),
    "an approval of a request, not of a plan": (an_approval("permit-portal"), ("spec.plan", "should match")),
    "an approval that is undecided": (
        an_approval(PLAN, decision="Maybe"),
        ("spec.decision", '"Approved", "Denied"'),
    ),
    "an approval without a stage": (an_approval(PLAN, stage=None), ("spec.stage: Required value",)),
    "a denial without a reason": (
        an_approval(PLAN, decision="Denied"),
        ("spec.reason", "a denial must state a `reason`"),
    ),
    "a denial with a blank reason": (
        an_approval(PLAN, decision="Denied", reason="  "),
        ("spec.reason", "a denial must state a `reason`"),
    ),
    "a plan of another name": (
        a_named(a_plan(), "permit-portal-0000000000"),
        ("a Plan is named <request>-<first ten of its digest>",),
    ),
}
