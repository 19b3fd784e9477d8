"""A real OpenStack on one machine: Keystone, Glance, Placement, Nova, Neutron with OVN, and on request Cinder.

`start` says in which order; each service has its module; `databases` and `ovn` are below them. What costs
most of a first start (migrations, catalogue, zones) is done once for a user and kept as a seed (`seed`);
what costs most of any start (imports) is shared by forking (`preload`). Only the hypervisor is not real.
"""
