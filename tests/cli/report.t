#!/bin/sh
# ardis report: the page and its figures from a run folder, without MPI; what is missing is told and nothing written.
ardis=$B/ardis make="${PYTHON:-python3} $ROOT/tests/data/run-folder"
dir=$(mktemp -d) n=0
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ok() { # the exit code of the command before it is $code
	code=$? n=$((n + 1))
	if eval "$1"; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
# every file a browser or a program reads is well-formed XML
xml='import sys, xml.dom.minidom as m
for f in sys.argv[1:]: m.parse(f)'
# what may be fetched or run, and headings, ids, tables
page='import sys, xml.etree.ElementTree as E
ns = "{http://www.w3.org/1999/xhtml}"
t = E.parse(sys.argv[1]).getroot()
tags = [e.tag.split("}")[1] for e in t.iter()]
assert not {"script", "img", "iframe", "object", "image", "use", "foreignObject"} & set(tags), "an element that runs or fetches"
ids = [e.get("id") for e in t.iter() if e.get("id")]
assert len(ids) == len(set(ids)), "an id twice"
for e in t.iter():
    for key, value in e.items():
        assert not key.lower().startswith("on"), key
        if key in ("href", "src"):
            assert value.startswith(("#", "../", "data:,")) or "/" not in value, value
        if key == "aria-labelledby":
            assert all(i in ids for i in value.split()), value
        if key == "href" and value.startswith("#"):
            assert value[1:] in ids, value
for table in t.iter(ns + "table"):
    assert table.find(ns + "caption") is not None and all(h.get("scope") for h in table.iter(ns + "th")), "a table without caption or scope"
for svg in t.iter("{http://www.w3.org/2000/svg}svg"):
    assert svg[0].text and svg[1].text, "a picture without title or description"'

$make run && $ardis report run >out 2>err
ok '[ $code = 0 ] && [ "$(cat out)" = run/report/index.html ] && [ ! -s err ]' 'prints the path of the page, and nothing else'
ok '[ "$(ls run/report | tr "\n" " ")" = "fidelity.csv fidelity.svg index.html learning.csv learning.svg measures.csv measures.svg pairs.csv pairs.svg stability.csv stability.svg " ]' 'a picture and a table for each figure'
ok '${PYTHON:-python3} -c "$xml" run/report/*.svg run/report/index.html' 'well-formed'
ok '${PYTHON:-python3} -c "$page" run/report/index.html' 'nothing is fetched or run, links lead somewhere, tables and pictures say what they are'
ok 'grep -q "given these anchors" run/report/stability.svg && grep -q "weak: 3 runs" run/report/stability.svg && grep -q "dead left out" run/report/stability.svg' 'the notes are in the picture itself'
ok 'grep -q "loss is not finite at step 113" run/report/index.html' 'the reason of a failed run is told'
cp -r run/report first && sleep 1 && $ardis report run/ >out
ok 'diff -r first run/report' 'the same folder gives the same bytes'
ok '[ "$(grep -c "^topk," run/report/learning.csv)" = 960 ]' 'a cut-off line of a log is left out, all others count'

$make --hostile bad && $ardis report bad >out 2>err
ok '[ $code = 0 ] && ${PYTHON:-python3} -c "$xml" bad/report/*.svg bad/report/index.html' 'any words: well-formed'
ok '${PYTHON:-python3} -c "$page" bad/report/index.html' 'any words: still text'
ok 'grep -q "&lt;script&gt;alert(1)&lt;/script&gt;" bad/report/index.html && grep -q "xxxxxxxxxx" bad/report/stability.csv' 'any words: shown as they are'

for runs in 1 2; do
	$make --runs $runs few$runs && $ardis report few$runs >out 2>err
	ok '[ $code = 0 ] && ${PYTHON:-python3} -c "$xml" few$runs/report/index.html' "$runs run(s) for each model"
done
ok 'grep -q "at least two finished runs" few1/report/index.html && [ ! -e few1/report/stability.svg ]' 'one run: says what stability needs, draws none'
ok 'grep -q "no interval: 2 runs" few2/report/stability.svg' 'two runs: no interval'
$make --empty none && $ardis report none >out 2>err
ok '[ $code = 0 ] && ${PYTHON:-python3} -c "$page" none/report/index.html' 'tables without rows'

rm -r run/report && touch run/report
$ardis report run >out 2>err
ok '[ $code = 1 ] && grep -q "run/report: cannot be written" err' 'a place that cannot be written'
rm run/report run/pairs.csv && sed -i 1s/null_tokens/tokens/ run/stability.csv
$ardis report run >out 2>err
ok '[ $code = 2 ] && [ ! -s out ] && [ ! -e run/report ]' 'a missing table: exit code 2, nothing written'
ok 'grep -q "run/pairs.csv: no such file" err && grep -q "run/stability.csv:1: no column null_tokens" err' 'all that is missing is told at once'
$ardis report >out 2>err
ok '[ $code = 2 ] && grep -q "one folder is expected" err' 'no folder'
$ardis report a b >out 2>err
ok '[ $code = 2 ]' 'two folders'
$ardis report --helpp x >out 2>err
ok '[ $code = 2 ] && grep -q "unknown option" err' 'an unknown option'
$ardis report --help >out
ok '[ $code = 0 ] && grep -q "usage: ardis report DIR" out' 'help'
echo "1..$n"
