"""Tiny models in the formats of SAELens, dictionary_learning and overcomplete, written byte by byte, and what those libraries' documented
forward passes make of tokens, in float64.   import_model.py FOLDER   Files that must be refused: import_model.py FOLDER bad"""
import json, os, struct, sys
import numpy as np

D, M, N = 6, 10, 64
rng = np.random.default_rng(5)
f32 = lambda *shape: rng.standard_normal(shape).astype(np.float32)


def safetensors(path, arrays, kinds={'float32': 'F32', 'float16': 'F16', 'int64': 'I64'}):
    head, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, a in arrays.items():
        head[name] = {'dtype': kinds[str(a.dtype)], 'shape': list(a.shape), 'data_offsets': [len(data), len(data) + a.nbytes]}
        data += a.tobytes()
    text = json.dumps(head).encode()
    open(path, 'wb').write(struct.pack('<Q', len(text)) + text + data)


def text(s):
    return b'X' + struct.pack('<I', len(s)) + s.encode()


def number(i):
    return b'J' + struct.pack('<i', i)


def name(module, word):
    return b'c' + (module + '\n' + word + '\n').encode()


STORAGE = {'float32': 'FloatStorage', 'float64': 'DoubleStorage', 'float16': 'HalfStorage', 'int32': 'IntStorage', 'int64': 'LongStorage'}


def tensor(key, a, base):
    """The call that rebuilds a tensor: storage, offset, size, stride, no gradient, no hooks."""
    storage = b'(' + text('storage') + name('torch', STORAGE[str(a.dtype)]) + text(key) + text('cpu') + number(base.size) + b'tQ'
    tup = lambda xs: b'(' + b''.join(number(int(x)) for x in xs) + b't'
    offset = (a.__array_interface__['data'][0] - base.__array_interface__['data'][0]) // a.itemsize if a.size else 0
    strides = [s // a.itemsize for s in a.strides]
    return name('torch._utils', '_rebuild_tensor_v2') + b'(' + storage + number(offset) + tup(a.shape) + tup(strides) + b'\x89' + \
        name('collections', 'OrderedDict') + b')RtR'


def pickled(arrays, bases):
    out, memo = b'\x80\x02' + name('collections', 'OrderedDict') + b')Rq\x00(', 1
    for i, (key, a) in enumerate(arrays.items()):
        out += text(key) + b'q' + bytes([memo]) + tensor(str(i), a, bases[i])
        memo += 1
    # what a state dict carries beside its members
    return out + b'u}' + text('_metadata') + name('collections', 'OrderedDict') + b')R' + text('') + b'}' + text('version') + b'K\x01sssb.'


def zipped(path, files, method=0):
    out, central = b'', b''
    for file, data in files.items():
        at, extra = len(out), b'FB' + struct.pack('<H', 4) + b'ZZZZ'  # torch pads local headers so
        head = struct.pack('<HHHHHIIIHH', 20, 0, method, 0, 0, 0, len(data), len(data), len(file), len(extra))
        out += b'PK\3\4' + head + file.encode() + extra + data
        central += b'PK\1\2' + struct.pack('<H', 20) + struct.pack('<HHHHHIIIHH', 20, 0, method, 0, 0, 0, len(data), len(data), len(file), 0) \
            + struct.pack('<HHHII', 0, 0, 0, 0, at) + file.encode()
    end = b'PK\5\6' + struct.pack('<HHHHIIH', 0, 0, len(files), len(files), len(central), len(out), 0)
    open(path, 'wb').write(out + central + end)


def torch(path, arrays, pkl=None, method=0):
    """What torch.save writes; an array that is a view of another array is saved as a view."""
    bases = [a if a.base is None else a.base for a in arrays.values()]
    files = {'archive/data.pkl': pkl or pickled(arrays, bases), 'archive/byteorder': b'little'}
    files.update({'archive/data/%d' % i: b.tobytes() for i, b in enumerate(bases)})
    files['archive/version'] = b'3\n'
    zipped(path, files, method)


def relu(x):
    return np.maximum(x, 0)


def top(s, k):
    s = relu(s)
    return np.where(s >= np.sort(s, 1)[:, -k][:, None], s, 0)


def saelens(folder, X):
    W, E, b = f32(M, D), f32(D, M), f32(D)
    for word, apply in (('standard', True), ('topk', True), ('jumprelu', False), ('gated', True), ('rescaled', True), ('folded', False)):
        architecture = {'rescaled': 'topk', 'folded': 'gated'}.get(word, word)
        cfg = {'architecture': architecture, 'd_in': D, 'd_sae': M, 'dtype': 'float32', 'apply_b_dec_to_input': apply, 'k': 3,
               'normalize_activations': 'none', 'metadata': {'sae_lens_version': '6.54.12', 'hook_name': None}}
        arrays = {'W_enc': E, 'W_dec': W, 'b_dec': b}
        s = (X - b * apply) @ E.astype(float)
        if architecture == 'gated':
            arrays.update(b_gate=f32(M), b_mag=f32(M), r_mag=f32(M) * np.float32(.3))
            z = ((s + arrays['b_gate']) > 0) * relu(s * np.exp(arrays['r_mag'].astype(float)) + arrays['b_mag'])
        else:
            arrays['b_enc'] = f32(M)
            s = s + arrays['b_enc']
            z = relu(s)
        norms = np.linalg.norm(W.astype(float), axis=1)
        if architecture == 'jumprelu':
            arrays['threshold'] = np.abs(f32(M))
            arrays['threshold'][0] = 0
            z = s * (s > arrays['threshold'])
        if architecture == 'topk':
            z = top(s, 3)
        if word == 'rescaled':
            cfg['rescale_acts_by_decoder_norm'] = True
            z = top(s * norms, 3)
        there = os.path.join(folder, 'saelens-' + word)
        os.mkdir(there)
        json.dump(cfg, open(there + '/cfg.json', 'w'))
        safetensors(there + '/sae_weights.safetensors', arrays)
        yield there, [], z, (z / norms if word == 'rescaled' else z) @ W.astype(float) + b


def dictionary_learning(folder, X):
    unit = lambda a, axis: (a / np.linalg.norm(a.astype(float), axis=axis, keepdims=True)).astype(np.float32)
    for word in ('AutoEncoder', 'AutoEncoderNew', 'GatedAutoEncoder', 'JumpReluAutoEncoder', 'AutoEncoderTopK', 'BatchTopKSAE',
                 'MatryoshkaBatchTopKSAE'):
        E, W, b, e = f32(M, D), f32(D, M), f32(D), f32(M)
        if 'TopK' in word:
            W = unit(W, 0)
        linear = {'encoder.weight': E, 'decoder.weight': f32(M, D).T if word == 'AutoEncoderTopK' else W}  # a view with strides, as .T saves
        W = linear['decoder.weight'].astype(float)
        norms = np.linalg.norm(W, axis=0)
        s = (X - b * (word not in ('AutoEncoderNew', 'JumpReluAutoEncoder'))) @ E.T.astype(float)
        k, threshold = np.array(3, np.int32), np.array(.75, np.float32)
        if word == 'AutoEncoder':
            arrays, z = dict(linear, bias=b, **{'encoder.bias': e}), relu(s + e) * norms
        elif word == 'AutoEncoderNew':
            arrays, z = {**linear, 'encoder.bias': e, 'decoder.bias': b}, relu(s + e)
        elif word == 'GatedAutoEncoder':
            r, g = f32(M) * np.float32(.3), f32(M)
            arrays = {**linear, 'decoder_bias': b, 'r_mag': r, 'gate_bias': g, 'mag_bias': e}
            z = (s + g > 0) * relu(np.exp(r.astype(float)) * s + e)
        elif word == 'JumpReluAutoEncoder':
            t = np.abs(f32(M))
            arrays = {'W_enc': np.ascontiguousarray(E.T), 'b_enc': e, 'W_dec': np.ascontiguousarray(W.T.astype(np.float32)), 'b_dec': b,
                      'threshold': t}
            z = (s + e) * (s + e > t)
        elif word == 'AutoEncoderTopK':
            arrays, z = {**linear, 'encoder.bias': e, 'b_dec': b, 'k': k, 'threshold': np.array(-1, np.float32)}, top(s + e, 3)
        elif word == 'BatchTopKSAE':
            arrays, z = {**linear, 'encoder.bias': e, 'b_dec': b, 'k': k, 'threshold': threshold}, (s + e) * (s + e > .75)
        else:
            arrays = {'W_enc': np.ascontiguousarray(E.T), 'b_enc': e, 'W_dec': np.ascontiguousarray(W.T.astype(np.float32)), 'b_dec': b,
                      'k': k, 'threshold': threshold, 'group_sizes': np.array([4, 6])}
            z = (s + e) * (s + e > .75)
        there = os.path.join(folder, 'dl-' + word)
        os.mkdir(there)
        if word not in ('GatedAutoEncoder', 'AutoEncoderNew'):  # these are told by their arrays
            json.dump({'trainer': {'dict_class': word, 'k': 3}}, open(there + '/config.json', 'w'))
        torch(there + '/ae.pt', arrays)
        yield there, [], z, (z / norms if word == 'AutoEncoder' else z) @ W.T + b


def overcomplete(folder, X):
    cases = {'relu': ['--code', 'relu'], 'topk': ['--k', '3'], 'batchtopk': ['--threshold', '0.5'], 'jumprelu': [], 'ra': ['--k', '3', '--delta', '.5'],
             'identity': ['--code', 'relu', '--norm', 'identity'], 'max': ['--code', 'relu', '--norm', 'max_l1'],
             'batchnorm': ['--k', '3'], 'untied': ['--code', 'relu'], 'tied': ['--k', '3'], 'mp': ['--code', 'mp', '--k', '3']}
    for word, options in cases.items():
        E, e, c = f32(M, D), f32(M), np.array(.25, np.float32)
        arrays = {'encoder.final_block.0.weight': E, 'encoder.final_block.0.bias': e, 'dictionary.multiplier': c}
        s = X @ E.T.astype(float) + e
        z = relu(s)
        if word == 'ra':
            C, W, R = f32(7, D), f32(M, 7), f32(M, D)
            arrays.update({'dictionary.C': C, 'dictionary.W': W, 'dictionary.Relax': R})
            w, r = relu(W.astype(float)), R.astype(float)
            Dn = w / (w.sum(1, keepdims=True) + 1e-8) @ C + r * np.minimum(.5 / np.linalg.norm(r, axis=1, keepdims=True), 1)
        else:
            W = arrays['dictionary._weights'] = f32(M, D)
            Dn = W.astype(float)
            Dn = Dn if word == 'identity' else Dn / np.abs(Dn).sum(1).max() if word == 'max' else \
                Dn / (np.linalg.norm(Dn, axis=1, keepdims=True) + 1e-8)
        if word in ('topk', 'ra'):
            z = top(s, 3)
        if word == 'batchtopk':
            z = s * (s >= .5)
        if word == 'batchnorm':
            mean, variance, by, plus = f32(M), np.square(f32(M)), f32(M), f32(M)
            arrays.update({'encoder.final_block.1.' + key: a for key, a in (('weight', by), ('bias', plus), ('running_mean', mean), ('running_var', variance),
                                                                           ('num_batches_tracked', np.array(7)))})
            z = top((s - mean) / np.sqrt(variance.astype(float) + 1e-5) * by + plus, 3)
        if word in ('untied', 'tied', 'mp'):
            arrays = {key: a for key, a in arrays.items() if 'encoder' not in key}
            whole = Dn * np.exp(float(c))
        if word == 'untied':
            arrays['encoder.weight'], z = E, relu(X @ E.T.astype(float))
        if word == 'tied':
            arrays.update({'encoder.bias': e, 'encoder.tied_to._weights': W, 'encoder.tied_to.multiplier': c})
            z = top(X @ whole.T + e, 3)
        if word == 'mp':
            left, z, rows = X.astype(float), np.zeros_like(s), np.arange(len(X))
            for _ in range(3):
                j = (left @ whole.T).argmax(1)
                by = (left * whole[j]).sum(1)
                z[rows, j] += by
                left = left - by[:, None] * whole[j]
        if word == 'jumprelu':
            t = arrays['thresholds'] = f32(M) - np.float32(1)
            z = s * (s >= np.exp(t.astype(float)))
        there = os.path.join(folder, 'oc-%s.pt' % word)
        torch(there, arrays)
        yield there, options, z, z @ (Dn * np.exp(.25))


def bad(folder):
    """name of a file or folder, words of the refusal"""
    a = {'encoder.final_block.0.weight': f32(M, D), 'encoder.final_block.0.bias': f32(M), 'dictionary._weights': f32(M, D)}
    at = lambda n: os.path.join(folder, n)
    torch(at('good.pt'), a)
    whole = open(at('good.pt'), 'rb').read()
    open(at('cut.pt'), 'wb').write(whole[:len(whole) // 2])
    yield 'cut.pt', 'cut short, or no zip archive'
    open(at('short.pt'), 'wb').write(whole[:40] + whole[60:])
    yield 'short.pt', 'broken zip archive'
    torch(at('deflated.pt'), a, method=8)
    yield 'deflated.pt', 'compressed archive'
    good = pickled(a, list(a.values()))
    for file, pkl, words in (('call.pt', b'\x80\x02cos\nsystem\n' + text('true') + b'\x85R.', 'holds a Python object, os.system'),
                             ('object.pt', b'\x80\x02c__main__\nSAE\n)\x81.', 'holds a Python object, __main__.SAE'),
                             ('opcode.pt', b'\x80\x02)\x81.', 'an instruction that dictionaries of tensors do not need'),
                             ('stack.pt', b'\x80\x02u.', 'a mark that is not there'),
                             ('protocol.pt', b'\x80\x04' + good[2:], 'protocol 2'),
                             ('early.pt', good[:-1], 'it is cut short'),
                             ('memo.pt', b'\x80\x02h\x07.', 'not remembered'),
                             ('self.pt', b'\x80\x02}q\x00' + text('a') + b'h\x00s.', 'deeper than')):
        torch(at(file), a, pkl)
        yield file, words
    torch(at('shape.pt'), {**a, 'encoder.final_block.0.bias': f32(M + 1)})
    yield 'shape.pt', 'encoder.final_block.0.bias is [11] of torch FloatStorage'
    torch(at('missing.pt'), {k: v for k, v in a.items() if 'bias' not in k})
    yield 'missing.pt', 'has no array encoder.final_block.0.bias'
    torch(at('deep.pt'), {**a, 'encoder.mlp_blocks.0.0.weight': f32(2, 2)})
    yield 'deep.pt', 'one hidden layer with a layer norm and none after it'
    torch(at('layernorm.pt'), {**a, 'encoder.final_block.1.weight': f32(M), 'encoder.final_block.1.bias': f32(M)})
    yield 'layernorm.pt', 'a layer norm of each token\'s scores over all atoms'
    torch(at('attention.pt'), {**a, 'encoder.attention_blocks.0.norm1.weight': f32(M)})
    yield 'attention.pt', 'more than linear layers'
    torch(at('quantised.pt'), {**a, 'Q': f32(4)})
    yield 'quantised.pt', 'levels that were learned'
    torch(at('nan.pt'), {**a, 'encoder.final_block.0.bias': np.full(M, np.nan, np.float32)})
    yield 'nan.pt', 'number 0 is not finite'
    big = {k: v for k, v in a.items()}
    torch(at('beyond.pt'), big, good.replace(b'J' + struct.pack('<i', M) + b'J' + struct.pack('<i', D), b'J' + struct.pack('<i', 1 << 30) * 1 + b'J' + struct.pack('<i', D)))
    yield 'beyond.pt', 'its shape needs'
    for n, cfg, words in (('none', {}, 'cfg.json has no k'), ('layer', {'k': 3, 'normalize_activations': 'layer_norm'}, 'is scaled by a factor of its own'),
                          ('arch', {'architecture': 'transcoder'}, 'is of architecture transcoder'), ('k', {'k': 99}, 'k must be at most width'),
                          ('zero', {'k': 0}, 'code.k 0')):
        os.mkdir(at(n))
        json.dump({'architecture': 'topk', 'd_in': D, 'd_sae': M, **cfg}, open(at(n) + '/cfg.json', 'w'))
        safetensors(at(n) + '/sae_weights.safetensors', {'W_enc': f32(D, M), 'W_dec': f32(M, D), 'b_dec': f32(D), 'b_enc': f32(M)})
        yield n, words
    os.mkdir(at('json')), os.mkdir(at('empty')), os.mkdir(at('header')), os.mkdir(at('end'))
    whole = open(at('k/sae_weights.safetensors'), 'rb').read()
    open(at('json/sae_weights.safetensors'), 'wb').write(whole)
    open(at('json/cfg.json'), 'w').write('{"architecture": ')
    yield 'json', 'cfg.json: is not JSON'
    yield 'empty', 'is a folder without'
    for n, data, words in (('header', struct.pack('<Q', 1 << 40) + whole[8:], 'its header should have'), ('end', whole[:-8], 'is cut short')):
        open(at(n) + '/sae_weights.safetensors', 'wb').write(data)
        json.dump({'architecture': 'topk', 'k': 3}, open(at(n) + '/cfg.json', 'w'))
        yield n, words
    np.save(at('vector.npy'), f32(3))
    yield 'vector.npy', 'dimensions'
    yield 'nowhere.pt', 'cannot be read, or is not there'


if __name__ == '__main__':
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    if sys.argv[2:] == ['bad']:
        for file, words in bad(folder):
            print(file + '\t' + words)
    else:
        X = f32(N, D)
        np.save(folder + '/tokens.npy', X)
        for there, options, z, x in [c for f in (saelens, dictionary_learning, overcomplete) for c in f(folder, X.astype(float))]:
            np.savez(os.path.join(folder, 'want-' + os.path.basename(there) + '.npz'), z=z, x=x)
            print(os.path.basename(there), *options)
