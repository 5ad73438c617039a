#!/bin/sh
# What `ardis run` does beside training: exit codes, skipping, further seeds, failed runs and candidate sets, slices side by side, stops.
. "$ROOT/tests/cli/lib.sh"
cat >"$T/spec.yaml" <<END
schema: 1
name: tiny
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1..2, data: 1..2, anchors: 1..2, combine: zip}
anchors:
  own: {method: {name: kmeans, iterations: 2}, count: 64, sharing: shared}
train: {steps: 20, batch: 256}
models:
  topk: {method: sae, width: 32, code: {name: topk, k: 4}}
  hull: {method: sae, width: 32, code: {name: topk, k: 4}, atoms: {name: hull, anchors: own}}
measure: [r2]
compare: [matched_cosine]
END
# status N COMMAND…: the program on one rank ends with N; output in $T/log
status() {
	want=$1
	shift
	timeout -k 10 60 "$B/ardis" "$@" >"$T/log" 2>&1
	[ $? -eq "$want" ]
}
# kept DIR: every file of training and measuring with its content and place on disk
kept() { (cd "$1" && find . ! -path './stable/*' \( -name '*.h5' -o -name manifest.json -o -name log.jsonl -o -name metrics.csv \) -exec ls -i {} + -exec cksum {} + | sort); }

status 0 run "$T/spec.yaml" --out "$T/dry" --dry-run && [ "$(grep -c '^  ' "$T/log")" -eq 4 ] && [ ! -e "$T/dry" ]
ok $? "--dry-run lists the runs and writes nothing"
status 2 run "$T/spec.yaml" --out "$T/dry" --only hul && grep -q 'did you mean hull' "$T/log" && [ ! -e "$T/dry" ]
ok $? "--only of an unknown model is a mistake and writes nothing"
status 2 run "$T/spec.yaml" --out "$T/dry" --slice 2/2 && [ ! -e "$T/dry" ]
ok $? "so is a slice that is not there"
status 2 run "$T/spec.yaml" --out "$T/dry" --route allreduc && grep -q 'did you mean allreduce' "$T/log" && [ ! -e "$T/dry" ]
ok $? "and a route"
status 2 run "$T/spec.yaml" --out "$T/spec.yaml/x" && grep -q 'run folder cannot be made' "$T/log"
ok $? "a folder that cannot be made is a mistake"
status 2 run "$T/spec.yaml" --out /proc && grep -q '/proc: no file can be made' "$T/log" && ! grep -q PETSC "$T/log"
ok $? "so is one that takes no files"

status 0 run "$T/spec.yaml" --out "$T/a" --only topk && [ "$(ls "$T/a/topk" | wc -l)" -eq 2 ] && [ ! -e "$T/a/hull" ] && [ "$(grep -c 'hull.*stopped,not finished' "$T/a/runs.csv")" -eq 2 ]
ok $? "--only trains that model and says what is missing"
status 0 run "$T/spec.yaml" --out "$T/a" --dry-run && grep -q ': 2 of 4 runs to train' "$T/log" && [ "$(grep -c 'topk: done' "$T/log")" -eq 2 ] && [ "$(grep -c 'hull: to train' "$T/log")" -eq 2 ]
ok $? "--dry-run tells what is done from what would be trained"
status 0 run "$T/spec.yaml" --out "$T/a" && [ "$(grep -c ',done,' "$T/a/runs.csv")" -eq 4 ]
ok $? "then the rest"
kept "$T/a" >"$T/before"
(cd "$T/a" && find . -type f -exec cksum {} + | sort) >"$T/all.before"
status 0 run "$T/spec.yaml" --out "$T/a" && kept "$T/a" | cmp - "$T/before"
ok $? "the same command again computes nothing"
(cd "$T/a" && find . -type f -exec cksum {} + | sort) | cmp - "$T/all.before"
ok $? "and changes no byte"
sed 's/1\.\.2/1..3/g' "$T/spec.yaml" >"$T/three.yaml"
status 0 run "$T/three.yaml" --out "$T/a" && kept "$T/a" >"$T/after" && [ -z "$(comm -23 "$T/before" "$T/after")" ] && [ "$(grep -c ',done,' "$T/a/runs.csv")" -eq 6 ]
ok $? "a further seed adds runs and leaves the others alone"

sed 's|  hull:.*|  bad: {method: sae, width: 32, code: {name: topk, k: 4}, train: {optimizer: {name: sgd, lr: 1e6}, clip: 0}}|' "$T/spec.yaml" >"$T/bad.yaml"
status 1 run "$T/bad.yaml" --out "$T/b" && [ "$(grep -c 'bad.*,failed,a parameter is not finite at step [0-9]' "$T/b/runs.csv")" -eq 2 ] && [ "$(grep -c 'topk.*,done,' "$T/b/runs.csv")" -eq 2 ]
ok $? "a run that diverges fails with a reason, the others finish, exit code 1"
grep -q '^bad,matched_cosine,centred,0,,.*,2 of 2 runs failed,.*,2$' "$T/b/stability.csv" && grep -q '^bad,0,.*,2 of 2 runs failed$' "$T/b/stable.csv" && grep -q '2 of 2 runs failed' "$T/b/report/index.html"
ok $? "a model whose runs all failed keeps its rows"
grep -q topk "$T/b/stability.csv" && grep -q 'not finite' "$T/b/report/index.html"
ok $? "tables and report are written, and the report tells it"
kept "$T/b" >"$T/before"
status 1 run "$T/bad.yaml" --out "$T/b" && kept "$T/b" | cmp - "$T/before"
ok $? "it is not tried again"
status 1 run "$T/bad.yaml" --out "$T/b" --slice 2/4 && status 0 run "$T/bad.yaml" --out "$T/b" --slice 0/4
ok $? "a slice's exit code is about its own runs"

set=$(cd "$T/a/anchors" && ls *.h5) set=${set%.h5}
mkdir -p "$T/c/anchors/$set" && printf 'stage,inputs,status,reason\nlearn,%s,failed,the objective is not finite at step 1\n' "$set" >"$T/c/anchors/$set/stages.csv"
status 1 run "$T/spec.yaml" --out "$T/c" && [ "$(grep -c 'hull.*,failed,its anchors failed: the objective is not finite at step 1' "$T/c/runs.csv")" -eq 2 ] && grep -q topk "$T/c/stability.csv"
ok $? "a candidate set that failed fails the runs that need it, the others finish"

# slices side by side, all making the same candidates
bad=0
for round in 1 2 3; do
	rm -rf "$T/s"
	for i in 0 1 2; do
		timeout -k 10 60 "$B/ardis" run "$T/spec.yaml" --out "$T/s" --slice $i/3 >"$T/log.$i" 2>&1 || { cat "$T/log.$i" >>"$T/log"; echo x >>"$T/wrong"; } &
	done
	wait
	[ ! -f "$T/wrong" ] && [ -z "$(find "$T/s" -name '*.part')" ] || bad=1
done
ok $bad "three slices at once in one folder"
[ ! -e "$T/s/runs.csv" ] && status 0 run "$T/spec.yaml" --out "$T/s" && status 0 run "$T/spec.yaml" --out "$T/one" && same "$T/one" "$T/s"
ok $? "and what follows them: the same bytes as in one go"

mkdir -p "$T/d/plan.csv"
status 2 run "$T/spec.yaml" --out "$T/d" && grep -q 'plan.csv: cannot be written: Is a directory' "$T/log" && ! grep -q PETSC "$T/log" && [ -z "$(find "$T/d" -name '*.part')" ]
ok $? "a file that cannot be written is said plainly, and nothing is half-written"
mkdir "$T/small"
if mount -t tmpfs -o size=120k tmpfs "$T/small" 2>"$T/log"; then
	status 2 run "$T/spec.yaml" --out "$T/small/a" && grep -q '\.h5: cannot be written: No space left on device' "$T/log" && [ -z "$(find "$T/small" -name '*.part')" ]
	ok $? "a full disk is said plainly too"
	mount -o remount,size=64m "$T/small" && status 0 run "$T/spec.yaml" --out "$T/small/a" && same "$T/one" "$T/small/a"
	ok $? "and with room it goes on to the same bytes"
	umount "$T/small"
else skip "no small disk can be made" && skip "nor a larger one"; fi

# stops before, while and after training
for after in 0 1 25 60; do
	ARDIS_STOP_AFTER=$after status 75 run "$T/spec.yaml" --out "$T/stop$after" && grep -q 'the same command goes on' "$T/log"
	ok $? "stopped after $after steps: exit code 75"
	status 0 run "$T/spec.yaml" --out "$T/stop$after" && same "$T/one" "$T/stop$after" && [ -z "$(find "$T/stop$after" -name checkpoint.h5)" ]
	ok $? "and goes on to the same bytes"
done
sed -e 's/measure:.*/measure: all/' -e 's/compare:.*/compare: all/' -e 's/1\.\.2/1..40/g' "$T/spec.yaml" >"$T/many.yaml"
"$B/ardis" run "$T/many.yaml" --out "$T/stop" --only topk >"$T/log" 2>&1 &
job=$!
for i in $(seq 1200); do
	kill -0 $job 2>/dev/null || break
	[ -n "$(find "$T/stop" -name metrics.csv 2>/dev/null)" ] && break
	sleep 0.05
done
kill -TERM $job
wait $job
[ $? -eq 75 ] && [ ! -e "$T/stop/runs.csv" ]
ok $? "SIGTERM after training: exit code 75"
finish
