#!/bin/sh
# What export writes is what the model holds: read back with NumPy, and the safetensors container taken apart by hand.
. "$ROOT/tests/cli/lib.sh"
small 1 32 1 >"$T/spec.yaml"
ranks 1 run "$T/spec.yaml" --out "$T/out" --only ra-topk
ok $? "a model to export"
run=$(ls -d "$T/out/ra-topk/"*)
ranks 1 export "$run" --to npy && ranks 2 export "$run/model.h5" --to safetensors -o "$T/m.safetensors"
ok $? "exported"
cat >"$T/check.py" <<'P'
import h5py, json, numpy as np, struct, sys
run, st = sys.argv[1:]
raw = open(st, 'rb').read()
n, = struct.unpack('<Q', raw[:8])
assert (8 + n) % 8 == 0
head = json.loads(raw[8:8 + n])
seen = set()
with h5py.File(run + '/model.h5') as f:
    def visit(name, o):
        if not isinstance(o, h5py.Dataset):
            return
        seen.add(name)
        a = np.load(run + '/model.npy/' + name.replace('/', '_') + '.npy')
        assert a.dtype == o.dtype and np.array_equal(a, o[()]), name
        t = head[name]
        b = np.frombuffer(raw[8 + n + t['data_offsets'][0]:8 + n + t['data_offsets'][1]], {'F32': '<f4', 'F64': '<f8'}[t['dtype']]).reshape(t['shape'])
        assert np.array_equal(a, b), name
    f.visititems(visit)
assert {'atoms', 'W', 'relaxation', 'encoder/weight'} <= seen and seen == set(head) - {'__metadata__'}
P
"$PYTHON" "$T/check.py" "$run" "$T/m.safetensors" >"$T/log" 2>&1
ok $? "the arrays are the model's"
ranks 1 export "$run" --to safetensor
[ $? -ne 0 ] && grep -q 'did you mean safetensors' "$T/log"
ok $? "an unknown format is refused with the nearest"
finish
