#!/bin/sh
# ardis bench: chosen rows, one table, valid JSON and CSV, mistakes; the machine's numbers kept where they were asked for.
. "$ROOT/tests/cli/lib.sh"
export TMPDIR="$T"
ranks 1 bench --rows select,decode --json "$T/one.json" --csv "$T/one.csv"
ok $? "some rows, one rank"
"$PYTHON" - "$T/one.json" "$T/one.csv" <<'END' >>"$T/log" 2>&1
import csv, json, sys
json, rows = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2])))
assert json["schema"] == 1 and json["ranks"] == 1 and json["bound"] is False and json["cpu"] and json["commit"] and json["kernels"]
names = [r["row"] for r in json["rows"]]
assert "select_top" in names and "decode" in names and all("select" in n or "decode" in n for n in names), names
assert [r["row"] for r in rows] == names
for r in json["rows"]:
    assert r["figure"] > 0 and r["limit_value"] > 0 and abs(r["ratio"] * r["limit_value"] / r["figure"] - 1) < 1e-9, r
top = next(r for r in json["rows"] if r["row"] == "select_top")
assert top["goal"] == "" or top["met"] in ("yes", "no")
END
ok $? "the JSON is valid, the CSV says the same, ratio = figure / limit"
ranks 2 bench --rows limits --json "$T/two.json"
ok $? "the limits on two ranks"
"$PYTHON" - "$T/two.json" <<'END' >>"$T/log" 2>&1
import json, os, sys
json, enough = json.load(open(sys.argv[1])), len(os.sched_getaffinity(0)) >= 2
assert json["ranks"] == 2 and json["bound"] is enough, json["bound"]
END
ok $? "each rank has a core of its own, where there are two"
grep -q '2-rank exchange' "$T/log"
ok $? "messages are measured where there are two ranks"
ranks 1 bench --rows pack --csv "$T/pack.csv" && [ "$(cut -d, -f1 "$T/pack.csv" | tr '\n' ' ')" = 'row pack pack_columns ' ]
ok $? "a word that rows hold whole leaves out those that hold it within another, packs"
grep -q '^ *[0-9.]* s  pack, 3840 x 768: ' "$T/log"
ok $? "a row is told as it comes, with the seconds since the start"
ranks 1 bench --rows 'average none,average ema,optimizer adam' --csv "$T/same.csv"
"$PYTHON" - "$T/same.csv" <<'END' >>"$T/log" 2>&1
import csv, sys
row = {r["row"]: r for r in csv.DictReader(open(sys.argv[1]))}
none, ema, adam = (row[r] for r in ("average none", "average ema", "optimizer adam"))
assert not none["note"] and adam["note"] == "the model of average none", (none, adam)
assert all(adam[c] == none[c] for c in none if c not in ("row", "note")), (none, adam)
assert not ema["note"] and ema["limit_value"] != none["limit_value"], ema
END
ok $? "a model of two registries is timed once, and said so"
(ranks 1 bench --rows kernels --json "$T/part.json" --csv "$T/part.csv") &
stopped=$!
"$PYTHON" - "$T/part.json" "$T/part.csv" <<'END' >>"$T/log" 2>&1
import csv, json, os, sys, time
end = time.time() + 60
while not os.path.exists(sys.argv[1]) and time.time() < end: time.sleep(0.01)
for _ in range(20): # each time the files are read they are whole
    part, rows = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2])))
    assert part["complete"] is False and part["rows"] and rows and all(r["row"] for r in rows), part
    time.sleep(0.02)
assert "scores" in [r["row"] for r in part["rows"]]
END
ok $? "rows are in the files while others are measured"
wait $stopped
grep -q '"complete": true' "$T/part.json"
ok $? "at the end the JSON says so"
ranks 1 bench --rows limits,nonsense
[ $? -eq 2 ] && grep -q -- '--rows nonsense: no row' "$T/log"
ok $? "an unknown row is a mistake"
ranks 1 bench --tokens "$T/none.h5" --rows limits
[ $? -eq 2 ] && grep -q 'none.h5: no such file' "$T/log"
ok $? "tokens that are not there are a mistake"
ls "$T" | grep -q '^ardis-bench-'
[ $? -eq 1 ]
ok $? "the scratch folder is gone"
finish
