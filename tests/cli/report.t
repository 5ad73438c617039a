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
page="${PYTHON:-python3} $ROOT/tests/data/check-html" numbers="${PYTHON:-python3} $ROOT/tests/data/check-report"

$make run && $ardis report run >out 2>err
ok '[ $code = 0 ] && [ "$(cat out)" = run/report/index.html ] && [ ! -s err ]' 'prints the path of the page, and nothing else'
figures=$($ardis list figures | sed -n 's/^  \([a-z]*\) .*/\1/p')
all() { for f in $figures; do [ -s run/report/$f.csv ] && [ -s run/report/$f.svg ] && [ -s run/report/$f.tex ] || { echo "# $f" && return 1; }; done; }
ok '[ -n "$figures" ] && all && [ "$(ls run/report/atlas-*.svg | wc -l)" = 7 ] && [ -s run/report/atlas.tex ] && [ -s run/report/glance.tex ] && [ -s run/report/runs.tex ]' 'a picture, a table and TeX for each figure, and the atlas'
ok '$numbers run' 'effects, frontier, frequencies and TeX as they are defined'
ok '${PYTHON:-python3} -c "$xml" run/report/*.svg run/report/index.html' 'well-formed'
ok '$page run/report/index.html' 'nothing is fetched or run, links lead somewhere, tables and pictures say what they are'
ok 'grep -q "given these anchors" run/report/stability.svg && grep -q "weak: 3 runs" run/report/stability.svg && grep -q "dead left out" run/report/stability.svg' 'the notes are in the picture itself'
ok 'grep -q "random directions 0.0 %; Gaussian 1.0 %; random tokens 20.0 %" run/report/recurrence.svg && grep -q "raw atoms, 4 blocks" run/report/purposes.svg && ! grep -q "centred atoms, 4 blocks" run/report/purposes.svg' 'all kinds of chance beside recurrence; shares of the seeds of one centring, and which'
ok 'grep -q "loss is not finite at step 113" run/report/index.html' 'the reason of a failed run is told'
ok 'grep -q "the runs look like two populations" run/report/stability.svg && grep -q "11 % of the atoms dead" run/report/index.html' 'so are two populations and many dead atoms'
ok '[ "$(grep -c "<image id=" run/report/index.html)" = 9 ] && ! grep -q "image.*href=\"\.\." run/report/index.html' 'small pictures are in the page, each once'
cp -r run/report first && sleep 1 && $ardis report run/ >out
ok 'diff -r first run/report' 'the same folder gives the same bytes'
ok '[ "$(grep -c "^topk," run/report/learning.csv)" = 960 ]' 'a cut-off line of a log is left out, all others count'

$make --hostile bad && $ardis report bad >out 2>err
ok '[ $code = 0 ] && ${PYTHON:-python3} -c "$xml" bad/report/*.svg bad/report/index.html' 'any words: well-formed'
ok '$page bad/report/index.html' 'any words: still text'
ok 'grep -q "&lt;script&gt;alert(1)&lt;/script&gt;" bad/report/index.html && grep -q "xxxxxxxxxx" bad/report/stability.csv' 'any words: shown as they are'

ok '$numbers bad' 'any words: TeX too'

$make --factors --runs 5 --atoms 64 factors && $ardis report factors >out 2>err
ok '[ $code = 0 ] && $page factors/report/index.html && $numbers factors' '48 models: effects and intervals of the settings'
first=$(grep -o "<section id=\"[a-z]*" factors/report/index.html | head -1)
ok '[ "$first" = "<section id=\"factors" ]' 'and they come first'
$make --plain plain && $ardis report plain >out 2>err
ok '[ $code = 0 ] && $page plain/report/index.html && [ ! -e plain/report/trajectory.svg ] && grep -q "No snapshots were kept" plain/report/index.html' 'a folder without the later tables: says what is missing'
rm run/atlas/003.png && head -c 3000000 /dev/zero >>run/atlas/004.png && head -c 3000000 /dev/zero >>run/atlas/005.png && $ardis report run >out
ok '$page run/report/index.html && [ "$(grep -c "<image id=" run/report/index.html)" = 8 ] && grep -q "href=\"../atlas/005.png" run/report/index.html && ! grep -q "href=\"../atlas/000.png" run/report/index.html' 'large pictures stay beside the page, a missing one is left out'
if [ -n "$TEST_LONG" ]; then
	$make --models 10 --runs 10 --atoms 2000 large && timeout 20 $ardis report large >out
	ok '[ $code = 0 ] && [ "$(wc -c <large/report/index.html)" -lt 10000000 ] && $page large/report/index.html' '10 models x 10 seeds x 2,000 atoms: seconds, and less than 10 MB'
fi

for runs in 1 2; do
	$make --runs $runs few$runs && $ardis report few$runs >out 2>err
	ok '[ $code = 0 ] && $page few$runs/report/index.html && ${PYTHON:-python3} -c "$xml" few$runs/report/index.html' "$runs run(s) for each model"
done
ok 'grep -q "at least two finished runs" few1/report/index.html && [ ! -e few1/report/stability.svg ]' 'one run: says what stability needs, draws none'
ok 'grep -q "no interval: 2 runs" few2/report/stability.svg' 'two runs: no interval'
$make --empty none && $ardis report none >out 2>err
ok '[ $code = 0 ] && $page none/report/index.html' 'tables without rows'

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
