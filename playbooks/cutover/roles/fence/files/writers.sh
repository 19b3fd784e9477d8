#!/bin/sh
# Print "<pid> <file>" of every file below the given folders that a process has open for writing; nothing when none is.
# proc_pid_fdinfo(5): `flags` is octal, its last digit is the access mode: 0 reads, 1 writes, 2 does both.
# /proc has paths without links in them, so that is what folders are brought to.
set -eu
for folder in "$@"; do
    folder=$(readlink -f -- "$folder") || continue # there is none
    pattern=$(printf '%s' "$folder" | sed 's/[][*?\\]/\\&/g')
    find /proc/[0-9]*/fd -lname "$pattern/*" -printf '%p %l\n' 2>/dev/null | while read -r descriptor file; do
        process=${descriptor#/proc/}
        process=${process%%/*}
        flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$process/fdinfo/${descriptor##*/}" 2>/dev/null) || continue
        case "$flags" in *[12]) echo "$process $file" ;; esac
    done
done
