#!/bin/sh
# Differences between models, shares of the seed purposes, models at matched levels, lambda and basins: tests/oracle/differences.py computes
# them again. Models with and without anchors, in blocks of five runs, over a grid.
. "$ROOT/tests/cli/lib.sh"
cat >"$T/spec.yaml" <<EOF
schema: 1
name: differences
tokens: $ROOT/experiments/quickstart/quickstart.h5
held_out: 0.1
seeds: {combine: blocks, init: 1..8, data: 1..8, anchors: 1..8}
anchors:
  own: {method: {name: kmeans, iterations: 2}, count: 64, sharing: per_seed}
train: {steps: 12, batch: 256, optimizer: {name: adam, lr: 1e-2}}
models:
  topk: {method: sae, width: 24, code: {name: topk, k: 8}, atoms: free, grid: {code.k: [4, 8, 12]}}
  control: {method: sae, width: 24, code: {name: topk, k: 8}, atoms: {name: free, start: {name: anchors, anchors: own, pick: random_subset}}, grid: {code.k: [6, 10]}}
  kmeans: {method: kmeans, width: 24}
  crossed: {method: sae, width: 24, code: {name: topk, k: 8}, seeds: {combine: zip, init: [1, 1, 2, 3], data: [1, 2, 1, 3], anchors: 1}}
  offset: {method: kmeans, width: 24, iterations: 2, normalise: {center: none}}
measure: [l0, r2, dead]
compare: [matched_cosine, max_cosine, matched_share]
EOF
ranks 2 run "$T/spec.yaml" --out "$T/out"
ok $? "models in blocks"
"$PYTHON" "$ROOT/tests/oracle/differences.py" "$T/out" >"$T/log" 2>&1
ok $? "the tables say what their definitions say: $(tail -n 1 "$T/log")"
grep -q '^crossed,matched_cosine,centred,3,.*"\?3 of 4 runs, those that share no varied seed; weak: 3 runs' "$T/out/stability.csv"
ok $? "of runs with crossed seeds as many as can be enter, not as many as the first ones allow"
grep -q '^topk code.k=4,matched_cosine,raw,"M(init,data)",1,1,1,4,$' "$T/out/purposes.csv"
ok $? "without anchors, sharing init and data is being the same run"
grep -q '^control code.k=6,matched_cosine,raw,V(anchors),' "$T/out/purposes.csv"
ok $? "with anchors, they have a term"
finish
