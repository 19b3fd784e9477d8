#!/bin/sh
# Print "<unit> <pid>" of every process that the given units of systemd have left; nothing when none is.
# systemd.kill(5): a unit may be down while what it started goes on. cgroups(7) says where that is listed, in both versions.
set -eu
for unit in "$@"; do
    group=$(systemctl show --property=ControlGroup --value -- "$unit")
    [ -n "$group" ] || continue
    for top in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
        [ -d "$top$group" ] || continue
        find "$top$group" -name cgroup.procs -exec cat {} + | while read -r process; do echo "$unit $process"; done
    done
done
