#!/bin/sh
# Every composition of a sparse autoencoder trained a second time in float64 NumPy: tests/oracle/oracle.py says what must agree.
. "$ROOT/tests/cli/lib.sh"
cat >"$T/spec.yaml" <<S
schema: 1
name: oracle
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 3, data: 3, anchors: 3}
anchors: {own: {method: {name: kmeans, iterations: 3}, count: 100}}
train: {steps: 50, batch: 100, optimizer: {name: adam, lr: 5e-3}}
models:
  topk-free:    {method: sae, width: 64, code: {name: topk, k: 8}, atoms: free}
  topk-hull:    {method: sae, width: 64, code: {name: topk, k: 8}, atoms: {name: hull, anchors: own}}
  topk-relaxed: {method: sae, width: 64, code: {name: topk, k: 8}, atoms: {name: hull_relaxed, anchors: own, delta: 0.1}}
  batchtopk:    {method: sae, width: 64, code: {name: batchtopk, k: 7.5}, atoms: free}
  tied:         {method: sae, width: 64, code: {name: topk, k: 8}, atoms: free, encoder: tied}
  mp:           {method: sae, width: 64, code: {name: mp, k: 6}, atoms: free, encoder: tied}
  relu-free:    {method: sae, width: 64, code: {name: relu, l1: 3e-3}, atoms: free}
  relu-hull:    {method: sae, width: 64, code: {name: relu, l1: 3e-3}, atoms: {name: hull, anchors: own}}
  relu-relaxed: {method: sae, width: 64, code: {name: relu, l1: 3e-3}, atoms: {name: hull_relaxed, anchors: own, delta: 0.1}}
  auxk:         {method: sae, width: 96, code: {name: topk, k: 4}, atoms: free, revive: {name: auxk, k: 16, weight: 0.1, dead_after: 300}}
  sgd:          {method: sae, width: 64, code: {name: topk, k: 8}, atoms: free,
                 train: {batch: 2100, optimizer: {name: sgd, lr: 1, momentum: 0.9}, schedule: {name: linear, warmup: 10%}, clip: 0.03}}
  cosine:       {method: sae, width: 64, code: {name: relu, l1: 0}, atoms: {name: hull_relaxed, anchors: own, delta: 0},
                 normalise: {center: none}, train: {schedule: {name: cosine, warmup: 5}, clip: 0}}
S
ranks 3 run "$T/spec.yaml" --out "$T/out"
ok $? "12 models of 50 steps"
"$PYTHON" "$ROOT/tests/oracle/oracle.py" "$T/out" "$ROOT/experiments/quickstart/quickstart.h5" >"$T/log" 2>&1
ok $? "the oracle learns the same"
sed 's/^/# /' "$T/log"
for model in topk-free topk-hull topk-relaxed batchtopk tied mp relu-free relu-hull relu-relaxed auxk sgd cosine; do
	grep -q "^ok $model:" "$T/log"
	ok $? "$model"
done
grep -q '^ok auxk:.* up to [1-9]' "$T/log"
ok $? "some atoms were dead on the way of auxk"
grep -q '^ok sgd:.* [1-9][0-9]* clipped' "$T/log"
ok $? "some gradients of sgd were clipped"
finish
