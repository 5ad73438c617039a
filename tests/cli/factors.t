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
  hull: {method: sae, width: 24, code: {name: topk, k: 4}, atoms: {name: hull, anchors: own}, null_surrogate: true, seeds: {init: 1..2, data: 1..2, anchors: 1..2, combine: zip}}
snapshots: 5
measure: [r2, dead]
compare: [matched_cosine]
EOF
# all DIR: what must not depend on the ranks, and plan.csv
all() { (cd "$1" && find . -name '*.h5' -o -name '*.csv' | grep -v stages.csv | grep -v report | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum); }
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
sed '/^snapshots/d' "$T/spec.yaml" >"$T/without.yaml"
models='/initial.h5\|/model.h5\|metrics.csv\|stability.csv'
ranks 2 run "$T/without.yaml" --out "$T/some" --only share,hull && all "$T/some" | grep "/\(share\|hull\)/.*\($models\)" >"$T/some.sums" && [ "$(wc -l <"$T/some.sums")" -eq 21 ] && grep "/\(share\|hull\)/.*\($models\)" "$T/one.sums" | cmp - "$T/some.sums" >>"$T/log" && ! ls "$T"/some/*/*/snapshot* >>"$T/log" 2>&1
ok $? "without snapshots: the same models"
ranks 2 run "$T/spec.yaml" --out "$T/some" --only share,hull && grep -q '^snapshots: 7 finished runs have none and keep what they have' "$T/log" && ! ls "$T"/some/*/*/snapshot* >>"$T/log" 2>&1
ok $? "asked for later: finished runs say that they have none"
rm -rf "$T/some/share"
ranks 2 run "$T/spec.yaml" --out "$T/some" --only share,hull && for f in one some; do (cd "$T/$f" && grep '^share,' trajectory.csv && cat share/*/partners.csv) >"$T/$f.again" || break; done && cmp "$T/one.again" "$T/some.again" >>"$T/log"
ok $? "runs trained anew are compared anew"
rm -rf "$T/some"
status=75 n=1 stops=0
while [ $status -eq 75 ] && [ $stops -lt 60 ]; do
	n=$((n % 3 + 1)) stops=$((stops + 1))
	ARDIS_STOP_AFTER=$((13 + stops * 17 % 29)) ranks $n run "$T/spec.yaml" --out "$T/some" --only hull --groups 1
	status=$?
	[ $status -eq 1 ] && grep -q 'stopped at a checkpoint' "$T/log" && status=75
done
[ $status -eq 0 ] && [ $stops -gt 3 ] && (cd "$T/one" && ls hull/*/snapshots.h5) >"$T/list" && [ "$(wc -l <"$T/list")" -eq 4 ] &&
	while read -r f; do cmp "$T/one/$f" "$T/some/$f" || break; done <"$T/list" >>"$T/log" 2>&1 && ! ls "$T"/some/*/*/snapshot_* "$T"/one/*/*/snapshot_* >/dev/null 2>&1
ok $? "stopped $stops times: the same snapshots"
rm -rf "$T/some"
sed 's/steps: 20/steps: 4/' "$T/without.yaml" >"$T/short.yaml"
ranks 2 run "$T/short.yaml" --out "$T/short" --only topk,hull
ok $? "four steps only"
"$PYTHON" -B - "$T/one" "$ROOT/experiments/quickstart/quickstart.h5" "$ROOT/tests/oracle" "$T/short" >"$T/log" 2>&1 <<'EOF'
import csv, sys
import h5py, numpy as np
out, tokens, oracle, short = sys.argv[1:]
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
runs = {(r['model'], r['seed_init'], r['seed_data'], r['seed_anchors'], r['seed_subsample']): r['run'] for r in csv.DictReader(open(short + '/plan.csv'))}
for r in rows:  # a snapshot is what a shorter run ends with; k-means ends early and has those that it came to
    folder = r['model'].split()[0] + '/'
    with h5py.File(f"{out}/{folder}{r['run']}/snapshots.h5") as f, h5py.File(f"{out}/{folder}{r['run']}/model.h5") as g:
        steps = list(f['steps'][:])
        assert steps == ([1, 2, 4, 9, 20] if r['method'] == 'sae' else [1, 2, 3, 4]), steps
        assert sorted(f) == sorted(['steps'] + [f'atoms_{s}' for s in steps])
        assert (f[f'atoms_{steps[-1]}'][:] == g['atoms'][:]).all(), 'the last is the model'
        if r['method'] == 'sae' and folder != 'share/':
            with h5py.File(f"{short}/{folder}{runs[r['model'], r['seed_init'], r['seed_data'], r['seed_anchors'], '-']}/model.h5") as h:
                assert (h['atoms'][:] == f['atoms_4'][:]).all() and (h['atoms'][:] != f['atoms_9'][:]).any(), 'the fourth step'
stability = {(r['model'], r['centring']): r for r in csv.DictReader(open(out + '/stability.csv')) if r['measure'] == 'matched_cosine'}
assert float(stability['share', 'centred']['value']) < 1, 'other shares, other dictionaries'
EOF
ok $? "surrogate tokens have the training tokens' mean and covariance; shares have seeds of their own"
grep -q 'hull' "$T/one/report/index.html" && ! grep -q 'topk surrogate\|hull surrogate' "$T/one/report/index.html"
ok $? "the report shows no surrogate as a model"
# a grid over start, pick, anchors and centring: equal runs are trained once, whatever the ranks
cat >"$T/grid.yaml" <<EOF
schema: 1
name: grid
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1..2, data: 1..2, anchors: 1..2}
anchors: {own: {method: {name: kmeans, iterations: 2}, count: 48}, common: {method: {name: kmeans, iterations: 2}, count: 48, sharing: shared}}
train: {steps: 3, batch: 256}
models:
  free: {method: sae, width: 24, code: {name: topk, k: 4}, atoms: {name: free, start: {name: anchors, anchors: own}}, grid: {atoms.start.anchors: [own, common], atoms.start.pick: [identity, permuted, random_subset]}}
  hull: {method: sae, width: 24, code: {name: topk, k: 4}, grid: {atoms: [{name: free, start: data}, {name: hull, anchors: own}, {name: hull, anchors: common}], normalise.center: [none, mean]}}
measure: [r2]
compare: [matched_cosine]
EOF
ranks 1 run "$T/grid.yaml" --out "$T/g1" && ranks 3 run "$T/grid.yaml" --out "$T/g3" && all "$T/g1" >"$T/one.sums" && all "$T/g3" | cmp "$T/one.sums" - >>"$T/log"
ok $? "a grid over starts, picks, anchors and centring"
[ "$(tail -n +2 "$T/g1/runs.csv" | grep -c ,done,)" -eq 24 ] && [ "$(ls -d "$T"/g1/free/*/ "$T"/g1/hull/*/ | wc -l)" -eq 20 ] && [ "$(cat "$T"/g3/free/*/log.jsonl "$T"/g3/hull/*/log.jsonl | grep -c '"started"')" -eq 20 ]
ok $? "equal runs of two grid points are trained once"
finish
