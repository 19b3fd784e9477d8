"""Evidence: all about one request or cutover in one archive, and the checks that somebody else can make on it.

`gathered` and `cutover` are what was read from the cluster, `summary` and `cutover_summary` what it says in order,
`archive` the file, `verify` the checks. A manifest names its subject's kind; another kind brings its own checks.
"""
