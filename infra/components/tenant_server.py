"""A server with its port, its volumes and its public address."""

from __future__ import annotations

from pulumi import ComponentResource, ResourceOptions
from pulumi_openstack.blockstorage import Volume
from pulumi_openstack.compute import Instance, InstanceBlockDeviceArgs, VolumeAttach
from pulumi_openstack.networking import FloatingIp, Port

from infra.components.security_groups import SecurityGroups
from infra.components.tenant_network import TenantNetwork
from infra.stackplan import PUBLIC_PREFIX, ServerPlan, VolumePlan


class TenantServer(ComponentResource):
    """It waits for its port and its boot volume only: the router is finished while the server boots."""

    def __init__(
        self,
        name: str,
        plan: ServerPlan,
        *,
        network: TenantNetwork,
        groups: SecurityGroups,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("kunlun:index:TenantServer", name, None, opts)
        self._plan = plan
        self._declaration = network.declaration
        self._full_name = f"{self._declaration.prefix}-{plan.name}"
        port = self._port(network, groups)
        self._server = self._instance(port, self._boot_volume())
        if plan.public_address:
            self._public_address(network, port)
        for volume in plan.volumes:
            self._data_volume(volume)
        self.register_outputs({})

    def _port(self, network: TenantNetwork, groups: SecurityGroups) -> Port:
        name = f"port-{self._plan.name}"
        return Port(
            name,
            name=self._full_name,
            description=self._declaration.marker(name),
            network_id=network.network.id,
            fixed_ips=[{"subnet_id": network.subnet.id, "ip_address": self._plan.address}],
            security_group_ids=[groups.groups[self._plan.group].id],
            opts=self._declaration.options(self),
        )

    def _public_address(self, network: TenantNetwork, port: Port) -> None:
        """The pool is the uplink, by its id. Before the router has its leg no uplink leads to the port."""
        name = f"{PUBLIC_PREFIX}{self._plan.name}"
        after_the_leg = ResourceOptions(depends_on=[network.interface])
        FloatingIp(
            name,
            pool=network.uplink_id,
            port_id=port.id,
            description=self._declaration.marker(name),
            opts=ResourceOptions.merge(self._declaration.options(self), after_the_leg),
        )

    def _boot_volume(self) -> Volume | None:
        if self._plan.boot_volume_gib is None:
            return None
        name = f"boot-{self._plan.name}"
        return Volume(
            name,
            name=f"{self._full_name}-boot",
            size=self._plan.boot_volume_gib,
            image_id=self._plan.image.id,
            metadata=self._declaration.metadata(name),
            opts=self._declaration.options(self),
        )

    def _instance(self, port: Port, boot: Volume | None) -> Instance:
        name = f"server-{self._plan.name}"
        return Instance(
            name,
            name=self._full_name,
            flavor_id=self._plan.flavor.id,
            image_id=None if boot else self._plan.image.id,
            networks=[{"port": port.id}],
            block_devices=[_boot_device(boot)] if boot else None,
            metadata=self._declaration.metadata(name),
            opts=self._declaration.options(self),
        )

    def _data_volume(self, plan: VolumePlan) -> None:
        name = f"{self._plan.name}.{plan.name}"
        volume = Volume(
            f"volume-{name}",
            name=f"{self._full_name}-{plan.name}",
            size=plan.size_gib,
            metadata=self._declaration.metadata(f"volume-{name}"),
            opts=self._declaration.options(self),
        )
        VolumeAttach(
            f"attachment-{name}",
            instance_id=self._server.id,
            volume_id=volume.id,
            opts=self._declaration.options(self),
        )


def _boot_device(volume: Volume) -> InstanceBlockDeviceArgs:
    """The volume outlives the server's deletion: it is an object of the plan, with its own end."""
    return InstanceBlockDeviceArgs(
        uuid=volume.id,
        source_type="volume",
        destination_type="volume",
        boot_index=0,
        delete_on_termination=False,
    )
