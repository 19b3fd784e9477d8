"""Crash points: the operator is ended at an exact moment of its work, and what comes of it is compared with the plan.

    python -m tests.crash --seeds 5 [--points a,b] [--lanes 3]

`points` says what is done, `run` carries one (point, seed) through, `verdict` compares, `lane` holds a sandbox with
the fault proxy before it and the operators under test. `chaos` does all of it at random.
"""
