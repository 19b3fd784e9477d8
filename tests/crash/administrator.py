"""What the cloud's administrator does to the operator; all of it is undone at the end of the block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openstack.config import OpenStackConfig
from openstack.connection import Connection

OPERATOR_USER = "kunlun-operator"
REASON = "crash test"


@contextmanager
def user_is_disabled(clouds_yaml: Path) -> Iterator[None]:
    """The operator's user cannot log in, and its tokens are worthless."""
    with _administrator(clouds_yaml) as cloud:
        user = cloud.identity.find_user(OPERATOR_USER, ignore_missing=False).id
        cloud.identity.update_user(user, is_enabled=False)
        try:
            yield
        finally:
            cloud.identity.update_user(user, is_enabled=True)


@contextmanager
def no_host_takes_servers(clouds_yaml: Path) -> Iterator[None]:
    """Every nova-compute is disabled: new servers end in ERROR with "No valid host was found"."""
    with _administrator(clouds_yaml) as cloud:
        services = [service for service in cloud.compute.services() if service.binary == "nova-compute"]
        for service in services:
            cloud.compute.disable_service(service, disabled_reason=REASON)
        try:
            yield
        finally:
            for service in services:
                cloud.compute.enable_service(service)


@contextmanager
def _administrator(clouds_yaml: Path) -> Iterator[Connection]:
    cloud = Connection(config=OpenStackConfig(config_files=[str(clouds_yaml)]).get_one(cloud="admin"))
    try:
        yield cloud
    finally:
        cloud.close()
