"""Evidence: everything about one request in one archive, and the checks that somebody else can make on it.

`gathered` is what was read from the cluster, `summary` what it says in order, `archive` the file, `verify` the checks.
The form is open: a manifest names its subject's kind, and another kind brings its own `verify`.
"""
