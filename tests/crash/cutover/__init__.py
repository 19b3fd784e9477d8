"""The kill table of cutovers: at every step somebody is ended with kill -9, and what comes of it is looked at.

    python -m tests.crash.cutover --seeds 3 [--steps FinalSync,Watch] [--kills operator,both] [--sandbox DIR]

A real system on two old hosts moves onto a sandbox's cloud and back, again and again, while a client writes all the
time and somebody looks at both sides. `cells` says who is killed at which step and what may come of it, `findings` what
did; `hand` kills, `legs` are the ways there and back, `ledger` compares what was acknowledged with what is kept.

`Release` is not among the steps: it begins ninety days after a switch at the earliest, in a sandbox too.
"""
