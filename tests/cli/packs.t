#!/bin/sh
# Runs that share a pack have the bytes that each has alone: on any number of ranks, interrupted with its replicas at different steps, gone
# on with in other packs, and beside one that diverges.
. "$ROOT/tests/cli/lib.sh"
small 2 64 2 >"$T/spec.yaml"
# packed DIR N: the greatest pack of the folder's runs has N runs
packed() { [ "$(cat "$1"/*/*/manifest.json | sed -n 's/^ *"pack": \([0-9]*\).*/\1/p' | sort -n | tail -n 1)" = "$2" ]; }
ranks 2 run "$T/spec.yaml" --out "$T/alone" --packs 1 --groups 1
ok $? "one by one"
packed "$T/alone" 1
ok $? "in packs of one"
ranks 1 run "$T/spec.yaml" --out "$T/packed" && same "$T/alone" "$T/packed"
ok $? "in packs: the same bytes"
packed "$T/packed" 6
ok $? "the six models that train in one order make a pack"
ranks 2 run "$T/spec.yaml" --out "$T/groups" --packs 4 && same "$T/alone" "$T/groups" &&
	{ packed "$T/groups" 2 || packed "$T/groups" 3 || packed "$T/groups" 4; }
ok $? "in packs of at most four: the same bytes"
# a stop between the steps of the replicas of a pack; then of some of them alone
stops=0
for stop in 3:20:6 2:5:1 1:9:4 3:7:6; do
	n=${stop%%:*} after=${stop#*:}
	ARDIS_STOP_AFTER=${after%:*} ranks "$n" run "$T/spec.yaml" --out "$T/stopped" --groups 1 --packs "${after#*:}"
	[ $? -eq 0 ] || stops=$((stops + 1))
done
[ $stops -eq 4 ] && ls "$T"/stopped/*/*/checkpoint.h5 | wc -l | awk '{ exit !($1 >= 2) }'
ok $? "stopped four times, with the runs of a pack at different steps"
ranks 2 run "$T/spec.yaml" --out "$T/stopped" --groups 1 && same "$T/alone" "$T/stopped"
ok $? "gone on with in other packs: the same bytes"
# one of five diverges; two have entries of different kinds
cat >"$T/bad.yaml" <<END
schema: 1
name: bad
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1, data: 1}
train: {epochs: 1, batch: 512}
models:
  one: {method: sae, width: 32, code: {name: topk, k: 4}}
  wild: {method: sae, width: 32, code: {name: topk, k: 4}, train: {clip: 0, optimizer: {name: sgd, lr: 1e6}}}
  two: {method: sae, width: 48, code: {name: topk, k: 8}}
  picks: {method: sae, width: 48, code: {name: omp, k: 4}, encoder: tied}
  jumps: {method: sae, width: 48, code: jumprelu}
END
ranks 2 run "$T/bad.yaml" --out "$T/bad" --groups 1
grep -q 'wild.*failed.*not finite' "$T/bad/runs.csv" && packed "$T/bad" 5
ok $? "a run of a pack diverges"
ranks 1 run "$T/bad.yaml" --out "$T/good" --only one,two,picks,jumps --packs 1
for m in one two picks jumps; do
	cmp "$T"/good/$m/*/model.h5 "$T"/bad/$m/*/model.h5 && cmp "$T"/good/$m/*/metrics.csv "$T"/bad/$m/*/metrics.csv
	ok $? "$m: the same bytes beside it"
done
finish
