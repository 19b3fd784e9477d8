"""The sandbox: a whole government cloud on one machine, made of the real programs.

`sandbox.py` is the story: find the programs (`toolchain`, `packages`, `cloud/environment`), start the control
plane (`controlplane`), make it ours (`cluster`), start OpenStack (`cloud/`) from a seed, start the operator.
`layout` says where everything lies, `ports` where it listens, `processes` what runs; `health` looks at it.
Everything is idempotent and listens on 127.0.0.1 only. Nothing here imports `controllers` or `policies`.
"""
