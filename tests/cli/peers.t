#!/bin/sh
# Where SAELens, dictionary_learning and overcomplete are installed: models that they make and save, imported, give their own forward passes; a
# training step is that of overcomplete's own loss and gradients. PEERS names a Python that has them (default: the tests' Python).
. "$ROOT/tests/cli/lib.sh"
H=$ROOT/tests/cli PEERS=${PEERS:-$PYTHON} TAB=$(printf "\t")
# without mpiexec: there are many models
one() { "$B/ardis" "$@" >"$T/log" 2>&1 </dev/null; }
there() { "$PEERS" -c 'import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, ["torch", "numpy", *sys.argv[1:]])))' "$@" 2>/dev/null; }
# imported NAME WORDS OPTIONS...: WORDS - or those of a refusal
imported() {
	f=$1 words=$2
	shift 2
	one import-model "$T/$library/$f" -o "$T/model.h5" "$@"
	code=$?
	if [ "$words" != - ]; then
		[ $code -eq 2 ] && grep -qF -- "$words" "$T/log" && [ ! -e "$T/model.h5" ]
		ok $? "$f is refused: $words"
		return
	fi
	[ $code -eq 0 ] && one encode "$T/model.h5" "$T/tokens.h5" -o "$T/codes.h5" --reconstruct && "$PYTHON" "$H/import_check.py" "$T/model.h5" "$T/codes.h5" "$T/$library/want-$f.npz" >"$T/log" 2>&1
	ok $? "$f: $(tail -n 2 "$T/log" | tr '\n' ' ')"
	rm -f "$T/model.h5"
}
for library in sae_lens dictionary_learning overcomplete; do
	if ! there $library; then
		skip "no $library for $PEERS: its own forward passes are not compared"
		continue
	fi
	"$PEERS" -B "$H/peers.py" models $library "$T/$library" >"$T/list" 2>"$T/log" && one import "$T/$library/tokens.npy" -o "$T/tokens.h5"
	ok $? "models of $library $(head -n 1 "$T/list")"
	sed 1d "$T/list" >"$T/models"
	while IFS="$TAB" read -r f words options <&3; do imported "$f" "$words" $options; done 3<"$T/models"
done
if ! there overcomplete h5py; then
	skip "no overcomplete with h5py for $PEERS: its own training steps are not compared"
	finish
	exit 0
fi
"$PEERS" -B "$H/peers.py" spec "$T" >"$T/log" 2>&1 && one import "$T/steps.npy" -o "$T/steps.h5" && ranks 2 run "$T/steps.yaml" --out "$T/steps"
ok $? "a step of each kind"
"$PEERS" -B "$H/peers.py" steps "$T" >"$T/list" 2>"$T/log" && [ -s "$T/list" ]
ok $? "those of overcomplete"
while IFS="$TAB" read -r verdict words <&3; do
	[ "$verdict" = same ]
	ok $? "$words"
done 3<"$T/list"
finish
