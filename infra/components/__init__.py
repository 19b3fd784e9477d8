"""The Pulumi components a plan is made of: one per thing a requester would name.

The classes are imported by name: `pulumi_openstack` loads its modules on first use, and programs run in threads,
where the second to use a module would find it half loaded.
"""
