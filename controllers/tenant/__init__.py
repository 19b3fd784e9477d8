"""Tenants: one Keystone project per department and zone."""
