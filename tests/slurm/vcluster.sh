#!/bin/bash
# vcluster.sh: a throw-away Slurm cluster of N virtual nodes on one Linux machine (root needed).
#   vcluster.sh up   [N=3] [CPUS=2]   start, wait until all nodes are idle
#   vcluster.sh run  CMD...           run CMD on the login and controller host
#   vcluster.sh on   NODE CMD...      run CMD on a node (n1, n2, ...)
#   vcluster.sh crash NODE            power off: every process of the node dies at once
#   vcluster.sh boot NODE             start it again
#   vcluster.sh cut NODE / heal NODE  unplug / plug its network cable
#   vcluster.sh down                  end everything and remove its folder
#
# Each node is a network, UTS, IPC, PID and mount namespace on a bridge: it has its own address, host name and
# /dev/shm; the file system is shared, so paths are the same everywhere. The environment is passed on.
# VC_DIR (folder), VC_PREFIX (of the namespaces' names) and VC_NET (first three numbers of the addresses) let
# two clusters stand side by side. Nothing outside VC_DIR and the script's own namespaces is touched.
set -eu
D=${VC_DIR:-/tmp/vcluster}
P=${VC_PREFIX:-vc}
NET=${VC_NET:-10.77.0}
PATH=$PATH:/usr/sbin:/sbin
if [ -f "$D/env" ]; then . "$D/env"; fi

# host NAME CMD...: becomes CMD, the first process of host NAME
host() {
  local h=$1
  shift
  exec ip netns exec "$P$h" unshare --uts --ipc --mount --pid --fork --kill-child --mount-proc bash -c '
    hostname "$1"; D=$2; shift 2
    mount --bind "$D/hosts" /etc/hosts
    mount -t tmpfs -o size=2g tmpfs /dev/shm
    ip link set lo up
    exec "$@"' host "$h" "$D" "$@"
}

# boot NODE: bash stays the node's first process and reaps; slurmd runs below it
boot() {
  mkdir -p "$D/spool.$1" "$D/tmp.$1"
  host "$1" bash -c 'slurmd -D -N "$1" & trap "" TERM HUP; while :; do wait; sleep 0.5; done' _ "$1" \
    >"$D/host.$1.log" 2>&1 </dev/null &
  echo $! >"$D/host.$1.pid"
}

# inside HOST CMD...: CMD in all namespaces of a running host
inside() {
  local h=$1 outer inner
  shift
  outer=$(cat "$D/host.$h.pid")
  read -r inner _ <"/proc/$outer/task/$outer/children" || true
  [ -n "$inner" ] || return 1
  nsenter -t "$inner" -n -u -i -m -p --wdns="$PWD" -- env SLURM_CONF="$D/slurm.conf" "$@"
}

write_conf() {
  cat >"$D/slurm.conf" <<CONF
ClusterName=vc
SlurmctldHost=ctl($NET.1)
AuthType=auth/munge
AuthInfo=socket=$D/munge.sock,cred_expire=5
SlurmUser=root
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool.%n
TmpFS=$D/tmp.%n
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.%n.pid
SlurmctldLogFile=$D/slurmctld.log
SlurmdLogFile=$D/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$D/jobcomp.log
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=${VC_SLURMD_TIMEOUT:-10}
MessageTimeout=5
TCPTimeout=2
KillWait=5
MinJobAge=3600
JobRequeue=1
SchedulerParameters=sched_interval=2,bf_interval=1,sched_min_interval=10000,batch_sched_delay=0,requeue_setup_env_fail
NodeName=n[1-$N] CPUs=$C RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=n[1-$N] Default=YES MaxTime=24:00:00 State=UP
CONF
  echo "CgroupPlugin=cgroup/v1" >"$D/cgroup.conf" # slurmd ends without it where there are no cgroups; no limits are set
  {
    echo "127.0.0.1 localhost"
    echo "$NET.1 ctl"
    for i in $(seq "$N"); do echo "$NET.$((10 + i)) n$i"; done
  } >"$D/hosts"
}

# one bridge, in the controller's namespace; a cable from it to each node
lay_network() {
  ip netns add "${P}ctl"
  ip -n "${P}ctl" link set lo up
  ip -n "${P}ctl" link add br0 type bridge
  ip -n "${P}ctl" addr add "$NET.1/24" dev br0
  ip -n "${P}ctl" link set br0 up
  for i in $(seq "$N"); do
    ip netns add "${P}n$i"
    ip -n "${P}ctl" link add "n$i" type veth peer name eth0 netns "${P}n$i"
    ip -n "${P}ctl" link set "n$i" master br0 up
    ip -n "${P}n$i" addr add "$NET.$((10 + i))/24" dev eth0
    ip -n "${P}n$i" link set eth0 up
  done
}

up() {
  N=${1:-3} C=${2:-2}
  [ ! -f "$D/env" ] || { echo "vcluster: there is one in $D already" >&2; exit 1; }
  mkdir -p "$D/state"
  chmod 755 "$D"
  echo "N=$N C=$C" >"$D/env"
  export SLURM_CONF=$D/slurm.conf
  write_conf
  head -c 1024 /dev/urandom >"$D/munge.key"
  chmod 400 "$D/munge.key"
  munged --socket="$D/munge.sock" --key-file="$D/munge.key" --pid-file="$D/munged.pid" \
    --log-file="$D/munged.log" --seed-file="$D/munged.seed"
  lay_network
  host ctl slurmctld -D -c >"$D/host.ctl.log" 2>&1 </dev/null &
  echo $! >"$D/host.ctl.pid"
  for i in $(seq "$N"); do boot "n$i"; done
  for _ in $(seq 200); do
    [ "$(inside ctl sinfo -h -t idle -o %D 2>/dev/null)" = "$N" ] && return
    sleep 0.1
  done
  echo "vcluster: the nodes are not idle after 20 s" >&2
  inside ctl sinfo >&2 || true
  tail -n 20 "$D"/*.log >&2
  exit 1
}

down() {
  [ -f "$D/env" ] || return 0
  for h in $(seq -f n%g "$N") ctl; do
    if [ -f "$D/host.$h.pid" ]; then kill -9 "$(cat "$D/host.$h.pid")" 2>/dev/null || true; fi
  done
  if [ -f "$D/munged.pid" ]; then kill "$(cat "$D/munged.pid")" 2>/dev/null || true; fi
  for h in $(seq -f n%g "$N") ctl; do ip netns del "$P$h" 2>/dev/null || true; done
  rm -rf "$D"
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
up) up "$@" ;;
run) inside ctl "$@" ;;
on) inside "$@" ;;
crash)
  kill -9 "$(cat "$D/host.$1.pid")"
  rm -f "$D/host.$1.pid"
  ;;
boot)
  export SLURM_CONF=$D/slurm.conf
  boot "$1"
  ;;
cut) ip -n "${P}ctl" link set "$1" down ;;
heal) ip -n "${P}ctl" link set "$1" up ;;
down) down ;;
*)
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
