#!/bin/sh
# The figures of a run folder, computed a second time from exported arrays: tests/recompute.py. TEST_LONG=1: more models.
. "$ROOT/tests/cli/lib.sh"
"$PYTHON" -c "
import h5py, numpy as np
with h5py.File('$ROOT/experiments/quickstart/quickstart.h5') as f:
    np.save('$T/X.npy', f['tokens'][()])
    np.save('$T/G.npy', f['groups'][()])
" >"$T/log" 2>&1 && ranks 2 import "$T/X.npy" --groups "$T/G.npy" -o "$T/tokens.h5"
ok $? "the quickstart's tokens, imported"
"$PYTHON" -c "
import h5py, numpy as np
truth = np.random.default_rng(5).standard_normal((40, np.load('$T/X.npy', mmap_mode='r').shape[1])).astype('f4')
np.save('$T/truth.npy', truth)
with h5py.File('$T/tokens.h5', 'r+') as f:
    f['truth/atoms'] = truth
" >"$T/log" 2>&1
ok $? "as if they were made of 40 atoms"
cat >"$T/spec.yaml" <<'S'
schema: 1
name: recompute
tokens: tokens.h5
seeds: {init: 1..3, data: 1..3, anchors: 1..3}
anchors: {own: {method: {name: kmeans, iterations: 3}, count: 100, sharing: shared}}
train: {steps: 60, batch: 256, optimizer: {name: adam, lr: 5e-3}}
models:
  topk:    {method: sae, width: 64, code: {name: topk, k: 8}, atoms: free}
  hull:    {method: sae, width: 64, code: {name: topk, k: 8}, atoms: {name: hull, anchors: own}}
  dead:    {method: sae, width: 96, code: {name: topk, k: 1}, atoms: free, train: {optimizer: {name: adam, lr: 0.05}}}
snapshots: 3
compare: {comparisons: all, centrings: all}
S
[ -z "${TEST_LONG:-}" ] || cat >"$T/more" <<'S'
  relu:    {method: sae, width: 48, code: {name: relu, l1: 0.03}, atoms: free}
  relaxed: {method: sae, width: 64, code: {name: topk, k: 8}, atoms: {name: hull_relaxed, anchors: own, delta: 0.1}}
  kmeans:  {method: kmeans, width: 32}
S
[ -z "${TEST_LONG:-}" ] || sed -i "/^models:/r $T/more" "$T/spec.yaml"
ranks 3 run "$T/spec.yaml" --out "$T/out"
ok $? "models of 3 runs"
status=0
for run in "$T"/out/*/*/; do
	[ -e "$run/model.h5" ] && [ -e "$run/initial.h5" ] || continue
	"$B/ardis" export "$run" --to npy >"$T/log" 2>&1 && "$B/ardis" export "$run/initial.h5" --to npy -o "$run/initial.npy" >>"$T/log" 2>&1 || status=1
done
for set in "$T"/out/anchors/*.h5; do
	"$B/ardis" export "$set" --to npy >>"$T/log" 2>&1 || status=1
done
"$PYTHON" -c "
import glob, h5py, numpy as np, os
for name in glob.glob('$T/out/*/*/snapshots.h5'):
    with h5py.File(name) as f:
        os.mkdir(name[:-3] + '.npy')
        for step in f['steps'][()]:
            np.save(f'{name[:-3]}.npy/{step}.npy', f[f'atoms_{step}'][()])
" >>"$T/log" 2>&1 || status=1
ok $status "exported"
"$PYTHON" "$ROOT/tests/recompute.py" "$T/out" "$T/X.npy" "$T/G.npy" "$T/truth.npy" >"$T/log" 2>&1
ok $? "the figures are those of the tables: $(tail -n 1 "$T/log")"
[ "$(wc -l <"$T/out/trajectory.csv")" -gt 20 ]
ok $? "snapshots make a trajectory"
[ "$(awk -F, 'NR > 1 && $1 == "dead" { print ($13 > 0); exit }' "$T/out/stability.csv")" = 1 ]
ok $? "some atoms were dead, and left out"
status=0
for table in stability trajectory recurrence stable differences; do
	grep '^hull,\|,hull,' "$T/out/$table.csv" >"$T/rows" && ! grep -v 'given these anchors' "$T/rows" >>"$T/log" && ! grep '^topk,dead,' "$T/out/$table.csv" | grep 'given these' >>"$T/log" || status=1
done
ok $status "rows of runs that share anchors say so in every table"
sed -i '2,$s/,0\.9/,0.8/' "$T/out/pairs.csv"
ONLY=hull "$PYTHON" "$ROOT/tests/recompute.py" "$T/out" "$T/X.npy" "$T/G.npy" "$T/truth.npy" >"$T/log" 2>&1
[ $? -eq 1 ] && grep -q '^FAULT pairs.csv' "$T/log"
ok $? "a wrong figure is found"
"$PYTHON" - "$T/out" >"$T/log" 2>&1 <<'P'
import glob, numpy as np, sys
for name in glob.glob(sys.argv[1] + '/hull/*/model.npy/atoms.npy'):
    np.save(name, np.load(name) * np.float32(1.001))
P
ONLY=hull "$PYTHON" "$ROOT/tests/recompute.py" "$T/out" "$T/X.npy" "$T/G.npy" "$T/truth.npy" >"$T/log" 2>&1
[ $? -eq 1 ] && grep -q '^FAULT hull .* atoms are not W C' "$T/log"
ok $? "atoms off the hull are found"
finish
