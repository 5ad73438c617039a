#!/bin/sh
# ardis synth and inspect: settings, what is refused, what is shown.
. "$ROOT/tests/mpi-env.sh"
export OMPI_MCA_ess_singleton_isolated=1
D=$(mktemp -d) && cd "$D" || exit 1
trap 'rm -rf "$D"' EXIT
ardis="$B/ardis" n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' log; fi; }
bad() {
	words=$1; shift
	"$ardis" synth "$@" >log 2>&1
	code=$?
	grep -qF -- "$words" log && [ $code -eq 2 ] && [ ! -e bad.h5 ] && ! ls | grep -q '\.part$'
	ok $? "refused ($code): $words"
}
"$ardis" synth sparse -o plain.h5 --n 9000 --dim 16 --atoms 32 --active 3 --noise 0 >log 2>&1 && "$ardis" synth sparse -o normal.h5 --n 9000 --dim 16 --atoms 32 --active 3 --noise 0 --coefficients normal >log 2>&1 &&
	$PYTHON - >log 2>&1 <<'EOF'
import h5py, numpy as np
for name, mean in (('plain', 1), ('normal', (2 / np.pi) ** .5)):
    with h5py.File(name + '.h5') as f:
        x, atoms = f['tokens'][:].astype(float), f['truth/atoms'][:].astype(float)
    total, one = x.sum(0), atoms.sum(0)  # every atom is about equally often there
    scale = total @ one / (one @ one) / (9000 * 3 / 32)
    assert abs(scale - mean) < .03, (name, scale, mean)
EOF
ok $? "coefficients of sparse tokens: even and normal"
for kind in activations hierarchy hull mixture sparse; do
	"$ardis" synth $kind -o $kind.h5 --n 600 --dim 16 --seed 5 --dtype f16 >log 2>&1; ok $? "$kind"
done
$MPIEXEC -n 2 "$ardis" synth mixture -o two.h5 --n 600 --dim 16 --seed=5 --dtype f16 >log 2>&1 && cmp mixture.h5 two.h5 >>log 2>&1; ok $? "the same bytes on two ranks"
"$ardis" synth mixture -o other.h5 --n 600 --dim 16 --seed 5 --components 3 >log 2>&1 && "$ardis" inspect other.h5 >log && grep -q 'truth/atoms  float32 \[3 x 16\]' log && grep -q 'source = ardis synth mixture --n 600 --dim 16 --seed 5 --components 3 --spread 0.1' log && grep -q '^/tokens  float32 \[600 x 16\]' log; ok $? "inspect shows arrays and attributes"
"$ardis" inspect --digest mixture.h5 two.h5 >log 2>&1 && [ "$(cut -c 1-32 log | sort -u | wc -l)" = 1 ] && [ "$("$ardis" inspect --digest other.h5 | cut -c 1-32)" != "$(head -1 log | cut -c 1-32)" ]; ok $? "digests tell files apart"
printf 'x' | dd of=two.h5 bs=1 seek=20000 conv=notrunc 2>/dev/null; "$ardis" inspect --digest mixture.h5 two.h5 >log 2>&1 && [ "$(cut -c 1-32 log | sort -u | wc -l)" = 2 ]; ok $? "a changed byte changes the digest"
head -c 3000 mixture.h5 >cut.h5; "$ardis" inspect cut.h5 >log 2>&1; [ $? -eq 2 ] && grep -q 'cut.h5: is damaged or cut short' log; ok $? "a file cut short is refused"
"$ardis" inspect >log 2>&1; [ $? -eq 2 ] && grep -q 'no file is given' log; ok $? "no file"
bad 'no generator mixtur; did you mean mixture?' mixtur -o bad.h5 --n 5 --dim 3
bad 'the first word is the kind' -o bad.h5 --n 5 --dim 3
bad '--n is missing' mixture -o bad.h5 --dim 3
bad '--dim is missing' mixture -o bad.h5 --n 3
bad '-o FILE is missing' mixture --n 3 --dim 3
bad '--n 0: must be between' mixture -o bad.h5 --n 0 --dim 3
bad "--components: '0' is out of bounds" mixture -o bad.h5 --n 5 --dim 3 --components 0
bad '--active: more atoms are active' sparse -o bad.h5 --n 5 --dim 3 --atoms 2 --active 3
bad 'did you mean --components' mixture -o bad.h5 --n 5 --dim 3 --component 4
bad '--dtype f8: must be f16, bf16 or f32' mixture -o bad.h5 --n 5 --dim 3 --dtype f8
bad 'too large for float16' mixture -o bad.h5 --n 50 --dim 30 --dtype f16 --spread 1e5
( trap '' XFSZ; ulimit -f 131072; "$ardis" synth mixture -o bad.h5 --n 200000 --dim 768 ) >log 2>&1; [ $? -eq 2 ] && grep -q 'bad.h5: cannot be written: File too large' log && [ ! -e bad.h5 ] && ! ls | grep -q '\.part$'; ok $? "a file that the system does not let grow leaves nothing"
echo "1..$n"
