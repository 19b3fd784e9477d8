# Packages of guests, installed into a layer over this machine: $1 is the folder of the layer, the rest are the packages.
# Run as the first process of new mount and PID namespaces; the machine itself is only read.
set -e
layer=$1 root=$1/root
shift
mount -t overlay guest -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs run "$root/run"
# Names are resolved as the machine does it.
[ ! -d /run/systemd/resolve ] || { mkdir -p "$root/run/systemd" && cp -r /run/systemd/resolve "$root/run/systemd/"; }
policy=$root/usr/sbin/policy-rc.d                          # no service starts (Debian policy, chapter 9.11.3)
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    ours=1
fi
chroot "$root" apt-get install --yes --quiet --no-install-recommends "$@"
chroot "$root" apt-get clean
[ -z "$ours" ] || rm "$policy"
