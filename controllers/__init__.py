"""The operator, in the order of the story.

1. `operator`            Kopf watches; every event becomes a key in the work queue.
2. `queue`               one worker at a time per key, retries with backoff, wake-ups by time.
3. `request.reconcile`   the flow on one screen: validate, evaluate, plan, approve, provision, configure, observe.
4. `request.validate`    form that a schema cannot say.
5. `policies.evaluate`   what is allowed, every violation at once.
6. `request.plan`        pure: request + zone + tenant -> the exact plan and what it changes.
7. `request.approve`     which plan is in force, by whose decisions.
8. `request.provision`   the approved plan, and nothing else, through `infra.engine`.
9. `request.status`      what is written back: conditions, progress, resources.

Beside it, `cutover.reconcile`: the story of a live system that moves onto what a request has built.

`api` holds what people write and read; `cli` what they type. `leading` begins and ends the operator with its Lease,
`figures` and `probes` say how it is, `evidence` gathers what happened. This module imports nothing.
"""
