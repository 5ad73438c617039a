#!/bin/sh
# ardis kmeans: the same bytes on any number of ranks and with every kernel set, an objective that never rises, assignments that a
# float64 brute force gives; mistakes with exit code 2 and no file left.
. "$ROOT/tests/mpi-env.sh"
D=$(mktemp -d) && cd "$D" || exit 1
trap 'rm -rf "$D"' EXIT
ardis="$B/ardis" n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' log; fi; }
"$ardis" import "$ROOT/experiments/quickstart/quickstart.h5:/tokens" -o tokens.h5 >log 2>&1
ok $? "tokens"
for init in random plusplus scalable; do
	$MPIEXEC -n 1 "$ardis" kmeans tokens.h5 --k 90 --iterations 4 --init $init --seed 7 -o one.h5 >log 2>&1
	ok $? "$init"
	awk '$1 == "iteration" { x = $4; sub(",", "", x); if (n++ && x + 0 > last + 0) bad = 1; last = x } END { exit bad || n != 4 }' log
	ok $? "$init: four iterations, the objective never rises"
	for ranks in 2 3; do
		$MPIEXEC -n $ranks "$ardis" kmeans tokens.h5 --k 90 --iterations 4 --init $init --seed 7 -o more.h5 >log 2>&1 && cmp one.h5 more.h5 >>log 2>&1
		ok $? "$init: the same bytes on $ranks ranks"
	done
done
for kernels in ref avx2 avx512; do
	ARDIS_KERNELS=$kernels "$ardis" kmeans tokens.h5 --k 90 --iterations 4 --init scalable --seed 7 -o more.h5 >log 2>&1
	if grep -q "cannot run" log; then n=$((n + 1)); echo "ok $n # SKIP this CPU has no $kernels"; continue; fi
	cmp one.h5 more.h5 >>log 2>&1
	ok $? "the same bytes with $kernels"
done
"$ardis" kmeans tokens.h5 --k 300 --iterations 60 --center mean --scale rms -o whole.h5 >log 2>&1 && "$PYTHON" - >>log 2>&1 <<'P'
import h5py, numpy as np
t, f = h5py.File('tokens.h5'), h5py.File('whole.h5')
mean, scale = f['normalise/mean'][()].astype(np.float32), f['normalise/scale'][()]
X = ((t['tokens'][()].astype(np.float32) - mean) * (1 / scale).astype(np.float32)).astype(np.float64)
assert abs((X ** 2).sum(1).mean() / X.shape[1] - 1) < 1e-5, 'rms'
C, a = f['atoms'][()].astype(np.float64), f['assignments'][()]
assert C.shape == (300, X.shape[1]) and a.shape == (len(X),) and a.dtype == np.int32
d = np.stack([((X[i:i + 100, None] - C) ** 2).sum(2).argmin(1) for i in range(0, 2000, 100)]).ravel()
assert (a[:2000] == d).all(), 'assignments'
log = open('log').read().split('\n')
best = ((X - C[a]) ** 2).sum()
said = float(log[-3].split()[-1])
assert abs(best / said - 1) < 1e-9, (best, said)
if log[-3].startswith('converged'):
    M = np.stack([X[a == j].mean(0) for j in range(300)])
    assert abs(M - C).max() < 1e-5, 'means'
P
ok $? "assignments, objective and means by NumPy"
bad() {
	words=$1; shift
	$MPIEXEC -n 2 "$ardis" kmeans "$@" >log 2>&1
	code=$?
	grep -qF -- "$words" log && [ $code -eq 2 ] && [ ! -e bad.h5 ] && ! ls | grep -q '\.part$'
	ok $? "refused ($code): $words"
}
bad "--k K is missing" tokens.h5 -o bad.h5
bad "--k 0: must be between" tokens.h5 --k 0 -o bad.h5
bad "has only 12544 tokens" tokens.h5 --k 20000 -o bad.h5
bad "the nearest word is plusplus" tokens.h5 --k 5 --init pluplus -o bad.h5
bad "--center: " tokens.h5 --k 5 --center middle -o bad.h5
bad "--out FILE is missing" tokens.h5 --k 5
bad "there is no folder" tokens.h5 --k 5 -o nowhere/bad.h5
bad "nothing.h5" nothing.h5 --k 5 -o bad.h5
bad "one file of tokens is needed" --k 5 -o bad.h5
echo "1..$n"
