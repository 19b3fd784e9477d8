"""The fault table: every fault on every kind of call that Kunlun makes to build and remove, and what came of it.

`faults` and `calls` say what is crossed, `lives` deals the rows out to requests, `script` breaks the calls of one
project, `life` carries one request through, `judging` says what is wrong with a row, `rendering` prints it.
"""
