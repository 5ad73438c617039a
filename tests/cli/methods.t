#!/bin/sh
# Every member of every registry that a model chooses from, in a spec of its own made from the names that `ardis list` prints: the same
# bytes on 1 rank, beside others in a pack, and on 3, alone; with little to learn from, an end with a result or a reason, and nothing that is not finite in any file.
# experiments/methods.yaml names them all too. TEST_LONG=1: 2 ranks too; that spec runs on 1, 2 and 3 ranks, to the same bytes.
. "$ROOT/tests/cli/lib.sh"
spec=$ROOT/experiments/methods.yaml
every() { "$PYTHON" -B "$ROOT/tests/data/every-spec" "$B/ardis" "$@" >"$T/spec.yaml" 2>"$T/log"; }
"$PYTHON" - "$T" <<'P' && for name in few zero; do "$B/ardis" import "$T/$name.npy" -o "$T/$name.h5" >"$T/log" 2>&1 || exit 1; done
import numpy as np, sys
X = np.random.default_rng(1).standard_normal((400, 8)).astype(np.float32)
np.save(sys.argv[1] + '/zero.npy', np.zeros_like(X))
X[:, 2] = 3.25                      # a constant dimension
X[20:60] = 0                        # tokens that are 0
X[100:180], X[300:340] = X[100], X[301]  # the same token again and again
np.save(sys.argv[1] + '/few.npy', X)
P
every "$T/few.h5" ${TEST_LONG:+compare=all}
ok $? "a spec with a model for each member"
ranks 1 run "$T/spec.yaml" --out "$T/one" && "$PYTHON" -B "$ROOT/tests/data/check-finite" "$T/one" >"$T/log" && ! grep -q failed "$T/log"
ok $? "constant dimension, zeros, the same token again: all runs are done, all numbers finite"
# alone MODEL-FOLDER: of its two or more runs, some had no other in their pack
alone() { [ $# -gt 1 ] && grep -q '"pack": 1,' "$@"; }
lonely= models=0
for model in "$T"/one/*-*; do
	models=$((models + 1))
	if alone "$model"/*/manifest.json; then lonely="$lonely ${model##*/}"; fi
done
[ -z "$lonely" ] && [ $models -ge 50 ]
ok $? "$models models: every one of several runs was packed with another${lonely:+, but not$lonely}"
if [ -n "${TEST_LONG:-}" ]; then
	ranks 2 run "$T/spec.yaml" --out "$T/some" --groups 1 && same "$T/one" "$T/some"
	ok $? "2 ranks, in packs: the same bytes"
	rm -rf "$T/some"
fi
ranks 3 run "$T/spec.yaml" --out "$T/some" --groups 1 --packs 1 && same "$T/one" "$T/some" &&
	! cat "$T"/some/*-*/*/manifest.json | grep '"pack"' | grep -qv '"pack": 1,'
ok $? "3 ranks, each run alone: the same bytes"
rm -rf "$T/some"
# little WHAT TOKENS KEY=VALUE...: one run of each
little() {
	what=$1 tokens=$2
	shift 2
	every "$T/$tokens.h5" seeds=1 compare=[] steps=3 "$@" && ranks 2 run "$T/spec.yaml" --out "$T/some"
	code=$?
	{ [ $code -eq 0 ] || [ $code -eq 1 ]; } && "$PYTHON" -B "$ROOT/tests/data/check-finite" "$T/some" >"$T/log"
	ok $? "$what: a result or a reason each, all numbers finite"
	rm -rf "$T/some"
}
little "one atom, one token a batch" few width=1 k=1 batch=1
little "k = m: more than there are positive scores; m > p; delta = 0" few k=12 count=5 delta=0
little "tokens that are all 0" zero
if [ -n "${TEST_LONG:-}" ]; then
	little "tokens that are all 0, as they are" zero center=none scale=none
	little "a scale for each dimension" few scale=std
fi
"$B/ardis" plan "$spec" --settings >"$T/settings" 2>"$T/log"
missing= names=0
for pair in methods:method codes:code.name sparsities:code.sparsity.name atoms:atoms.name starts:atoms.start.name encoders:encoder.name \
	goals:goal.name revivals:revive.name optimizers:train.optimizer.name schedules:train.schedule.name averages:train.average.name kmeans-inits:init; do
	for name in $("$B/ardis" list "${pair%:*}" | sed -n 's/^  \([a-z][a-z_]*\) .*/\1/p'); do
		names=$((names + 1))
		grep -qE "^  ${pair#*:}(.name)? +$name " "$T/settings" || missing="$missing $name"
	done
done
[ -z "$missing" ] && [ $names -ge 50 ]
ok $? "experiments/methods.yaml has every name of every registry${missing:+, but not$missing}"
bad=
for one in "$ROOT"/experiments/papers/*.yaml; do "$B/ardis" check "$one" >>"$T/log" 2>&1 || bad="$bad ${one##*/}"; done
[ -z "$bad" ]
ok $? "the specs of papers have no mistake${bad:+, but these}$bad"
if [ -n "${TEST_LONG:-}" ]; then
	rm -rf "$T/one"
	LIMIT=1200 ranks 1 run "$spec" --out "$T/one" && "$PYTHON" -B "$ROOT/tests/data/check-finite" "$T/one" >"$T/log" && ! grep -q failed "$T/log"
	ok $? "experiments/methods.yaml"
	for n in 2 3; do
		LIMIT=1200 ranks $n run "$spec" --out "$T/some" && same "$T/one" "$T/some"
		ok $? "experiments/methods.yaml on $n ranks: the same bytes"
		rm -rf "$T/some"
	done
fi
finish
