#!/bin/sh
# What autoencoders find of a truth that is known: tests/cli/recover.py says how it is measured. TEST_LONG=1: four
# seeds each, and sparse dictionaries without help for silent atoms. RECOVER_SEED=N: seeds from N on, of runs and of tokens (1).
. "$ROOT/tests/cli/lib.sh"
first=${RECOVER_SEED:-1}
# synth NAME KIND …; spec NAME STEPS SEEDS LR BATCH, models on stdin; found QUESTION
synth() { name=$1; shift; "$B/ardis" synth "$@" --seed "$first" -o "$T/$name.h5" >"$T/log" 2>&1; }
spec() {
	cat - >"$T/models"
	cat >"$T/$1.yaml" <<S
schema: 1
name: $1
tokens: $1.h5
normalise: {center: none, scale: rms}
held_out: 0.1
seeds: {init: $first..$((first + $3 - 1)), data: $first..$((first + $3 - 1)), anchors: $first..$((first + $3 - 1)), combine: zip}
train: {steps: $2, batch: $5, optimizer: {name: adam, lr: $4}, schedule: {name: cosine, warmup: 5%}, clip: 1.0}
measure: [l0, r2]
compare: [matched_cosine]
$(cat "$T/models")
S
}
found() {
	ranks 1 run "$T/$1.yaml" --out "$T/$1" && OMPI_MCA_ess_singleton_isolated=1 "$PYTHON" "$ROOT/tests/cli/recover.py" "$1" "$T/$1" "$T/$1.h5" "$B/ardis" >"$T/log" 2>&1
	ok $? "$2"
	sed 's/^/# /' "$T/log"
}
. "$ROOT/tests/mpi-env.sh"
export OMPI_MCA_ess_singleton_isolated=1
synth sparse sparse --n 50000 --dim 64 --atoms 128 --active 4 --coefficients normal
if [ -n "${TEST_LONG:-}" ]; then revive=none steps=1000 seeds=4
else revive='{name: auxk, k: 32, weight: 0.1, dead_after: 2000}' steps=600 seeds=2; fi
spec sparse $steps $seeds 1e-2 512 <<S
models:
  topk:      {method: sae, width: 128, code: {name: topk, k: 4}, revive: $revive}
  batchtopk: {method: sae, width: 128, code: {name: batchtopk, k: 4}, revive: $revive}
  jumprelu:  {method: sae, width: 128, code: {name: jumprelu, threshold: 1, bandwidth: 1, sparsity: {name: target, l0: 4, weight: .1}}, train: {steps: 1000}}
  mp:        {method: sae, width: 128, code: {name: mp, k: 4}, encoder: tied}
S
found sparse 'a sparse dictionary is found'
cp "$T/sparse.h5" "$T/gated.h5"
spec gated 2000 1 3e-3 512 <<S
models:
  relu:  {method: sae, width: 128, code: {name: relu, sparsity: {name: target, l0: 4, weight: 1e-2}}}
  gated: {method: sae, width: 128, code: {name: gated, sparsity: {name: target, l0: 4, weight: 1e-2}}}
S
found gated 'gated does not shrink, relu does'
synth msae sparse --n 20000 --dim 64 --atoms 512 --active 12 --coefficients normal
spec msae 1000 1 3e-3 512 <<S
models:
  topk: {method: sae, width: 256, code: {name: topk, k: 8}}
  msae: {method: sae, width: 256, code: {name: topk, k: 8}, goal: {name: msae, ks: "8 16 32 64 128 256"}}
S
found msae 'msae serves every k, topk its own'
synth hierarchy hierarchy --n 30000 --dim 32 --parents 4 --children 3 --active 1 --share 0.5 --weight 1 --noise 0.01
spec hierarchy 1000 $seeds 1e-2 200 <<S
models:
  relu:       {method: sae, width: 16, code: {name: relu, sparsity: {name: target, l0: 1.5, weight: 1e-2}}}
  matryoshka: {method: sae, width: 16, code: {name: relu, sparsity: {name: target, l0: 1.5, weight: 1e-2}}, goal: {name: matryoshka, levels: 3}}
  mp:         {method: sae, width: 16, code: {name: mp, k: 2, stop: 0.05}, encoder: tied}
S
found hierarchy 'children keep less of their parents with matryoshka and mp than with relu'
# more atoms than archetypes, so that none need go without; anchors are corners of the tokens' hull, atoms start between two of them
synth hull hull --n 20000 --dim 32 --archetypes 16 --sharpness 8 --noise 0.01
spec hull 1000 $seeds 3e-3 256 <<S
anchors: {far: {method: {name: data_hull, components: 16}, count: 128}}
models:
  hull:    {method: sae, width: 32, code: {name: topk, k: 4}, atoms: {name: hull, anchors: far, start: random}}
  relaxed: {method: sae, width: 32, code: {name: topk, k: 4}, atoms: {name: hull_relaxed, anchors: far, start: random, delta: 0.1}}
  archetypal_analysis: {method: archetypal_analysis, width: 32, anchors: far, iterations: 10}
S
found hull 'archetypes are found'
finish
