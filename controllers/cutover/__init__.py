"""Moving a live system onto the cloud, step by step, journaled, and back if need be.

`reconcile` is the story; `decide` says what comes next, from `facts`: `journal` (what was done), `way` (which steps),
and `gates` (whether a step may begin, with `rules` that say why not). All of these are pure, and hold for everybody.
"""
