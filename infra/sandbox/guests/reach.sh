# ssh's ProxyCommand into a zone's management network: $1 the operator's namespace there, $2 the router's address in it,
# $3 and $4 the guest's address and port. The route is the operator's own business: nobody else's traffic knows it.
set -e
ip -n "$1" route replace "$3/32" via "$2"
exec ip netns exec "$1" socat - "TCP4:$3:$4,connect-timeout=10"
