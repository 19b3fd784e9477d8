#!/bin/sh
# Print "<pid> <file>" of every file below the given folders that a process has open for writing; nothing when none is.
# proc_pid_fdinfo(5): `flags` is octal, its last digit is the access mode: 0 reads, 1 writes, 2 does both.
set -eu
for folder in "$@"; do
    for descriptor in /proc/[0-9]*/fd/*; do
        file=$(readlink "$descriptor" 2>/dev/null) || continue
        case "$file" in "$folder"/*) ;; *) continue ;; esac
        process=${descriptor#/proc/}
        process=${process%%/*}
        flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$process/fdinfo/${descriptor##*/}" 2>/dev/null) || continue
        case "$flags" in *[12]) echo "$process $file" ;; esac
    done
done
