"""The `openstack` provider of the Pulumi engine: ours, attached over gRPC, and bound by the approved plan.

Read in this order: `resource` (what every kind must offer) and one kind, say `port`; `observe` (what exists);
`authority` (what the signature permits); `builder` (adopt, else create; the only place with effects);
`servicer` (the engine's questions, answered by the builder).
"""
