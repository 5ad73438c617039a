#!/bin/sh
# The same bytes on 1 to 4 ranks, with groups, and with every kernel set: all models of the quickstart, width 64, 2 epochs, 2 seeds.
# TEST_LONG=1: the whole quickstart. The digests in tests/data are those of the definitions in docs/numerics.md: a faster kernel, another
# route or another way of spreading the work may not change them.
. "$ROOT/tests/cli/lib.sh"
if [ -n "${TEST_LONG:-}" ]; then cp "$ROOT/experiments/quickstart/quickstart.yaml" "$T/" && sed -i "s|^tokens: .*|tokens: $ROOT/experiments/quickstart/quickstart.h5|; /^images: /d" "$T/quickstart.yaml" && mv "$T/quickstart.yaml" "$T/spec.yaml"
else small 2 64 2 >"$T/spec.yaml"; fi
digests=$ROOT/tests/data/bits${TEST_LONG:+-long}.sha256
ranks 1 run "$T/spec.yaml" --out "$T/one"
ok $? "one rank"
[ "$(results "$T/one" | wc -l)" -gt 50 ]
ok $? "there is much to compare"
results "$T/one" | (cd "$T/one" && xargs sha256sum) >"$T/digests" && diff "$digests" "$T/digests" >"$T/log"
ok $? "the published digests"
for n in 2 3 4; do
	ranks $n run "$T/spec.yaml" --out "$T/some" --groups 1 && same "$T/one" "$T/some"
	ok $? "$n ranks on each run: the same bytes"
	rm -rf "$T/some"
done
for n in 2 3; do
	ranks $n run "$T/spec.yaml" --out "$T/some" --groups 2 && same "$T/one" "$T/some"
	ok $? "$n ranks in 2 groups: the same bytes"
	rm -rf "$T/some"
done
for nodes in 3/2 4/2; do # ranks in all, ranks that share memory
	ARDIS_NODE_RANKS=${nodes#*/} ranks ${nodes%/*} run "$T/spec.yaml" --out "$T/some" --groups 1 && same "$T/one" "$T/some"
	ok $? "${nodes%/*} ranks, ${nodes#*/} on a node: the same bytes"
	rm -rf "$T/some"
done
ARDIS_NODE_RANKS=2 ranks 4 run "$T/spec.yaml" --out "$T/some" --groups 1 --route allreduce && same "$T/one" "$T/some" &&
	grep -q '"route": "allreduce"' "$T"/some/topk/*/manifest.json
ok $? "4 ranks, 2 on a node, route allreduce: the same bytes"
rm -rf "$T/some"
ARDIS_ENCODER=int16 ranks 3 run "$T/spec.yaml" --out "$T/some" --groups 1 && same "$T/one" "$T/some" &&
	grep -q '"encoder": "int16"' "$T"/some/topk/*/manifest.json && grep -q '"encoder": "fp32"' "$T"/some/relu/*/manifest.json
ok $? "scores looked at in 16-bit integers: the same bytes"
rm -rf "$T/some"
same_with_kernels
finish
