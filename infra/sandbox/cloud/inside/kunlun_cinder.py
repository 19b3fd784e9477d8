"""A volume driver without storage: volumes exist only in the database, and every operation succeeds."""

# mypy: ignore-errors

from cinder.volume import driver


class NullDriver(driver.VolumeDriver):
    """Volumes that hold nothing."""

    VERSION = "1"

    def _nothing(self, *args, **kwargs):
        return None

    do_setup = check_for_setup_error = create_volume = delete_volume = extend_volume = _nothing
    create_snapshot = delete_snapshot = create_volume_from_snapshot = create_cloned_volume = _nothing
    create_export = ensure_export = remove_export = terminate_connection = retype = _nothing

    def clone_image(self, context, volume, location, meta, service):
        """Say that the image is on the volume."""
        return {}, True

    def initialize_connection(self, volume, connector):
        """What the fake hypervisor needs to attach it."""
        return {"driver_volume_type": "fake", "data": {"volume_id": volume.id}}

    def get_volume_stats(self, refresh=False):
        """Endless room."""
        return {
            "volume_backend_name": "null",
            "vendor_name": "kunlun",
            "driver_version": self.VERSION,
            "storage_protocol": "fake",
            "total_capacity_gb": "infinite",
            "free_capacity_gb": "infinite",
            "reserved_percentage": 0,
            "multiattach": True,
        }
