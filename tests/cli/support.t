#!/bin/sh
# Atoms made of their nearest anchors: the same bytes on any ranks and kernels and after a stop; W [m x p] in the model; and what does not set
# `support` is named as before.
. "$ROOT/tests/cli/lib.sh"
# spec NAME SETTINGS > file
spec() {
	cat <<S
schema: 1
name: $1
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1..2, data: 1..2, anchors: 1..2}
anchors: {own: {method: {name: kmeans, iterations: 2}, count: 96, sharing: per_seed}}
train: {steps: 24, batch: 512}
models:
  few: {method: sae, width: 40, code: {name: topk, k: 8}, atoms: {name: hull_relaxed, anchors: own, delta: 0.1$2}}
S
}
spec support ", support: 12, renew: 5" >"$T/spec.yaml"
ranks 1 run "$T/spec.yaml" --out "$T/one"
ok $? "one rank"
for n in 2 3 4; do
	ranks $n run "$T/spec.yaml" --out "$T/some" --groups 1 && same "$T/one" "$T/some"
	ok $? "$n ranks: the same bytes"
	rm -rf "$T/some"
done
same_with_kernels
status=75 stops=0
while [ $status -eq 75 ] && [ $stops -lt 20 ]; do
	stops=$((stops + 1))
	ARDIS_STOP_AFTER=7 ranks $((stops % 3 + 1)) run "$T/spec.yaml" --out "$T/stopped" --groups 1
	status=$?
	[ $status -eq 1 ] && grep -q 'stopped at a checkpoint' "$T/log" && status=75
done
[ $status -eq 0 ] && [ $stops -gt 2 ] && same "$T/one" "$T/stopped"
ok $? "stopped after every 7 steps, on other ranks: the same bytes"
"$PYTHON" - "$T/one" >"$T/log" 2>&1 <<'P'
import glob, h5py, numpy as np, sys
for name in glob.glob(sys.argv[1] + '/few/*/model.h5'):
    with h5py.File(name) as m:
        W = m['W'][:]
        assert W.shape == (40, 96) and ((W > 0).sum(1) <= 12).all() and abs(W.sum(1) - 1).max() < 1e-5
P
ok $? "/W is [m x p], with at most 12 numbers in a row"
spec without "" >"$T/without.yaml"
spec none ", support: 0" >"$T/none.yaml"
ranks 2 run "$T/without.yaml" --out "$T/without" && ranks 2 run "$T/none.yaml" --out "$T/none" && same "$T/without" "$T/none"
ok $? "support: 0 is no support, by the same name"
! grep -q support "$T/without/plan.csv" && ! strings "$T"/without/few/*/model.h5 | grep -q support
ok $? "and it stands nowhere that names a run"
spec many ", support: 97" >"$T/bad.yaml"
ranks 1 run "$T/bad.yaml" --out "$T/bad"
[ $? -eq 2 ] && grep -q 'support: 97 are more than the 96 anchors' "$T/log"
ok $? "more than there are is a mistake: $(grep -o 'support.*' "$T/log" | head -n 1)"
spec lone ", support: 1" >"$T/bad.yaml"
ranks 1 run "$T/bad.yaml" --out "$T/bad"
[ $? -eq 2 ] && [ ! -e "$T/bad" ]
ok $? "so is one"
finish
