# A guest's machine, run as the first process of new mount, UTS, IPC and PID namespaces: $1 is where its root is put
# together, $2 the folder of its own layer, $3 its hostname. The machine itself lies below, and is only read.
set -e
root=$1 layer=$2 host=$3

mount -t overlay guest -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"          # most of it is the machine's,
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"      # the network's is the guest's own
mount -t sysfs -o ro sysfs "$root/sys"

mount -t tmpfs -o mode=755,size=1m dev "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mkdir -p "$root/run/sshd" "$root/run/lock"
hostname "$host"

cd "$root"
pivot_root . .
umount -l .
# Neither the clock nor the kernel is the guest's.
kept=-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog,-mac_admin,-mac_override,-wake_alarm
exec setpriv --bounding-set=$kept --inh-caps=$kept /bin/sh -c '
    cd /
    /usr/sbin/sshd -E /var/log/sshd.log
    while :; do sleep 86400 & wait; done  # the first process buries all orphans
'
