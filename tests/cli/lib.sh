# Sourced by the shell tests: TAP, a fresh folder, the program under mpirun. B, ROOT, MPIEXEC and PYTHON come from the Makefile.
set -u
: "${B:?}" "${ROOT:?}"
MPIEXEC=${MPIEXEC:-mpiexec} PYTHON=${PYTHON:-python3}
T=$(mktemp -d "${TMPDIR:-/tmp}/ardis-test.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM
tests=0
# ok STATUS NAME: status 0 passes
ok() {
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then echo "ok $tests - $2"; else
		echo "not ok $tests - $2"
		[ -f "$T/log" ] && tail -n 20 "$T/log" | sed 's/^/# /'
	fi
}
skip() { tests=$((tests + 1)); echo "ok $tests # skip $1"; }
finish() { echo "1..$tests"; }
# ranks N COMMAND…: the program on N ranks; output in $T/log
ranks() {
	n=$1
	shift
	timeout -k 10 "${LIMIT:-600}" $MPIEXEC -n "$n" "$B/ardis" "$@" >"$T/log" 2>&1
}
# The files that must be the same whatever ran them, in a stable order.
results() { (cd "$1" && find . \( -name initial.h5 -o -name model.h5 -o -name metrics.csv -o -name atoms.csv -o -name runs.csv -o -name groups.csv \
	-o -name pairs.csv -o -name stability.csv -o -name differences.csv -o -name purposes.csv -o -name levels.csv -o -name across.csv -o -path './anchors/*.h5' \) ! -name checkpoint.h5 | LC_ALL=C sort); }
# same A B: the same results, byte for byte
same() {
	results "$1" >"$T/list.a" && results "$2" >"$T/list.b" && cmp "$T/list.a" "$T/list.b" >>"$T/log" 2>&1 || return 1
	[ -s "$T/list.a" ] || return 1
	while read -r f; do cmp "$1/$f" "$2/$f" >>"$T/log" 2>&1 || return 1; done <"$T/list.a"
}
# $T/spec.yaml with each set of kernels, on 2 ranks: the bytes of $T/one
same_with_kernels() {
	for kernels in ref avx2 avx512; do
		if ARDIS_KERNELS=$kernels ranks 2 run "$T/spec.yaml" --out "$T/some"; then
			same "$T/one" "$T/some"
			ok $? "$kernels kernels: the same bytes"
		elif grep -q "this CPU cannot run '$kernels'" "$T/log"; then skip "this CPU has no $kernels"
		else ok 1 "$kernels kernels"; fi
		rm -rf "$T/some"
	done
}
# The quickstart's spec, smaller: small EPOCHS WIDTH SEEDS > spec
small() {
	sed -e "s|^tokens: .*|tokens: $ROOT/experiments/quickstart/quickstart.h5|" -e '/^images: /d' -e "s/epochs: [0-9]*/epochs: $1/g" -e "s/width: [0-9]*/width: $2/" \
		-e "s/1\.\.4/1..$3/g" -e "s/count: [0-9]*/count: ${4:-128}/" "$ROOT/experiments/quickstart/quickstart.yaml"
}
