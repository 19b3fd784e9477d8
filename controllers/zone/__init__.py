"""Zones: what the cloud has of what their policy names."""
