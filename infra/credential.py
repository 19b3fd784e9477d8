"""The operator's entry of clouds.yaml, and the file's changes: a rotated secret needs no restart.

Kubernetes swaps a mounted Secret by a symlink, so a look at the file's inode, size and time tells. A file that is
missing, empty or broken for a moment leaves the credential that was read last in use. It is examined here before
openstacksdk reads it, because that would log the line with the fault, which may be the one with the password.
"""

from __future__ import annotations

import time
from pathlib import Path

import structlog
import yaml
from keystoneauth1.exceptions import ClientException
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.exceptions import SDKException

LOOK_SECONDS = 1.0
log = structlog.get_logger(__name__)

Stamp = tuple[int, int, int]


class Credential:
    """`generation` counts the credentials read so far; `fault` says what is wrong with the file now, if anything."""

    def __init__(self, cloud: str, clouds_yaml: Path | None) -> None:
        """`clouds_yaml` None: the places openstacksdk looks in. Raises its errors when there is no such entry."""
        config = OpenStackConfig(config_files=[str(clouds_yaml)] if clouds_yaml else None)
        self.region: CloudRegion = config.get_one(cloud=cloud)
        self.generation = 0
        self.fault: str | None = None
        self._cloud = cloud
        self._file = clouds_yaml or (Path(config.config_filename) if config.config_filename else None)
        self._seen = self._stamp()
        self._next_look = 0.0

    def refresh(self) -> bool:
        """Reads the file if it is another one than before; at most once a second. True: a new credential."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + LOOK_SECONDS
        return self.refresh_now()

    def refresh_now(self) -> bool:
        """As `refresh`, however recently it looked: for a credential that was just rejected."""
        stamp = self._stamp()
        if self._file is None or stamp == self._seen:
            return False
        self._seen = stamp
        self.fault = fault_of_file(self._file)
        region = self._read(self._file) if self.fault is None else None
        if region is None:
            log.warning("clouds.yaml cannot be used; the credential read before stays", fault=self.fault)
            return False
        if region.config == self.region.config:
            return False
        self.region, self.generation = region, self.generation + 1
        log.info("credential changed", generation=self.generation)
        return True

    def _read(self, file: Path) -> CloudRegion | None:
        try:
            region = OpenStackConfig(config_files=[str(file)]).get_one(cloud=self._cloud)
            region.get_auth()  # complains about half an entry
        except (SDKException, ClientException, AttributeError, TypeError, ValueError) as error:  # it may be anything
            self.fault = f"its entry '{self._cloud}' is missing or incomplete ({type(error).__name__})"
            return None
        return region

    def _stamp(self) -> Stamp | None:
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None


def fault_of_file(file: Path) -> str | None:
    """Why the file cannot be used, without anything of what it says."""
    try:
        content = yaml.safe_load(file.read_bytes())
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "unknown"
        return f"it is not YAML in line {line}"
    except (yaml.YAMLError, ValueError):
        return "it is not YAML"
    if not isinstance(content, dict) or not isinstance(content.get("clouds"), dict):
        return "it is empty or has no 'clouds'"
    return None
