#!/bin/sh
# Models against each other: across.csv of a run folder, `ardis compare` and `ardis measure` of model files, imported ones too. Each figure
# again by NumPy and SciPy in tests/cli/models.py; the same bytes on 1 to 3 ranks.
. "$ROOT/tests/cli/lib.sh"
H=$ROOT/tests/cli
one() { "$B/ardis" "$@" >"$T/log" 2>&1 </dev/null; }
python() { "$PYTHON" -B "$H/models.py" "$@" >"$T/log" 2>&1; }
one synth sparse -o "$T/tokens.h5" --n 2000 --dim 16 --atoms 32 --active 3 --seed 3
ok $? "tokens"
cat >"$T/spec.yaml" <<'S'
schema: 1
name: across
tokens: tokens.h5
seeds: {init: 1..3, data: 1..3, anchors: 1..3}
train: {steps: 12, batch: 256, optimizer: {name: adam, lr: 2e-2}}
models:
  topk: {method: sae, width: 24, code: {name: topk, k: 3}, grid: {width: [24, 16]}}
  std: {method: sae, width: 16, code: {name: topk, k: 3}, normalise: {scale: std}}
  pca: {method: pca, width: 5}
  bad: {method: sae, width: 8, code: {name: topk, k: 3}, seeds: {init: 1..2, data: 1..2, anchors: 1..2}, train: {clip: 0, optimizer: {name: sgd, lr: 1e6}}}
compare: {comparisons: [matched_cosine, matched_encoder, code_correlation], across: [[topk, topk], [pca, topk], [std, topk], [bad, topk]]}
S
ranks 1 run "$T/spec.yaml" --out "$T/one"
[ $? -eq 1 ] && [ "$(grep -c ,failed, "$T/one/runs.csv")" -eq 2 ]
ok $? "models of two widths, one without an encoder, one in other units, one that fails"
for n in 2 3; do
	cp "$T/one/across.csv" "$T/before.csv" && rm "$T/one/across.csv" && ranks $n compare "$T/one" && cmp "$T/before.csv" "$T/one/across.csv" >>"$T/log" 2>&1
	ok $? "$n ranks: the same bytes"
done
python across "$T/one"
ok $? "across.csv says what its definition says: $(tail -n 1 "$T/log")"
grep -q 'given model_b.s one run' "$T/one/across.csv" && ! grep -q '^bad\|,bad,' "$T/one/across.csv" && grep -q '<table.*across\|across.csv' "$T/one/report/index.html"
ok $? "notes, and the report's table"
sed 's/, across: .*]]//' "$T/spec.yaml" >"$T/without.yaml" && ranks 1 compare "$T/one" --spec "$T/without.yaml" && [ ! -e "$T/one/across.csv" ]
ok $? "no longer asked for: no such file"

run=$(cd "$T/one/topk" && ls | head -n 1)
one measure "$T/one/topk/$run" "$T/tokens.h5" --held-out 0.1 -o "$T/m.csv" && cmp "$T/m.csv" "$T/one/topk/$run/metrics.csv" >>"$T/log" 2>&1
ok $? "a model measured by itself: the bytes of its run"
"$PYTHON" "$H/import_model.py" "$T/m" >"$T/list" 2>"$T/log" && "$PYTHON" -c "
import numpy as np
np.save('$T/plain.npy', np.random.default_rng(1).standard_normal((7, 6)).astype('f4'))" && one import "$T/m/tokens.npy" -o "$T/small.h5" && one import-model "$T/plain.npy" -o "$T/plain.h5" &&
	one import-model "$T/m/saelens-topk" -o "$T/s.h5" && one import-model "$T/m/dl-GatedAutoEncoder" -o "$T/d.h5"
ok $? "models of other programs"
one measure "$T/s.h5" "$T/small.h5" -o "$T/s.csv" && python measure "$T/s.csv" "$T/m/want-saelens-topk.npz" "$T/m/tokens.npy"
ok $? "metrics of an imported model"
one measure "$T/plain.h5" "$T/small.h5" -o "$T/p.csv" && grep -q 'has no encoder' "$T/log" && [ "$(cut -d, -f1 "$T/p.csv" | sort -u | tr '\n' ' ')" = "coherence effective_rank metric ood stable_rank " ]
ok $? "of atoms alone: what asks for no codes"
one compare "$T/s.h5" "$T/d.h5" "$T/plain.h5" --tokens "$T/small.h5" -o "$T/c.csv" && cp "$T/log" "$T/printed"
ok $? "three models of two programs"
for n in 2 3; do
	ranks $n compare "$T/s.h5" "$T/d.h5" "$T/plain.h5" --tokens "$T/small.h5" -o "$T/out" && cmp "$T/c.csv" "$T/out/across.csv" >>"$T/log" 2>&1
	ok $? "$n ranks: the same bytes"
done
python files "$T/c.csv" "$T/m/want-saelens-topk.npz" "$T/m/want-dl-GatedAutoEncoder.npz" "$T/s.h5" "$T/d.h5" "$T/plain.h5"
ok $? "their values: $(tail -n 1 "$T/log")"
grep -q '7 atoms matched.*of model_a not' "$T/printed" && grep -q 'model_b has no encoder' "$T/printed" && grep -q 'model_b has no codes' "$T/printed" && grep -q 'tokens without known atoms' "$T/printed"
ok $? "what is left over, and why a value is missing"
one compare "$T/s.h5" "$T/plain.h5" && grep -q 'no tokens are given' "$T/log" && ranks 2 measure "$T/s.h5" "$T/small.h5" -o "$T/s2.csv" && cmp "$T/s.csv" "$T/s2.csv"
ok $? "without tokens; measured on two ranks"
refused() { words=$1; shift; one "$@"; [ $? -eq 2 ] && grep -qF -- "$words" "$T/log"; ok $? "refused: $words"; }
refused 'only models of the same tokens can be compared' compare "$T/s.h5" "$T/one/topk/$run"
refused 'tokens of width 16, but the model' compare "$T/s.h5" "$T/d.h5" --tokens "$T/tokens.h5"
refused 'tokens of width 16, but the model' measure "$T/s.h5" "$T/tokens.h5"
refused 'one model alone' compare "$T/s.h5"
refused 'is one of the files that are read' compare "$T/s.h5" "$T/d.h5" -o "$T/d.h5"
finish
