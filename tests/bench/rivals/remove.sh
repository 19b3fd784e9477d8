# Removes what build.sh has built.
set -euo pipefail

names=()
for ((number = 0; number < SERVERS; number++)); do
    names+=("$NAME-$number")
done

"$OPENSTACK" router remove subnet "$NAME" "$NAME" &
interface_gone=$!
"$OPENSTACK" server delete --wait "${names[@]}"
"$OPENSTACK" port delete "${names[@]}"
wait "$interface_gone"
"$OPENSTACK" router delete "$NAME" &
router_gone=$!
"$OPENSTACK" security group delete "$NAME"
"$OPENSTACK" network delete "$NAME"
wait "$router_gone"
