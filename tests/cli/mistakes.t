#!/bin/sh
# Mistakes in specs and command lines: each is told in its own words, with its place and the nearest right word; the exit code is 2, and no
# file is left. A spec in tests/data/mistakes begins with comments that hold what must be said, all of it.
ardis=$B/ardis data=$ROOT/tests/data/mistakes
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/work"
cd "$dir/work" || exit 1
n=0
# refused WHAT ARGUMENT...: what is said is the file ../expected, and nothing is left
refused() {
	what=$1
	shift
	ls -A >../before
	"$ardis" "$@" >../printed 2>../said
	code=$?
	ls -A >../after
	n=$((n + 1))
	if [ $code = 2 ] && [ ! -s ../printed ] && cmp -s ../before ../after && cmp -s ../expected ../said; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		{
			echo "exit code $code"
			diff ../expected ../said
			diff ../before ../after
			cat ../printed
		} | sed 's/^/# /' >&2
	fi
}

# 2,000 tokens of 8 numbers: any bytes of digits are finite floats
seq 100000 | head -c 64000 >../tokens.raw
"$ardis" import ../tokens.raw --raw f32 --dim 8 -o tokens.h5 >../printed || exit 1
for spec in "$data"/*.yaml; do
	sed -n '/^# /!q;s/^# //p' "$spec" >../expected
	cp "$spec" spec.yaml
	refused "$(basename "$spec" .yaml)" check spec.yaml
done

cat >good.yaml <<EOF
schema: 1
name: good
tokens: tokens.h5
models:
  topk: {method: sae, width: 16, code: {name: topk, k: 4}}
EOF
cp "$data"/01-*.yaml spec.yaml
for command in plan 'run --out here'; do
	sed -n '/^# /!q;s/^# //p' spec.yaml >../expected
	refused "ardis $command of a bad spec" ${command%% *} spec.yaml ${command#"${command%% *}"}
done
grep -v '^#' "$data/command-lines.txt" >../lines
while IFS= read -r line; do
	echo "${line#*=> }" >../expected
	refused "ardis ${line%% =>*}" ${line%% =>*}
done <../lines
echo "1..$n"
