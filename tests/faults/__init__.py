"""Faults on demand: a real HTTP proxy between the operator and everything it talks to, told by tests what to break."""
