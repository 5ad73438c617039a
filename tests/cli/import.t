#!/bin/sh
# ardis import: every format and option against NumPy and h5py; what must be refused, by name, with exit code 2 and no file left.
. "$ROOT/tests/mpi-env.sh"
D=$(mktemp -d) && cd "$D" || exit 1
trap 'rm -rf "$D"' EXIT
ardis="$B/ardis" n=0
export OMPI_MCA_ess_singleton_isolated=1
on() { if [ "$1" = 1 ]; then shift; "$@"; else $MPIEXEC -n "$@"; fi; }
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' log; fi; }
# good RANKS FILE.h5 CHECK ARGS...: imports, then CHECK (Python, f: the file, A: the arrays) must hold
good() {
	ranks=$1 out=$2 check=$3; shift 3
	on "$ranks" "$ardis" import "$@" -o "$out" >log 2>&1 && "$PYTHON" -c "
import h5py, numpy as np
A = np.load('arrays.npz')
f = h5py.File('$out')
t = f['tokens'][()]
if t.dtype == np.uint16: t = (t.astype(np.uint32) << 16).view(np.float32)
t = t.astype(np.float64)
X = t
s = f['statistics']
def same(a, b): return a.shape == b.shape and np.array_equal(a, b)
mean = X.mean(0)
assert np.allclose(s['mean'][()], mean, rtol=1e-12, atol=1e-12), 'mean'
assert np.allclose(s['deviation'][()], X.std(0), rtol=1e-9, atol=1e-12), 'deviation'
assert same(s['minimum'][()], X.min(0)) and same(s['maximum'][()], X.max(0)), 'ends'
assert np.isclose(s['square'][()], ((X - mean) ** 2).sum(1).mean(), rtol=1e-10), 'square'
assert np.isclose(s['mean_over_rms'][()], np.linalg.norm(mean) / np.sqrt((X ** 2).sum(1).mean()), rtol=1e-10), 'mean_over_rms'
assert f.attrs['n'] == X.shape[0] and f.attrs['d'] == X.shape[1] and f.attrs['schema'] == 1
assert $check
" >>log 2>&1
	ok $? "$out $*"
}
# bad WORDS ARGS...: refused with exit code 2, a message that holds WORDS, no file
bad() {
	words=$1; shift
	on "${RANKS:-1}" "$ardis" import "$@" -o bad.h5 >log 2>&1
	code=$?
	grep -qF -- "$words" log && [ $code -eq 2 ] && [ ! -e bad.h5 ] && ! ls | grep -q '\.part$'
	ok $? "refused ($code): $words"
}

"$PYTHON" - <<'P' || exit 1
import numpy as np, h5py, json, struct
r = np.random.default_rng(1)
a = r.normal(size=(9000, 24)).astype(np.float32) * 3 + 1
h = a.astype(np.float16)
im = r.normal(size=(20, 5, 24)).astype(np.float32)
sq = r.normal(size=(6, 3, 4, 24)).astype(np.float32)
lab = (np.arange(9000) % 3)
np.savez('arrays.npz', a=a, h=h, im=im, sq=sq, lab=lab)
np.save('a.npy', a); np.save('h.npy', h); np.save('d.npy', a.astype(np.float64)); np.save('fortran.npy', np.asfortranarray(a))
np.save('big.npy', a.astype('>f4')); np.save('im.npy', im); np.save('narrow.npy', a[:, :5])
with open('v2.npy', 'wb') as f: np.lib.format.write_array(f, a, version=(2, 0))
with open('v3.npy', 'wb') as f: np.lib.format.write_array(f, a, version=(3, 0))
np.save('ints.npy', np.arange(10).reshape(5, 2)); np.save('lab.npy', lab.astype(np.int16)); np.save('groups.npy', -7 * (lab + 1).astype(np.int64))
np.save('pos.npy', np.stack([lab, lab + 1], 1).astype(np.uint8)); np.save('short.npy', lab[:50]); np.save('imlab.npy', np.arange(20)); np.save('one.npy', a[0])
open('names.txt', 'w').write('zero\none\r\ntwo\n'); open('two.txt', 'w').write('zero\none\n')
open('raw.bin', 'wb').write(a.tobytes()); open('odd.bin', 'wb').write(a.tobytes()[:-1]); open('empty.npy', 'wb')
open('cut.npy', 'wb').write(open('a.npy', 'rb').read()[:-100]); open('text.npy', 'w').write('this is no array at all\n')
b = a.copy(); b[4097, 3] = np.nan; b[8000, 0] = np.inf; b[0, 0] = -np.inf; np.save('nan.npy', b)
g = a.copy(); g[5000, 2] = 1e5; np.save('large.npy', g); e = a.astype(np.float64); e[77, 1] = 1e300; np.save('huge.npy', e)
with h5py.File('x.h5', 'w') as f:
    f['a'] = a; f['lab'] = lab; f['g/im'] = im; f['g/sq'] = sq; f['text'] = np.arange(3); f.create_dataset('packed', data=h, chunks=(100, 24), compression='gzip')
    f.create_dataset('imp', data=im, chunks=(3, 5, 24), compression='gzip')
with h5py.File('plain.h5', 'w') as f: f['tokens'] = a
def tensors(path, d):
    head, data = {'__metadata__': {'format': 'pt'}}, b''
    for k, (t, x) in d.items():
        head[k] = {'dtype': t, 'shape': list(x.shape), 'data_offsets': [len(data), len(data) + x.nbytes]}; data += x.tobytes()
    j = json.dumps(head).encode(); open(path, 'wb').write(struct.pack('<Q', len(j)) + j + data)
bf = (a.view(np.uint32) >> 16).astype(np.uint16)
tensors('t.safetensors', {'blocks.3': ('F32', a), 'half': ('F16', h), 'bf': ('BF16', bf), 'ids': ('I64', lab)}); tensors('one.safetensors', {'x': ('F16', h)})
open('cut.safetensors', 'wb').write(open('t.safetensors', 'rb').read()[:5000])
P

good 1 a.h5 "same(t, A['a'])" a.npy
good 2 a2.h5 "same(t, A['a'])" a.npy
good 3 a3.h5 "same(t, A['a'])" a.npy
cmp a.h5 a2.h5 >log 2>&1 && cmp a.h5 a3.h5 >>log 2>&1; ok $? "the same bytes on 1, 2 and 3 ranks"
good 2 h.h5 "same(t, A['h']) and f['tokens'].dtype == np.float16" h.npy
good 1 d.h5 "same(t, A['a']) and f['tokens'].dtype == np.float32" d.npy
good 1 fortran.h5 "same(t, A['a'])" fortran.npy
good 1 big.h5 "same(t, A['a'])" big.npy
good 1 v2.h5 "same(t, A['a'])" v2.npy
good 1 v3.h5 "same(t, A['a'])" v3.npy
good 1 raw.h5 "same(t, A['a'])" raw.bin --raw f32 --dim 24
good 2 f16.h5 "same(t, A['a'].astype(np.float16)) and f['tokens'].dtype == np.float16" a.npy --dtype f16
cmp f16.h5 h.h5 >/dev/null 2>&1; [ $? -ne 0 ] && good 2 two.h5 "same(t, np.vstack([A['a'], A['h'], A['a']]))" a.npy h.npy d.npy
good 1 beside.h5 "same(f['labels'][()], A['lab']) and same(f['groups'][()], -7 * (A['lab'] + 1)) and same(f['positions'][()], np.stack([A['lab'], A['lab'] + 1], 1)) and list(f['names'][()]) == [b'zero', b'one', b'two'] and f.attrs['model'] == b'net'" a.npy --labels lab.npy --groups groups.npy --positions pos.npy --names names.txt --model net --layer 3
good 1 h5lab.h5 "same(f['labels'][()], A['lab'])" x.h5:/a --labels x.h5:/lab
good 2 packed.h5 "same(t, A['h'])" x.h5:packed
good 1 im.h5 "same(t, A['im'].reshape(-1, 24)) and same(f['groups'][()], np.arange(100) // 5) and same(f['positions'][()], np.arange(100) % 5)" x.h5:/g/im
good 1 cls.h5 "same(t, A['im'][:, 0]) and same(f['groups'][()], np.arange(20))" x.h5:/g/im --select cls
good 2 patches.h5 "same(t, A['im'][:, 1:].reshape(-1, 24)) and same(f['positions'][()], np.arange(80) % 4)" x.h5:/g/im --select patches
good 1 mean.h5 "np.allclose(t, A['im'].astype(float).mean(1), atol=1e-7)" x.h5:/g/im --select mean
good 1 imp.h5 "same(t, A['im'][:, 1:].reshape(-1, 24))" x.h5:/imp --select patches
good 1 imnpy.h5 "same(t, A['im'].reshape(-1, 24)) and same(f['labels'][()], np.arange(100) // 5)" im.npy --labels imlab.npy
good 1 sq.h5 "same(t, A['sq'].reshape(-1, 24)) and same(f['groups'][()], np.arange(72) // 12)" x.h5:/g/sq
good 1 sqmean.h5 "np.allclose(t, A['sq'].astype(float).mean((1, 2)), atol=1e-7)" x.h5:/g/sq --select mean
good 1 st.h5 "same(t, np.vstack([A['a'], A['h']]))" t.safetensors:blocks.3 one.safetensors
good 2 bf.h5 "f['tokens'].attrs['dtype'] == b'bfloat16' and same(t, ((A['a'].view(np.uint32) >> 16) << 16).view(np.float32))" t.safetensors:bf
good 3 drop.h5 "same(t, np.delete(A['a'], [0, 4097, 8000], 0)) and same(f['labels'][()], np.delete(A['lab'], [0, 4097, 8000])) and f.attrs['dropped'] == 3" nan.npy --nonfinite drop --labels lab.npy
good 1 drop1.h5 "True" nan.npy --nonfinite drop --labels lab.npy
cmp drop.h5 drop1.h5 >log 2>&1; ok $? "dropping gives the same bytes on 1 and 3 ranks"

bad 'nan.npy: row 0 holds NaN or infinity' nan.npy
RANKS=3 bad 'nan.npy: row 4097 holds NaN or infinity' nan.npy
bad 'large.npy: row 5000 holds a number too large for float16' large.npy --dtype f16
bad 'huge.npy: row 77 holds a number too large for float32' huge.npy
bad 'huge.npy: row 77 holds a number too large' huge.npy --nonfinite drop
bad 'none.npy: cannot be read' none.npy
bad 'empty.npy: is empty' empty.npy
bad 'cut.npy: is cut short' cut.npy
bad 'text.npy: is no .npy' text.npy
bad 'arrays.npz: is a zip archive' arrays.npz
bad 'ints.npy: holds numbers of type i8' ints.npy
bad 'one.npy: has 1 dimensions' one.npy
bad 'narrow.npy: has tokens of width 5' a.npy narrow.npy
bad 'odd.bin: has 863999 bytes' odd.bin --raw f32 --dim 24
bad 'a.npy: is a .npy file, not headerless' a.npy --raw f32 --dim 24
bad 'x.h5: is an HDF5 file, not headerless' x.h5 --raw f32 --dim 24
bad '--raw needs --dim' raw.bin --raw f32
bad '--dim is for headerless' a.npy --dim 24
bad '--raw f31: must be f16, bf16, f32 or f64' raw.bin --raw f31 --dim 24
bad 'x.h5: has several arrays: ' x.h5
bad 'x.h5: has no array /none' x.h5:/none
bad 'does not hold floating-point numbers' x.h5:/text
bad 'no token is a class token' x.h5:/g/sq --select cls
bad '--select is for' a.npy --select cls
bad '--select most: must be all, cls, patches or mean' x.h5:/g/im --select most
bad 'has no tensor none; it has blocks.3, half, bf, ids' t.safetensors:none
bad 'name a tensor as FILE:TENSOR' t.safetensors
bad 'ids is of type I64' t.safetensors:ids
bad 'cut.safetensors: is cut short' cut.safetensors:blocks.3
bad 'short.npy: has 50 numbers; there are 9000 tokens' a.npy --labels short.npy
bad 'a.npy: holds numbers of type f4; whole numbers are needed' a.npy --labels a.npy
bad 'the label 2 of token 2 has no name' a.npy --labels lab.npy --names two.txt
bad '--labels is not given' a.npy --names names.txt
bad 'no input is given' --dtype f16
bad 'unknown option --lables; did you mean --labels' a.npy --lables lab.npy
bad 'images, those before it' a.npy im.npy
"$ardis" import a.npy -o no/such/folder/x.h5 >log 2>&1; [ $? -eq 2 ] && grep -q 'no/such/folder/x.h5: cannot be written' log; ok $? "a folder that is not there"
"$ardis" import a.npy >log 2>&1; [ $? -eq 2 ] && grep -q 'o FILE is missing' log; ok $? "no output"
cp a.npy same.npy; "$ardis" import same.npy -o same.npy >log 2>&1; [ $? -eq 2 ] && cmp -s a.npy same.npy; ok $? "an input is not overwritten"
"$ardis" inspect plain.h5 >/dev/null 2>&1
ls | grep -c '\.part$' >log; [ "$(cat log)" = 0 ]; ok $? "nothing is left beside the files"
echo "1..$n"
