#!/bin/sh
# Receive a folder from the host that is at our input and output: receive.sh LOCK DESTINATION [OPTION...].
# rsync's way to the other side is `session.sh`, which finds it at the descriptors 3 and 4.
set -eu
lock=$1 destination=$2
shift 2
exec 9>"$lock"
flock --exclusive --timeout 60 9 || { echo "somebody still copies to $destination" >&2; exit 75; }
mkdir -p "$(dirname "$destination")"
exec 3<&0 4>&1 1>&2 </dev/null
ended=0
rsync --archive --hard-links --acls --xattrs --delete --stats "$@" --rsh="${0%/*}/session.sh" nobody::folder/ "$destination/" ||
    ended=$?
[ "$ended" -ne 24 ] || ended=0 # files that went while they were copied; the comparison will say
exit "$ended"
