#!/bin/sh
# The batch scripts on a virtual cluster of three nodes: their results are, byte for byte, those of a plain run,
# in one job, in an array with a last job, with srun, and in jobs that were stopped and went on on other nodes.
#
# Needs root. B: the build folder, ROOT: the repository. PLAIN: a folder with the plain run's results (default: made here
# on two ranks); SPEC: its spec (default: tests/slurm/spec.yaml). TEST_LONG=1 adds a job that meets its time limit.
: "${B:?}" "${ROOT:?}"
SPEC=${SPEC:-$ROOT/tests/slurm/spec.yaml}
export ARDIS="$B/ardis"
. "$ROOT/tests/mpi-env.sh"
if [ "$(id -u)" != 0 ] || ! unshare --net --mount --pid --fork true 2>/dev/null; then
  echo "1..0 # SKIP the virtual cluster needs root"
  exit 0
fi

T=$(mktemp -d /tmp/ardis-slurm.XXXXXX)
chmod 755 "$T" # munge wants its socket reachable by all
export VC_DIR="$T/cluster" VC_PREFIX="ar$$"
vc() { "$ROOT/tests/slurm/vcluster.sh" "$@"; }
trap 'vc down; rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP
cd "$T" || exit 1
n=0
ok() { # ok CODE WHAT: one line of TAP; with CODE not 0 also the jobs' logs
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else
    echo "not ok $n - $2"
    tail -n 25 ./*.log 2>/dev/null | sed 's/^/# /'
  fi
}

results() { # the files of a run folder that are the same bytes whatever ran them
  (cd "$1" && find . -name initial.h5 -o -name model.h5 -o -name metrics.csv -o -name atoms.csv -o -name runs.csv \
    -o -name groups.csv -o -name pairs.csv -o -name stability.csv -o -path './anchors/*.h5' | sort)
}
same() { # same DIR: its results are those of the plain run, no more and no fewer
  results "$PLAIN" >"$T/expected"
  [ -s "$T/expected" ] && results "$1" | cmp -s - "$T/expected" || {
    echo "# $1 does not hold the files that $PLAIN holds"
    return 1
  }
  bad=0
  while read -r f; do cmp -s "$PLAIN/$f" "$1/$f" || { echo "# differs: $1/$f"; bad=1; }; done <"$T/expected"
  return $bad
}

state() { vc run scontrol show job "$1" 2>/dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | sort -u | tr '\n' ' '; }
restarts() { vc run scontrol show job "$1" 2>/dev/null | sed -n 's/.* Restarts=\([0-9]*\).*/\1/p' | sort -n | tail -n 1; }
finished() { # finished JOB SECONDS: waits until all of it has ended, says whether it completed
  for _ in $(seq "$2"); do
    case $(state "$1") in
    "COMPLETED ") return 0 ;;
    *FAIL* | *CANCELLED* | *TIMEOUT* | *MEMORY* | *DEADLINE* | *PREEMPTED*) break ;;
    *) sleep 1 ;; # waiting, running, or on the way from one to the other
    esac
  done
  echo "# job $1: $(state "$1")"
  return 1
}
lines() { find "$1" -name log.jsonl -exec cat {} + 2>/dev/null | wc -l; }
stop_and_go_on() { # stop_and_go_on JOB DIR TIMES: USR1 to the batch script, at equal distances on the way
  for time in $(seq "$3"); do
    for _ in $(seq 1200); do
      [ "$(state "$1")" = "COMPLETED " ] && return
      [ "$(restarts "$1")" = $((time - 1)) ] && [ "$(state "$1")" = "RUNNING " ] &&
        [ "$(lines "$2")" -gt $(($(lines "$PLAIN") * time / ($3 + 1))) ] && break
      sleep 0.1
    done
    vc run scancel -b -s USR1 "$1"
  done
}
submit() { vc run sbatch --parsable "$@"; }
job="$ROOT/slurm/job.sbatch"
array="$ROOT/slurm/array.sbatch"

if [ -z "${PLAIN:-}" ]; then
  PLAIN=$T/plain
  timeout -k 10 900 mpirun -n 2 "$ARDIS" run "$SPEC" --out "$PLAIN" >plain.log 2>&1
  ok $? "plain run on two ranks"
fi
timeout -k 10 60 "$ROOT/tests/slurm/vcluster.sh" up 3 2 || { ok 1 "the cluster starts"; echo "1..$n"; exit 1; }
ok 0 "the cluster starts"

j=$(submit "$job" "$SPEC" --out one)
finished "$j" 900 && same one
ok $? "one job on two nodes"

a=$(submit --array=0-3%3 "$array" "$SPEC" --out many)
j=$(submit --dependency="afterany:$a" "$job" "$SPEC" --out many)
finished "$j" 900 && finished "$a" 1 && same many
ok $? "an array of four tasks, then the last job"

j=$(LAUNCH=srun submit --nodes=3 --ntasks-per-node=1 "$job" "$SPEC" --out srun)
finished "$j" 900 && same srun
ok $? "one job on three nodes, started by srun"

j=$(submit "$job" "$SPEC" --out stopped)
stop_and_go_on "$j" stopped 2
finished "$j" 900 && same stopped
ok $? "one job, stopped twice"
[ "$(restarts "$j")" = 2 ]
ok $? "it was started three times"

a=$(submit --array=0-1 "$array" "$SPEC" --out parts)
j=$(submit --dependency="afterany:$a" "$job" "$SPEC" --out parts)
stop_and_go_on "${a}_1" parts 1
finished "$j" 900 && finished "$a" 1 && same parts
ok $? "an array with a task that was stopped, and a last job that waits for it"
[ "$(restarts "${a}_1")" = 1 ]
ok $? "that task was started twice"

echo "nonsense: 1" >wrong.yaml
j=$(submit "$job" wrong.yaml --out wrong)
finished "$j" 60 >/dev/null
[ "$(state "$j")" = "FAILED " ] && [ "$(restarts "$j")" = 0 ] && [ ! -e wrong ]
ok $? "a mistake in the spec fails the job and does not put it back"

if [ -n "${TEST_LONG:-}" ]; then # minutes, on two cores: Slurm sends USR1 up to a minute early, and looks seldom
  sed "s|epochs: 40|epochs: 1200|;s|\.\./\.\.|$ROOT|" "$ROOT/tests/slurm/spec.yaml" >long.yaml
  PLAIN=$T/plain-long
  timeout -k 10 3000 mpirun -n 2 "$ARDIS" run long.yaml --out "$PLAIN" >plain-long.log 2>&1
  ok $? "a longer run on two ranks"
  j=$(MAX_RESTARTS=100 submit --time=2 --signal=B:USR1@60 "$job" long.yaml --out long)
  finished "$j" 3000 && same long
  ok $? "one job that meets its time limit"
  [ "$(restarts "$j")" -gt 0 ]
  ok $? "it was started more than once"
fi

echo "1..$n"
