"""What touches Pulumi and OpenStack. Imports nothing of `controllers` or `policies`."""
