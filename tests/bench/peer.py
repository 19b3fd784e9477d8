"""The other side: the best parallel script we know how to write with openstacksdk, doing the same request.

Threads where calls do not depend on each other, bulk POSTs where Neutron has them, the router first, and one list
call as the poll for all servers, without their details. It keeps no record, asks nobody and cannot be repeated: it is
only fast.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openstack
from openstack.config import OpenStackConfig

from tests.bench.stage import FIRST_HOST, PORTS_OPENED, SERVERS, Stage

POLL_SECONDS = 0.2
AGENT = "best-script"


class Peer:
    """One connection, logged in and with its service catalogue read before the clock starts."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.calls: Counter[str] = Counter()
        self._connection: Any = _connected(stage, self._count)
        self._pool = ThreadPoolExecutor(16)

    def build(self, name: str, prefix: ipaddress.IPv4Network, servers: int = SERVERS) -> None:
        """Returns when all servers are ACTIVE and the router carries the subnet."""
        connection = self._connection
        ports, begun = self._places(name, prefix, servers)
        made = [self._pool.submit(self._server, f"{name}-{number}", port.id) for number, port in enumerate(ports)]
        for waiting in (*made, *begun):  # first what needs no asking again: a poll costs the cloud, too
            waiting.result()
        building = {"details": False, "name": f"^{name}", "status": "BUILD"}  # details would cost Neutron, too
        self._until(lambda: not list(connection.compute.servers(**building)))
        assert ["ACTIVE"] * servers == [one.status for one in connection.compute.servers(name=f"^{name}")]

    def claim(self, name: str, prefix: ipaddress.IPv4Network, pooled: str) -> None:
        """The same with the servers that were built as `pooled`: each is attached to its place."""
        compute = self._connection.compute
        ready = list(compute.servers(name=f"^{pooled}"))
        ports, begun = self._places(name, prefix, len(ready))
        pairs = zip(ready, ports, strict=True)
        put = [self._pool.submit(compute.create_server_interface, server, port_id=port.id) for server, port in pairs]
        for waiting in (*put, *begun):
            waiting.result()

    def _places(self, name: str, prefix: ipaddress.IPv4Network, servers: int) -> tuple[list[Any], list[Future[Any]]]:
        """The servers' ports, and what is still being made beside them."""
        connection, submit = self._connection, self._pool.submit
        router = submit(self._router, name)
        group = submit(connection.network.create_security_group, name=name)
        rules = submit(self._rules, group)
        network = connection.network.create_network(name=name)
        subnet = self._subnet(name, network.id, prefix)
        interface = submit(lambda: connection.network.add_interface_to_router(router.result().id, subnet_id=subnet.id))
        hosts = [{"subnet_id": subnet.id, "ip_address": str(prefix[FIRST_HOST + number])} for number in range(servers)]
        return self._ports(name, network.id, group.result().id, hosts), [rules, interface]

    def build_network(self, name: str, prefix: ipaddress.IPv4Network) -> None:
        """The same without servers: returns when the router carries the subnet."""
        router = self._pool.submit(self._router, name)
        subnet = self._subnet(name, self._connection.network.create_network(name=name).id, prefix)
        self._connection.network.add_interface_to_router(router.result().id, subnet_id=subnet.id)

    def remove_network(self, name: str) -> None:
        """What `build_network` made."""
        network = self._connection.network
        router, subnet = network.find_router(name), network.find_subnet(name)
        network.remove_interface_from_router(router, subnet_id=subnet.id)
        network.delete_router(router)
        network.delete_network(subnet.network_id)

    def remove(self, name: str) -> None:
        """Everything of that name, in parallel where possible."""
        connection = self._connection
        servers = list(connection.compute.servers(name=f"^{name}"))
        list(self._pool.map(connection.compute.delete_server, servers))
        router = connection.network.find_router(name)
        subnet = connection.network.find_subnet(name)
        interface = self._pool.submit(connection.network.remove_interface_from_router, router, subnet_id=subnet.id)
        self._until(lambda: not list(connection.compute.servers(name=f"^{name}")))
        list(self._pool.map(connection.network.delete_port, connection.network.ports(name=name)))
        interface.result()
        gone = self._pool.submit(connection.network.delete_router, router)
        connection.network.delete_security_group(connection.network.find_security_group(name))
        connection.network.delete_network(subnet.network_id)
        gone.result()

    def _router(self, name: str) -> Any:
        gateway = {"network_id": self._stage.uplink_id, "enable_snat": self._stage.source_nat}
        return self._connection.network.create_router(name=name, external_gateway_info=gateway)

    def _rules(self, group: Future[Any]) -> Any:
        body = {"direction": "ingress", "protocol": "tcp", "ethertype": "IPv4", "remote_ip_prefix": "10.0.0.0/8"}
        ports = [{"port_range_min": port, "port_range_max": port} for port in PORTS_OPENED]
        owner = {"security_group_id": group.result().id}
        return list(self._connection.network.create_security_group_rules([owner | body | port for port in ports]))

    def _subnet(self, name: str, network_id: str, prefix: ipaddress.IPv4Network) -> Any:
        return self._connection.network.create_subnet(
            name=name,
            network_id=network_id,
            ip_version=4,
            cidr=str(prefix),
            subnet_pool_id=self._stage.pool_id,
            gateway_ip=str(prefix[1]),
            allocation_pools=[{"start": str(prefix[2]), "end": str(prefix[5])}],
        )

    def _ports(self, name: str, network_id: str, group_id: str, hosts: list[dict[str, str]]) -> list[Any]:
        body = {"name": name, "network_id": network_id, "security_groups": [group_id]}
        return list(self._connection.network.create_ports([body | {"fixed_ips": [host]} for host in hosts]))

    def _server(self, name: str, port_id: str) -> Any:
        stage = self._stage
        return self._connection.compute.create_server(
            name=name, flavor_id=stage.flavor.id, image_id=stage.image.id, networks=[{"port": port_id}]
        )

    def _until(self, seen: Callable[[], bool]) -> None:
        while not seen():
            time.sleep(POLL_SECONDS)

    def _count(self, response: Any, *args: Any, **kwargs: Any) -> None:
        self.calls[response.request.method] += 1


def _connected(stage: Stage, count: Callable[..., None]) -> Any:
    config = OpenStackConfig(config_files=[str(stage.clouds_yaml)], app_name=AGENT).get_one(cloud=stage.cloud_name)
    connection = openstack.connection.Connection(config=config)
    scoped = connection.connect_as_project({"id": stage.project.id, "name": stage.project.name})
    scoped.authorize()
    next(scoped.network.networks(limit=1), None)
    next(scoped.compute.servers(limit=1), None)
    scoped.session.session.hooks["response"].append(count)
    return scoped


class BestScript:
    """The script as one of those that are compared."""

    name = "best script"
    agent = AGENT
    absent = ""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._peer = Peer(stage)

    def cpu_seconds(self) -> float:
        """Of this process: while the script works, it does nothing else."""
        return time.process_time()

    def begin(self, name: str, servers: int) -> Build:
        """Names of what is built are found again by how they begin, so none begins like another."""
        return Build(self._peer, f"{name}-end", next(self._stage.free), servers)


@dataclass(frozen=True, slots=True)
class Build:
    """One request for the script."""

    peer: Peer
    name: str
    prefix: ipaddress.IPv4Network
    servers: int

    def create(self) -> None:
        self.peer.build(self.name, self.prefix, self.servers)

    def delete(self) -> None:
        self.peer.remove(self.name)
