#!/bin/sh
# scaling.sh - the tables of docs/scaling.md: what `ardis plan` says of experiments/scaling.yaml on more and more ranks.
#   ARDIS=build/ardis experiments/bench/scaling.sh      the machine's numbers are those of ARDIS_MACHINE, or built in
here=$(cd "$(dirname "$0")" && pwd)
ardis=${ARDIS:-$here/../../build/ardis} cores=${CORES:-64} shape=250000000,768 spec=$here/../scaling.yaml
plan() { "$ardis" plan "$spec" --shape $shape --cores "$cores" "$@" || exit 1; }
nodes() { echo $((($1 + cores - 1) / cores)); }
# cells LINE: a step, its messages, a run, sent or shared, memory; of the line that begins so
cells() { sed -n "s/^$1  *//p" "$2" | sed 's/   */|/g' | awk -F'|' -v nodes="$3" '{
	bytes = nodes > 1 ? $7 : $8; if (bytes == "0 kB") bytes = "-"
	msg = $4 == "0.00 us" ? "-" : $4
	printf "| %s | %s | %s | %s | %s ", $3, msg, $6, bytes, $9 }'; }
t=$(mktemp) || exit 1
trap 'rm -f "$t"' EXIT
plan --ranks 1 | head -n 1
for what in 'topk width=3840' 'topk width=32768' 'ra-topk width=3840' 'ra-topk width=32768' common; do
	printf '\n**%s**\n\n| ranks a run | nodes | a step | of it messages | a run | bytes moved a rank | memory a rank |\n|---|---|---|---|---|---|---|\n' "$what"
	for ranks in 1 4 16 64 256 1024 4096 10000; do
		plan --ranks $ranks --nodes "$(nodes $ranks)" --groups 1 >"$t"
		echo "| $ranks | $(nodes $ranks) $(cells "$what" "$t" "$(nodes $ranks)")|"
	done
done
printf '\n| route | ranks a run, a node each | a step | of it messages | a run | bytes moved a rank | memory a rank |\n|---|---|---|---|---|---|---|\n'
for what in 'topk width=3840' 'topk width=32768'; do
	for route in owner allreduce; do
		for ranks in 2 4; do
			plan --ranks $ranks --nodes $ranks --groups 1 --route $route >"$t"
			echo "| $route, $what | $ranks $(cells "$what" "$t" 2)|"
		done
	done
done
printf '\n| groups of 10,000 ranks | ranks a run | all 64 runs and their candidates |\n|---|---|---|\n'
for groups in 1 4 16 ''; do
	plan --ranks 10000 --nodes "$(nodes 10000)" ${groups:+--groups $groups} >"$t"
	echo "| ${groups:-as chosen: 64 for runs, 1 for candidates} | $((10000 / ${groups:-64})) | $(sed -n 's/^in all: \([^,]*\),.*/\1/p' "$t") |"
done
