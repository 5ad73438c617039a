#!/bin/sh
# One program for every CPU: vector instructions only in the kernels that are chosen at start, and nothing that changes how
# floating-point arithmetic works for the whole process. (compute/probe.c is assembly by hand, behind a look at the CPU.)
if ! command -v objdump >/dev/null; then
	echo "1..0 # SKIP objdump not found"
	exit 0
fi
echo 1..3
case $(uname -m) in x86_64) ;; *) echo "ok 1 # SKIP not x86-64"; echo "ok 2 # SKIP not x86-64"; echo "ok 3 # SKIP not x86-64"; exit 0 ;; esac
bad=
for o in $(find "$B/src" -name '*.o' ! -path '*/backends/avx*' ! -path '*/backends/ref_fma.o' ! -path '*/compute/probe.o'); do
	objdump -d --no-show-raw-insn "$o" | grep -qE '%[yz]mm|	v[a-z]+[0-9a-z]* .*%xmm' && bad="$bad $o"
done
[ -z "$bad" ] && echo "ok 1 - no AVX outside the vector kernels" || { echo "not ok 1 - no AVX outside the vector kernels"; echo "# $bad"; }
n=$(objdump -d --no-show-raw-insn "$B/src/compute/backends/avx512_dense.o" | grep -cE 'vfmadd[123]+ps.*%zmm')
if [ -n "$EMULATE" ]; then
	echo "ok 2 # SKIP avx512 is emulated"
elif [ "$n" -gt 24 ]; then
	echo "ok 2 - and there they are"
else
	echo "not ok 2 - and there they are ($n)"
fi
bad=$(nm "$B"/src/compute/backends/avx*.o "$B/src/compute/backends/ref_fma.o" | awk '$2 ~ /^[TDRBVW]$/ && $3 !~ /^(avx|backend_avx|kernels_ref_fma)/ { print $3 }' | grep -vE '^(__|\.|DW\.|_?asan|_?ubsan)')
[ -z "$bad" ] && echo "ok 3 - no function of theirs is shared with other files" || { echo "not ok 3 - no function of theirs is shared with other files"; echo "# $bad"; }
