#!/bin/sh
# Factors beside the models: shares of the groups, blocks of seeds, surrogate tokens, snapshots. The same bytes on 1, 2 and 3 ranks.
. "$ROOT/tests/cli/lib.sh"
cat >"$T/spec.yaml" <<EOF
schema: 1
name: factors
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1..4, data: 1..4, anchors: 1..4, combine: blocks}
anchors: {own: {method: {name: kmeans, iterations: 3}, count: 64}}
train: {steps: 20, batch: 256}
models:
  topk: {method: sae, width: 24, code: {name: topk, k: 4}, null_surrogate: true}
  share: {method: sae, width: 24, code: {name: topk, k: 4}, atoms: {name: free, start: data}, subsample: 0.5, seeds: {init: 1, data: 1, anchors: 1, subsample: 1..3, combine: zip}}
  shared: {method: kmeans, width: 24, iterations: 4, subsample: 0.5, seeds: {init: 1..2, data: 1, anchors: 1, subsample: 7, combine: zip}}
  hull: {method: sae, width: 24, code: {name: topk, k: 4}, atoms: {name: hull, anchors: own}, null_surrogate: true, seeds: {combine: zip}}
measure: [r2, dead]
compare: [matched_cosine]
EOF
# all DIR: what must not depend on the ranks, and plan.csv
all() { (cd "$1" && find . -name '*.h5' -o -name '*.csv' | grep -v stages.csv | grep -v report | LC_ALL=C sort | xargs sha256sum); }
ranks 1 run "$T/spec.yaml" --out "$T/one"
ok $? "shares, blocks and surrogates run"
all "$T/one" >"$T/one.sums"
[ "$(wc -l <"$T/one.sums")" -gt 100 ]
ok $? "there is much to compare"
for n in 2 3; do
	ranks $n run "$T/spec.yaml" --out "$T/some" && all "$T/some" >"$T/some.sums" && cmp "$T/one.sums" "$T/some.sums" >"$T/log"
	ok $? "$n ranks: the same bytes"
	rm -rf "$T/some"
done
"$PYTHON" -B - "$T/one" "$ROOT/experiments/quickstart/quickstart.h5" "$ROOT/tests/oracle" >"$T/log" 2>&1 <<'EOF'
import csv, sys
import h5py, numpy as np
out, tokens, oracle = sys.argv[1:]
sys.path.insert(0, oracle)
from oracle import philox
rows = list(csv.DictReader(open(out + '/plan.csv')))
held = [int(r['group']) for r in csv.DictReader(open(out + '/held_out.csv'))]
with h5py.File(tokens) as f, h5py.File(out + '/surrogate-0.1.h5') as g:
    groups, X, Y = f['groups'][:], f['tokens'][:].astype(float), g['tokens'][:].astype(float)
    assert (g['groups'][:] == groups).all(), 'the groups of the tokens'
X = X[~np.isin(groups, held)]
L = np.linalg.cholesky(np.cov(X.T, bias=True))
Z = np.linalg.solve(L, (Y - X.mean(0)).T)  # standard normal if mean and covariance are those of the training tokens
n = Y.shape[0]
assert abs(Z.mean(1)).max() < 5 / n ** .5, 'the mean'
C = (Z @ Z.T / n - np.eye(len(Z))) * n ** .5  # off the diagonal of deviation 1, on it of sqrt 2
assert abs(C).max() < 7 and .97 < C[np.triu_indices(len(Z), 1)].std() < 1.03, 'the covariance'
assert abs((Z ** 4).mean() - 3) < .05 and abs((Z ** 3).mean()) < .02, 'normal'
seeds = [r['seed_subsample'] for r in rows]
assert seeds.count('-') == len(rows) - 5 and sorted(s for s in seeds if s != '-') == ['1', '2', '3', '7', '7'], 'seeds of shares'
assert len([r for r in rows if r['model'] == 'topk']) == 8, 'two blocks, 4 runs each without anchors'
kept = {}
training = sorted(set(groups) - set(held))
for seed in (1, 2, 3, 7):  # the smaller half of the hashes
    order = sorted(training, key=lambda g: (lambda w: w[1] << 32 | w[0])(philox(seed, 127, int(g))))
    kept[str(seed)] = order[:int(.5 * len(training) + .5)]
X = h5py.File(tokens)['tokens'][:].astype(np.float32)
for r in rows:
    path = f"{out}/{r['model'].split()[0]}/{r['run']}/"
    with h5py.File(path + 'model.h5') as f, h5py.File(path + 'initial.h5') as g:
        assert str(f.attrs.get('seed_subsample', '-')) == r['seed_subsample'], 'the attribute'
        settings = f.attrs['settings']
        settings = settings.decode() if isinstance(settings, bytes) else settings
        assert ('tokens: surrogate' in settings) == r['model'].endswith('surrogate'), 'the tokens'
        if r['seed_subsample'] == '-':
            continue
        x = (X - f['normalise/mean'][:]) / f['normalise/scale'][:]  # starts are tokens, or their directions
        x, a = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, g['atoms'][:].astype(float)))
        closeness = a @ x.T
        assert (closeness.max(1) > 1 - 1e-6).all(), 'a start that is no token'
        own = np.isin(groups, kept[r['seed_subsample']])
        assert (closeness[:, own].max(1) > 1 - 1e-6).all(), 'a start that is no token of the share'
        assert .4 < own.mean() < .5
stability = {(r['model'], r['centring']): r for r in csv.DictReader(open(out + '/stability.csv')) if r['measure'] == 'matched_cosine'}
assert float(stability['share', 'centred']['value']) < 1, 'other shares, other dictionaries'
EOF
ok $? "surrogate tokens have the training tokens' mean and covariance; shares have seeds of their own"
finish
