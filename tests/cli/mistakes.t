#!/bin/sh
# Mistakes in specs and command lines: each is told in its own words, with its place and the nearest right word; the exit code is 2, and no
# file is left. A spec in tests/data/mistakes begins with comments that hold what must be said, all of it.
ardis=$B/ardis data=$ROOT/tests/data/mistakes
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# 2,000 tokens of 8 numbers: any bytes of digits are finite floats
seq 100000 | head -c 64000 >tokens.raw
"$ardis" import tokens.raw --raw f32 --dim 8 -o tokens.h5 >log 2>&1 || { cat log >&2; exit 1; }
cat >good.yaml <<EOF
schema: 1
name: good
tokens: tokens.h5
models:
  topk: {method: sae, width: 16, code: {name: topk, k: 4}}
EOF

n=0
# refused WHAT SPEC ARGUMENT...: in a folder of its own; the file expected says what must be said. Starting takes long and works little: several at once.
refused() {
	n=$((n + 1))
	mkdir -p $n/here
	echo "$1" >$n/what
	cp expected $n/expected
	cp good.yaml tokens.h5 $n/here/
	cp "$2" $n/here/spec.yaml
	shift 2
	own=$n
	(
		cd $n/here || exit 1
		ls -A >../before
		export OMPI_MCA_orte_tmpdir_base="$dir/$own/mpi" OMPI_MCA_ess_singleton_isolated=1 # alone, without a daemon, in a folder of its own
		"$ardis" "$@" >../printed 2>../said
		echo $? >../code
		ls -A >../after
	) &
	[ $((n % 4)) -ne 0 ] || wait
}
for spec in "$data"/*.yaml; do
	sed -n '/^# /!q;s/^# //p' "$spec" >expected
	refused "$(basename "$spec" .yaml)" "$spec" check spec.yaml
done
sed -n '/^# /!q;s/^# //p' "$data"/01-*.yaml >expected
refused 'plan of a bad spec' "$data"/01-*.yaml plan spec.yaml
refused 'run of a bad spec' "$data"/01-*.yaml run spec.yaml --out here
grep -v '^#' "$data/command-lines.txt" >lines
while IFS= read -r line; do
	echo "${line#*=> }" >expected
	refused "ardis ${line%% =>*}" good.yaml ${line%% =>*}
done <lines
wait

for i in $(seq $n); do
	if [ "$(cat $i/code)" = 2 ] && [ ! -s $i/printed ] && cmp -s $i/before $i/after && cmp -s $i/expected $i/said; then
		echo "ok $i - $(cat $i/what)"
	else
		echo "not ok $i - $(cat $i/what)"
		{
			echo "exit code $(cat $i/code)"
			diff $i/expected $i/said
			diff $i/before $i/after
			cat $i/printed
		} | sed 's/^/# /' >&2
	fi
done
echo "1..$n"
