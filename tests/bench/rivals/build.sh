# The standard request by the `openstack` command. Each command is a process; the router's branch, the rules and the
# servers go on beside each other.
set -euo pipefail

waiting=()
beside() {
    "$@" &
    waiting+=($!)
}

quietly() {
    "$OPENSTACK" "$@" -f value -c id >/dev/null
}

router() {
    quietly router create "$NAME" --external-gateway "$UPLINK" "$SNAT"
}

group() {
    quietly security group create "$NAME"
    for port in $OPENED; do
        quietly security group rule create "$NAME" --ingress --protocol tcp --dst-port "$port" --remote-ip 10.0.0.0/8
    done
}

server() {
    quietly port create "$NAME-$1" --network "$NAME" --security-group "$NAME" \
        --fixed-ip "subnet=$NAME,ip-address=$2"
    quietly server create "$NAME-$1" --flavor "$FLAVOR" --image "$IMAGE" --port "$NAME-$1" --wait
}

router &
router_made=$!
group &
group_made=$!
quietly network create "$NAME"
quietly subnet create "$NAME" --network "$NAME" --subnet-pool "$POOL" --subnet-range "$CIDR" --gateway "$GATEWAY" \
    --allocation-pool "start=$FIRST,end=$LAST"
wait "$router_made"
beside "$OPENSTACK" router add subnet "$NAME" "$NAME"
wait "$group_made"
number=0
for address in $ADDRESSES; do
    beside server "$number" "$address"
    number=$((number + 1))
done
for one in "${waiting[@]}"; do
    wait "$one"
done
