#!/bin/sh
# ardis explain: the atlas is that of its definition, on any number of ranks; pictures and texts; what is there is kept.
. "$ROOT/tests/cli/lib.sh"
cat >"$T/spec.yaml" <<END
schema: 1
name: tiny
tokens: $ROOT/experiments/quickstart/quickstart.h5
seeds: {init: 1..3, data: 1..3, anchors: 1..3, combine: zip}
anchors:
  own: {method: {name: kmeans, iterations: 2}, count: 64, sharing: shared}
train: {steps: 60, batch: 512}
models:
  topk: {method: sae, width: 64, code: {name: topk, k: 4}}
  hull: {method: sae, width: 64, code: {name: topk, k: 4}, atoms: {name: hull, anchors: own}}
images: $ROOT/experiments/quickstart/images
measure: [r2]
compare: [matched_cosine]
END
status() {
	want=$1
	shift
	timeout -k 10 60 "$B/ardis" "$@" >"$T/log" 2>&1
	[ $? -eq "$want" ]
}
status 0 run "$T/spec.yaml" --out "$T/a" && ${PYTHON:-python3} "$ROOT/tests/data/check-atlas" "$T/a" "$ROOT/experiments/quickstart/quickstart.h5"
ok $? "atoms, tokens and their looks as they are defined"
cp "$T/a/atlas.csv" "$T/one" && rm "$T/a/atlas.csv" && timeout -k 10 60 $MPIEXEC -n 3 "$B/ardis" explain "$T/a" >"$T/log" 2>&1 && cmp "$T/one" "$T/a/atlas.csv" && [ "$(cat "$T/log")" = "$T/a/atlas.csv" ]
ok $? "the same on three ranks"
ls -i "$T/a/atlas.csv" >"$T/before" && status 0 explain "$T/a" && ls -i "$T/a/atlas.csv" | cmp - "$T/before"
ok $? "what is there and belongs to the same inputs is kept"
cmp "$ROOT/experiments/quickstart/images/$(sed -n 's/.*,\([0-9]*\.jpg\),.*/\1/p' "$T/one" | head -1)" "$T/a/atlas/$(sed -n 's/.*,\([0-9]*\.jpg\),.*/\1/p' "$T/one" | head -1)" &&
	[ "$(ls "$T/a/atlas")" = "$(sed -n 's/.*,\([0-9]*\.jpg\),.*/\1/p' "$T/one" | sort -u)" ] && grep -q '<image id="image-0" width="224" height="224" href="data:image/jpeg;base64,/9j/' "$T/a/report/index.html"
ok $? "the pictures that it names are beside it, and in the page"
seq -f 'text of group %g, <b>"&' 0 63 >"$T/texts" && sed "s|^images:.*|texts: texts|" "$T/spec.yaml" >"$T/texts.yaml" &&
	status 0 explain "$T/a" --spec "$T/texts.yaml" && ${PYTHON:-python3} -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert rows and all(r["text"] == "text of group %s, <b>\"&" % r["token_group"] and not r["image"] for r in rows)' "$T/a/atlas.csv"
ok $? "a text for each group"
seq -f 'token %.0f' 0 12543 >"$T/texts" && rm "$T/a/atlas.csv" && status 0 explain "$T/a" --spec "$T/texts.yaml" && ! awk -F, 'NR > 1 && $14 != "token " $8' "$T/a/atlas.csv" | grep -q .
ok $? "a text for each token"
sed "s|^images:.*|images: {folder: nowhere, gird: [14, 14]}\ntexts: $T|" "$T/spec.yaml" >"$T/bad.yaml"
status 2 check "$T/bad.yaml" && grep -q "bad.yaml:11:18: images: .*nowhere is not there" "$T/log" && grep -q 'did you mean .*grid' "$T/log" && grep -q "bad.yaml:12:8: texts: .* is not a file" "$T/log"
ok $? "a folder that is not there, a wrong key, texts that are a folder: mistakes with their places"
sed "s|^images:.*|images: {folder: $ROOT/experiments/quickstart/images, grid: [14]}|" "$T/spec.yaml" >"$T/bad.yaml"
status 2 check "$T/bad.yaml" && grep -q "images.grid takes \[rows, columns\]" "$T/log"
ok $? "a grid is two numbers"
mkdir "$T/none" && sed "s|^images:.*|images: none|" "$T/spec.yaml" >"$T/none.yaml" && status 2 explain "$T/a" --spec "$T/none.yaml" && grep -q "holds no picture of a group" "$T/log"
ok $? "a folder without pictures is a mistake"
finish
