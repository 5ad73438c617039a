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
	"$ardis" plan "$spec" >"$dir/plan" 2>"$dir/said" || sed 's/^/# /' "$dir/said" >&2
	count=$("$ardis" plan --count "$spec")
	ok "${spec#"$ROOT/"} plans" grep -q "^$count runs" "$dir/plan"
	ok 'a line for each run, each with a name of its own' \
		test "$(grep -cE '^[0-9a-f]{16}  ' "$dir/plan")" = "$count"
done

cd "$dir" || exit 1
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
echo "1..$n"
