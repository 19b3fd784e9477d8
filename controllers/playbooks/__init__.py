"""Playbooks run by the operator: on guests of a request, and on both sides of a cutover.

`runs` bounds them and ends what is left of killed ones; `process` is the process that each of them is; `moments` is
what it tells while it goes on; `reach` is how a host is reached, and no other in its place.
"""
