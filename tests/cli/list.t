#!/bin/sh
# ardis list: every file of every registry is listed; settings, bounds and defaults are told as a spec would write them.
ardis=$B/ardis
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
ok() { # ok WHAT COMMAND...
	what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
"$ardis" list >all
for folder in compute/backends data/importers data/generators learn/methods learn/kmeans/inits learn/sae/codes learn/sae/atoms learn/sae/starts \
	learn/sae/encoders learn/sae/goals learn/sae/revivals learn/optimizers learn/sparsities learn/averages learn/schedules measure/metrics compare/comparisons \
	report/figures run/exporters cli/commands; do
	missing=
	for file in "$ROOT/src/$folder"/*.c; do
		name=$(basename "$file" .c)
		case $folder/$name in compute/backends/*_*) continue ;; esac
		grep -qE "^  $(echo "$name" | tr _ .)( |\$)" all || missing="$missing $name"
	done
	ok "$folder is listed${missing:+, but not$missing}" test -z "$missing"
done
"$ardis" list codes >codes
ok 'a code as a spec would write it' grep -qx '      code: {name: topk, k: 32}' codes
ok 'a setting with bounds and default' grep -qE '^      k +.*; 1 to [0-9]+; default 32$' codes
ok 'where it comes from' grep -q 'arXiv:2406.04093' codes
"$ardis" list start >starts
ok 'what is chosen within a choice' grep -qE '^      atoms: \{name: free, start: \{name: anchors, anchors: SET, ' starts
"$ardis" list optimizers >optimizers
ok 'what is chosen under train' grep -qE '^      train: \{optimizer: \{name: adam, lr: ' optimizers
"$ardis" list methods >methods
ok 'what must be given' grep -qE '^      method: sae, width: N, code: CODE, ' methods

# what list writes can be read: each code, atoms, start, ... in a spec of its own
seq 100000 | head -c 64000 >tokens.raw
"$ardis" import tokens.raw --raw f32 --dim 8 -o tokens.h5 >/dev/null || exit 1
for family in codes atoms starts encoders goals revivals optimizers averages schedules; do
	"$ardis" list $family | grep -E '^      (code|atoms|encoder|goal|revive|train): ' | sed 's/SET/own/g' >lines
	bad=
	while IFS= read -r line; do
		width=40 encoder=
		case $line in *'name: identity'*) width=8 ;; *'name: mp,'* | *'name: omp,'*) encoder='    encoder: tied' ;; esac
		echo "$line" | grep -q ' code: ' && code= || code='    code: {name: topk, k: 4}'
		{
			printf 'schema: 1\nname: t\ntokens: tokens.h5\nanchors: {own: {method: kmeans, count: 64}}\nmodels:\n  t:\n    method: sae\n    width: %s\n' $width
			[ -z "$encoder" ] || echo "$encoder"
			[ -z "$code" ] || echo "$code"
			echo "${line#  }"
		} >spec.yaml
		"$ardis" check spec.yaml >/dev/null 2>said || {
			bad="$bad $line"
			sed 's/^/# /' said >&2
		}
	done <lines
	ok "$family as list writes them can be read${bad:+, but not$bad}" test -s lines -a -z "$bad"
done
echo "1..$n"
