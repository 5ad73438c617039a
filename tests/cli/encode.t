#!/bin/sh
# ardis encode: the codes are those that NumPy finds with the model's arrays; the same bytes on any number of ranks, however few are kept.
. "$ROOT/tests/cli/lib.sh"
TOKENS=$ROOT/experiments/quickstart/quickstart.h5
small 1 32 1 >"$T/spec.yaml"
ranks 1 run "$T/spec.yaml" --out "$T/out" --only topk,kmeans
ok $? "models to encode with"
run=$(ls -d "$T/out/topk/"*)
ranks 1 encode "$run" "$TOKENS" -o "$T/one.h5" --reconstruct && ranks 2 encode "$run/model.h5" "$TOKENS" -o "$T/two.h5" --reconstruct &&
	ranks 3 encode "$run" "$TOKENS" -o "$T/three.h5" --reconstruct --memory 0 && cmp "$T/one.h5" "$T/two.h5" && cmp "$T/one.h5" "$T/three.h5"
ok $? "the same bytes on 1, 2 and 3 ranks, kept or not"
ranks 1 encode "$run" "$TOKENS" -o "$T/few.h5" --k 1 && ranks 2 encode "$(ls -d "$T/out/kmeans/"*)" "$TOKENS" -o "$T/means.h5"
ok $? "another k; k-means"
cat >"$T/check.py" <<'P'
import h5py, numpy as np, scipy.sparse as sp, sys
folder, run, tokens = sys.argv[1:]
def codes(name):
    with h5py.File(folder + '/' + name) as f:
        return sp.csr_matrix((f['data'][:], f['indices'][:], f['indptr'][:]), shape=f.attrs['shape'].astype(int)), dict(f.attrs)
with h5py.File(tokens) as f:
    X = f['tokens'][:].astype(np.float64)
with h5py.File(run + '/model.h5') as f:
    g = {k: f[k][:].astype(np.float64) for k in ('atoms', 'encoder/weight', 'encoder/bias', 'bias', 'normalise/mean', 'normalise/scale')}
    settings = dict(line.split(': ', 1) for line in f.attrs['settings'].decode().splitlines())
S = ((X - g['normalise/mean']) / g['normalise/scale'] - g['bias']) @ g['encoder/weight'].T + g['encoder/bias']
for name, k in (('one.h5', int(settings['code.k'])), ('few.h5', 1)):
    Z, attributes = codes(name)
    assert Z.shape == S.shape and attributes['k'].decode() == str(k)
    top = np.sort(S, 1)[:, -k - 1:]
    clear = (top[:, 1] - top[:, 0] > 1e-4) & (np.abs(S).min(1) > 0)  # rounding cannot swap the last one kept
    want = np.where(S >= top[:, 1:2], np.maximum(S, 0), 0)
    assert clear.mean() > .5
    assert np.abs(Z.toarray() - want)[clear].max() <= 1e-5 * np.abs(S).max()
    assert all(np.all(np.diff(Z.indices[a:b]) > 0) for a, b in zip(Z.indptr, Z.indptr[1:]))
with h5py.File(folder + '/one.h5') as f:
    Y = f['reconstructions'][:]
want = (codes('one.h5')[0] @ g['atoms'] + g['bias']) * g['normalise/scale'] + g['normalise/mean']
assert np.abs(Y - want).max() <= 1e-6 * np.abs(want).max() and 'reconstructions' not in h5py.File(folder + '/few.h5')
Z, _ = codes('means.h5')
assert (np.diff(Z.indptr) == 1).all() and (Z.data == 1).all()
P
"$PYTHON" "$T/check.py" "$T" "$run" "$TOKENS" >"$T/log" 2>&1
ok $? "NumPy finds the same codes"
"$B/ardis" synth mixture -o "$T/narrow.h5" --n 9 --dim 3 >"$T/log" 2>&1
refused() { words=$1; shift; ranks 1 encode "$@" -o "$T/bad.h5"; [ $? -eq 2 ] && grep -qF -- "$words" "$T/log" && [ ! -e "$T/bad.h5" ]; ok $? "refused: $words"; }
refused 'tokens of width 3' "$run" "$T/narrow.h5"
refused 'the dictionary has only' "$run" "$TOKENS" --k 100000
refused 'have no k' "$(ls -d "$T/out/kmeans/"*)" "$TOKENS" --k 2
refused 'a model and a token file' "$run"
refused 'nowhere' "$T/nowhere" "$TOKENS"
finish
