#!/bin/sh
# Every spec in experiments/ plans, and what plan and check print.
ardis=$B/ardis
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok WHAT COMMAND...
	what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
for spec in "$ROOT"/experiments/*.yaml "$ROOT"/experiments/*/*.yaml; do
	[ -f "$spec" ] || continue
	case $spec in */scaling.yaml) continue ;; esac # its tokens are nowhere
	# tokens that the spec's own comment says how to make are made
	name=${spec#"$ROOT/"}
	make=$(sed -n 's|^# *build/ardis \(synth .*\) -o experiments/\(.*\)|\1 -o \2|p' "$spec")
	if [ -n "$make" ]; then
		mkdir -p "$dir/made" && cp "$spec" "$dir/made/spec.yaml"
		(cd "$dir/made" && "$ardis" $make >/dev/null) || exit 1
		spec=$dir/made/spec.yaml
	fi
	"$ardis" plan "$spec" >"$dir/plan" 2>"$dir/said" || sed 's/^/# /' "$dir/said" >&2
	count=$("$ardis" plan --count "$spec")
	ok "$name plans" grep -q "^$count runs" "$dir/plan"
	ok 'a line for each run, each with a name of its own' \
		test "$(grep -cE '^[0-9a-f]{16}  ' "$dir/plan")" = "$count"
done

cd "$dir" && rm -rf made || exit 1
seq 100000 | head -c 64000 >tokens.raw && "$ardis" import tokens.raw --raw f32 --dim 8 -o tokens.h5 >/dev/null || exit 1
rm tokens.raw
cat >spec.yaml <<EOF
schema: 1
name: small
tokens: tokens.h5
seeds: {init: 1..3, data: 1..3}
train: {batch: 64}
models:
  topk: {method: sae, code: {name: topk, k: 2}, grid: {width: [8, 16]}}
EOF
"$ardis" check spec.yaml >said
ok 'check says what there is' grep -qx 'spec.yaml: 6 runs of 1 models at 2 grid points, on 2000 tokens of width 8; nothing is wrong' said
"$ardis" plan spec.yaml >plan
ok 'seeds in order, - where unused' grep -qE '^[0-9a-f]{16}  topk width=16  3        3        -        -$' plan
ARDIS_OUT=there "$ardis" plan --settings spec.yaml >settings
ok 'a value of the environment' grep -qE '^out +there +environment ARDIS_OUT$' settings
ARDIS_OUT=there "$ardis" plan --settings --out here spec.yaml >settings
ok 'a flag goes before the environment' grep -qE '^out +here +--out$' settings
ok 'a value of the spec' grep -qE '^  train.batch +64 +spec.yaml:5:16$' settings
ok 'a value of the grid' grep -qE '^  width +16 +spec.yaml:7:67 \(grid\)$' settings
ok 'a default' grep -qE '^  train.epochs +20 +default$' settings
ok 'nothing is written' test "$(ls | tr '\n' ' ')" = 'plan said settings spec.yaml tokens.h5 '

# what runs will cost
cat >machine.json <<'EOF'
{"schema": 1, "cpu": "a test", "kernels": "avx2", "date": "today", "commit": "1", "cores": 4, "memory": 1e10, "process": 1e7, "crowd": 1, "crowd_rows": 1, "crowd_update": 1, "stride": 1, "turns": 0, "latency": 1e-6,
 "meet": 0, "list": 0, "read": 1e15, "link": 1e9, "token": 0, "step": 0.5, "mix": 0, "weight": 0, "gather": 0, "sum": 0, "renew": 0, "drawn": 0, "score": {"size": [1], "cost": [0]},
 "sparse": {"size": [1], "cost": [0]}, "update": {"size": [1], "cost": [0]}, "assign": {"size": [1], "cost": [0]}}
EOF
"$ardis" plan spec.yaml --ranks 2 --machine machine.json >forecast
ok 'a step takes what the machine says' grep -qE '^topk width=16 +3 +owner +500 ms' forecast
ok 'the sum of all runs' grep -qE '^in all: 14.0 min, ' forecast # 3 rounds of 2 groups, 560 steps of .5 s
ARDIS_MACHINE=machine.json "$ardis" plan spec.yaml --ranks 4 --nodes 2 --groups 1 --network 1,0 >forecast
ok 'bytes sent between nodes' grep -q 'on 2 nodes of 4 cores, 1 GB/s and 0 us between nodes; a test, avx2 kernels' forecast
"$ardis" plan spec.yaml --ranks 2 --machine spec.yaml 2>said
ok 'a file that is no measurement' grep -q 'spec.yaml.*is not what ardis bench --save writes' said
sed 's/"stride": 1, //' machine.json >old.json
"$ardis" plan spec.yaml --ranks 2 --machine old.json 2>said
ok 'a measurement that lacks a number' grep -q 'old.json.*has no number `stride`.*measure again' said
"$ardis" plan spec.yaml --nodes 2 2>said
ok 'nodes need ranks' grep -q 'go with --ranks' said
"$ardis" plan "$ROOT/experiments/scaling.yaml" --ranks 64 --nodes 8 --shape 250000000,768 --machine "$dir/machine.json" >forecast
ok 'planned before the tokens are there' grep -qE '^topk width=32768 ' forecast
"$ardis" plan "$ROOT/experiments/scaling.yaml" --ranks 64 --shape 250000000 2>said
ok 'a shape is two numbers' grep -q 'as in 250000000,768' said
echo "1..$n"
