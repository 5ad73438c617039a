#!/bin/sh
# ardis import-model: codes and reconstructions are those of the formats' libraries, computed from the same arrays by NumPy in float64;
# whatever is malformed is refused by name, and leaves nothing. peers.t holds them against the libraries' own forward passes.
. "$ROOT/tests/cli/lib.sh"
H=$ROOT/tests/cli TAB=$(printf "\t")
# without mpiexec: there are many models
one() { "$B/ardis" "$@" >"$T/log" 2>&1 </dev/null; }
"$PYTHON" "$H/import_model.py" "$T/m" >"$T/list" 2>"$T/log" && one import "$T/m/tokens.npy" -o "$T/tokens.h5"
ok $? "models in each format, and tokens"
while read -r f options <&3; do
	one import-model "$T/m/$f" -o "$T/m/$f.h5" $options && one encode "$T/m/$f.h5" "$T/tokens.h5" -o "$T/codes.h5" --reconstruct &&
		"$PYTHON" "$H/import_check.py" "$T/m/$f.h5" "$T/codes.h5" "$T/m/want-$f.npz" >"$T/log" 2>&1
	ok $? "$f"
done 3<"$T/list"
"$PYTHON" "$H/import_model.py" "$T/bad" bad >"$T/list" 2>"$T/log"
ok $? "malformed files"
while IFS="$TAB" read -r f words <&3; do
	one import-model "$T/bad/$f" -o "$T/bad.h5" $(case $f in *.pt) echo --k 3 ;; esac)
	[ $? -eq 2 ] && grep -qF -- "$words" "$T/log" && grep -qF -- "$f" "$T/log" && [ ! -e "$T/bad.h5" ] && [ -z "$(ls "$T" | grep '^bad\.h5')" ]
	ok $? "refused: $f: $words"
done 3<"$T/list"
refused() { words=$1; shift; one import-model "$@"; [ $? -eq 2 ] && grep -qF -- "$words" "$T/log" && [ ! -e "$T/bad.h5" ]; ok $? "refused: $words"; }
refused 'does not say what its code is' "$T/bad/good.pt" -o "$T/bad.h5"
refused 'no such format' "$T/bad/good.pt" -o "$T/bad.h5" --from saelen
refused 'is missing' "$T/bad/good.pt"
refused '--delta x' "$T/bad/good.pt" -o "$T/bad.h5" --k 3 --delta x
cat >"$T/plain.py" <<'P'
import h5py, numpy as np, sys
a = np.arange(24, dtype=np.float32).reshape(4, 6) + 1
np.save(sys.argv[1] + '.npy', a)
with h5py.File(sys.argv[1] + '.hdf5', 'w') as f:
    f['x/atoms'] = a
    f['other'] = a[:2]
P
"$PYTHON" "$T/plain.py" "$T/plain" && one import-model "$T/plain.npy" -o "$T/p1.h5" && ranks 2 import-model "$T/plain.hdf5:x/atoms" -o "$T/p2.h5" --tokens "$T/tokens.h5" &&
	grep -q 'no encoder' "$T/log" && "$PYTHON" -c "import h5py, sys
a, b = (h5py.File(p)['atoms'][:] for p in sys.argv[1:])
assert (a == b).all() and a[3, 5] == 24" "$T/p1.h5" "$T/p2.h5"
ok $? "plain atoms of .npy and HDF5"
one encode "$T/p1.h5" "$T/tokens.h5" -o "$T/bad.h5"
[ $? -eq 2 ] && grep -q 'has no encoder' "$T/log" && [ ! -e "$T/bad.h5" ]
ok $? "atoms without an encoder have no codes"
finish
