#!/bin/sh
# Stopped after a random step and gone on with another number of ranks: the same bytes as undisturbed, for every model of the quickstart.
# 3 random points for each model, TEST_LONG=1: 10.
. "$ROOT/tests/cli/lib.sh"
points=${TEST_LONG:+10}
points=${points:-3}
small 3 64 1 >"$T/spec.yaml"
ranks 2 run "$T/spec.yaml" --out "$T/one"
ok $? "undisturbed"
seed=$(date +%s)
echo "# seed $seed"
# draw N: after = 1 .. N
draw() { seed=$(((seed * 1103515245 + 12345) % 2147483648)) after=$((seed / 65536 % $1 + 1)); }
for model in topk control a-topk ra-topk relu full kmeans; do
	stops=0 status=75 n=1 steps=
	while [ $status -eq 75 ]; do
		n=$((n % 3 + 1))
		if [ $stops -lt $points ]; then draw 10 && export ARDIS_STOP_AFTER=$after; else unset ARDIS_STOP_AFTER; fi
		ranks $n run "$T/spec.yaml" --out "$T/$model" --only $model --groups 1
		status=$?
		[ $status -eq 1 ] && grep -q 'stopped at a checkpoint' "$T/log" && status=75
		[ $status -eq 75 ] && stops=$((stops + 1)) && steps="$steps ${ARDIS_STOP_AFTER:-}"
		[ $stops -gt 40 ] && break
	done
	unset ARDIS_STOP_AFTER
	ok $status "$model: ends after $stops stops ($steps steps)"
	[ $stops -ge 1 ]
	ok $? "$model: was stopped"
	for f in $(cd "$T/one" && ls "$model"/*/model.h5 "$model"/*/initial.h5 "$model"/*/metrics.csv anchors/*.h5); do
		[ -f "$T/$model/$f" ] || continue
		cmp "$T/one/$f" "$T/$model/$f" >>"$T/log" 2>&1 || echo "$f" >>"$T/differs"
	done
	[ ! -f "$T/differs" ] && ls "$T/$model/$model"/*/model.h5 >/dev/null
	ok $? "$model: the same bytes"
	[ ! -e "$T/$model/$model"/*/checkpoint.h5 ]
	ok $? "$model: no checkpoint is left"
	rm -f "$T/differs"
done
# a real signal, to the launcher, in the middle of a longer run
small 80 256 1 256 >"$T/long.yaml"
ranks 2 run "$T/long.yaml" --out "$T/long1" --only topk,kmeans
ok $? "a longer run"
$MPIEXEC -n 2 "$B/ardis" run "$T/long.yaml" --out "$T/long2" --only topk,kmeans >"$T/log" 2>&1 &
launcher=$!
for i in $(seq 600); do
	grep -qs '"step":2,' "$T/long2/topk/"*/log.jsonl && break
	kill -0 $launcher 2>/dev/null || break
	sleep 0.1
done
kill -USR1 $launcher
wait $launcher
[ $? -eq 75 ] && ls "$T/long2/topk/"*/checkpoint.h5 >/dev/null
ok $? "SIGUSR1 leaves a checkpoint and exit code 75"
ranks 3 run "$T/long.yaml" --out "$T/long2" --only topk,kmeans && cmp "$T"/long1/topk/*/model.h5 "$T"/long2/topk/*/model.h5
ok $? "and the rest gives the same bytes"
finish
