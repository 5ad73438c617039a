#!/usr/bin/env python3
"""oracle.py DIR TOKENS.h5 - trains every sparse autoencoder of a run folder a second time, in float64 NumPy.

From the same start (initial.h5) and the same batches (their order is a documented function, written again here), by
formulas derived from the loss in docs/methods.md, with none of the program's code. What must agree:

- the starting point with its own definition (random directions, anchors picked, unit encoder rows);
- the log's loss, l0, gradient norm, learning rate and number of dead atoms, at every step;
- model.h5 after all steps: for each array |ours - oracle|_F <= 2e-5 |ours - initial|_F, and no element is off by more
  than 1e-3 of the longest way that an element went.

Why these bounds: the program computes in float32 (unit 6e-8); sums of hundreds of terms err by some 1e-7 of their
largest terms; Adam divides each gradient by its own size, so that a small one passes on its relative error, and 50 steps
pile up. The errors found are printed: 3e-7 to 4e-6.

Where a choice is closer than that, the program may choose otherwise and be right: the k-th and the next score of a token
(topk), or a score and 0 (relu), apart by less than CLOSE of the token's largest score. Only such choices may be turned,
and only if the log says so: so that its number of codes is met exactly, or its gradient norm three times better. How
many were turned is printed.
"""
import csv
import itertools
import json
import os
import sys

import h5py
import numpy as np

ATOMS, ENCODER, PICK, CHUNKS, WINDOW = 1, 2, 3, 4, 5  # purposes of random numbers
M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
CLOSE, MOST = 3e-6, 6  # choices closer than this share of the token's largest score are close; so many are tried in a step
faults = 0


def check(holds, what):
    global faults
    if not holds:
        faults += 1
        print('FAULT', what)


# --- random numbers: Philox4x32-10 and what is made of it

def philox(seed, purpose, index):
    c = [index & M32, index >> 32, purpose, 0x41726469]
    k = [seed & M32, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & M32, (p0 >> 32) ^ c[3] ^ k[1], p0 & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


def uniform(seed, purpose, index):
    w = philox(seed, purpose, index)
    return ((w[0] << 32 | w[1]) >> 11) / 2**53


def normal(seed, purpose, index):
    w = philox(seed, purpose, index >> 1)
    u, v = 1 - ((w[0] << 32 | w[1]) >> 11) / 2**53, ((w[2] << 32 | w[3]) >> 11) / 2**53
    angle = 2 * np.pi * v
    return np.sqrt(-2 * np.log(u)) * (np.sin(angle) if index & 1 else np.cos(angle))


def permuted(seed, purpose, index, n):
    """The whole permutation of 0 .. n - 1: a Feistel network of 8 rounds, walked until it lands inside."""
    if n < 2:
        return np.zeros(n, np.int64)
    half = 1
    while 4**half < n:
        half += 1
    w = philox(seed, purpose, index)
    keys = [np.uint64(w[0] << 32 | w[1]), np.uint64(w[2] << 32 | w[3])]
    mask = np.uint64(2**half - 1)

    def once(x):
        left, right = x >> np.uint64(half), x & mask
        for r in range(8):
            h = keys[r & 1] ^ (right | np.uint64((r + 1) << 32))
            h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            h = ((h >> np.uint64(32)) ^ (h >> np.uint64(3))) & np.uint64(M32)
            left, right = right, left ^ (h & mask)
        return left << np.uint64(half) | right

    x = once(np.arange(n, dtype=np.uint64))
    while (x >= n).any():
        out = x >= n
        x[out] = once(x[out])
    return x.astype(np.int64)


def noise(k):
    """Numbers in [0, 1) from whole numbers k, as tests/method_task.h has them."""
    k = np.asarray(k, dtype=np.uint64)
    with np.errstate(over='ignore'):
        k = (k ^ (k >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        k = (k ^ (k >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        k = k ^ (k >> np.uint64(32))
    return (k >> np.uint64(11)).astype(np.float64) / 2.0**53


def epoch_order(seed, epoch, n):
    """Chunks of 64 permuted (a short last one stays), then tokens within windows of 256 chunks."""
    whole = n // 64
    chunk = np.append(permuted(seed, CHUNKS, epoch, whole), whole)
    order = np.empty(n, np.int64)
    for window in range(-(-n // 16384)):
        begin, size = window * 16384, min(16384, n - window * 16384)
        inside = permuted(seed, WINDOW, epoch << 32 | window, size)
        order[begin:begin + size] = chunk[window * 256 + inside // 64] * 64 + inside % 64
    return order


# --- what the run saw

def read_model(path):
    p = {}
    with h5py.File(path) as f:
        f.visititems(lambda name, o: p.__setitem__(name, o[()].astype(np.float64)) if isinstance(o, h5py.Dataset) else None)
        if 'log_multiplier' in f.attrs:
            p['log_multiplier'] = np.float64(f.attrs['log_multiplier'])
    return p


def training_tokens(tokens, held, row, model):
    with h5py.File(tokens) as f:
        X = f['tokens'][()].astype(np.float64)
        groups = f['groups'][()] if 'groups' in f else np.arange(len(X)) // 256
    centre = X.mean(0) if row['normalise.center'] == 'mean' else np.zeros(X.shape[1])
    assert row['normalise.scale'] == 'rms' and row['normalise.center'] in ('mean', 'none')
    scale = np.sqrt(((X - centre) ** 2).sum(1).mean() / X.shape[1])
    check(np.allclose(model['normalise/mean'], centre, rtol=1e-6, atol=1e-7) and np.allclose(model['normalise/scale'], scale, rtol=1e-6),
          'normalisation')
    return ((X - model['normalise/mean']) / model['normalise/scale'])[~np.isin(groups, held)]


def check_start(row, p, C, seeds):
    """initial.h5 against its definition."""
    m, d = p['atoms'].shape
    D = p['atoms']
    unit = D / np.linalg.norm(D, axis=1, keepdims=True)
    check(np.allclose(p['encoder/weight'], unit, atol=1e-6) and not p['encoder/bias'].any() and not p['bias'].any(), 'start of the encoder')
    if row['atoms.name'] == 'free':
        Z = np.array([[normal(seeds['init'], ATOMS, j * d + i) for i in range(d)] for j in range(m)])
        check(np.allclose(D, Z / np.linalg.norm(Z, axis=1, keepdims=True), atol=1e-6), 'start of free atoms')
        return
    n = len(C)
    check(m <= n and row['atoms.pick'] == 'default', 'this oracle knows the default pick only')
    W = np.zeros((m, n))
    W[np.arange(m), permuted(seeds['anchors'], PICK, M64, n)[:m]] = 1
    check(np.array_equal(p['W'], W) and np.allclose(D, C[W.argmax(1)], rtol=1e-6), 'start of archetypal atoms')
    check(not p.get('relaxation', np.zeros(1)).any() and not p.get('log_multiplier', 0), 'start of the relaxation')


# --- the model

def atoms_of(p, C):
    if 'W' not in p:
        return p['atoms']
    return np.exp(p.get('log_multiplier', 0.0)) * (p['W'] @ C + p.get('relaxation', 0.0))


def keep_top(S, k):
    """Marks the k largest scores above 0 of each row, lowest index first."""
    order = np.argsort(-S, axis=1, kind='stable')[:, :k]
    kept = np.zeros(S.shape, bool)
    np.put_along_axis(kept, order, True, axis=1)
    return kept & (S > 0)


def keep(row, S):
    """The codes kept, and the choices closer than CLOSE: each a list of codes that are kept or not, the other way round."""
    near = CLOSE * np.abs(S).max(1)
    if row['code.name'] == 'relu':
        return S > 0, [[(t, j)] for t, j in np.argwhere(np.abs(S) < near[:, None])]
    if row['code.name'] == 'batchtopk':  # of the whole batch, lowest token, then atom, first among equals
        most = round(float(row['code.k']) * len(S))
        order = np.argsort(-S, axis=None, kind='stable')
        kept = np.zeros(S.size, bool)
        kept[order[:most]] = True
        last, next_ = (np.unravel_index(i, S.shape) for i in order[most - 1:most + 1])
        tight = S[last] > 0 and S[last] - max(S[next_], 0) < near[last[0]]
        return kept.reshape(S.shape) & (S > 0), [[last] + ([next_] if S[next_] > 0 else [])] if tight else []
    k = int(row['code.k'])
    order = np.argsort(-S, axis=1, kind='stable')
    close = []
    for t, (last, next_) in enumerate(order[:, k - 1:k + 1]):
        if S[t, last] > 0 and S[t, last] - max(S[t, next_], 0) < near[t]:
            close.append([(t, last)] + ([(t, next_)] if S[t, next_] > 0 else []))
        elif S[t, last] <= 0:
            close += [[(t, j)] for j in order[t, :k] if abs(S[t, j]) < near[t]]
    return keep_top(S, k), close


def encoder_of(p):
    return p['encoder/weight'] if 'encoder/weight' in p else p['atoms']  # tied: the atoms themselves


def scores(p, x):
    return (x - p['bias']) @ encoder_of(p).T + p['encoder/bias']


def pursue(row, p, x):
    """Matching pursuit: picks (atom and coefficient of each token), what is left before each pick and at the end."""
    left, picks = [x - p['bias']], []
    for _ in range(int(row['code.k'])):
        S = left[-1] @ p['atoms'].T
        j = S.argmax(1)
        c = S[np.arange(len(x)), j]
        picks.append((j, c))
        left.append(left[-1] - c[:, None] * p['atoms'][j])
    return picks, left


def pursuit_gradients(row, p, x):
    picks, left = pursue(row, p, x)
    mu = 2 * left[-1] / x.size  # slope of the loss by what is left, carried back pick by pick
    dD = np.zeros_like(p['atoms'])
    for (j, c), r in zip(picks[::-1], left[-2::-1]):
        D = p['atoms'][j]
        a = (mu * D).sum(1, keepdims=True)
        np.add.at(dD, j, -c[:, None] * mu - a * r)
        mu = mu - a * D
    return (left[-1]**2).sum() / x.size, {'atoms': dD - (dD * p['atoms']).sum(1, keepdims=True) * p['atoms'], 'bias': -mu.sum(0)}


def gradients(row, p, C, x, dead, kept):
    """Loss, and gradients by parameter."""
    if row['code.name'] == 'mp':
        return pursuit_gradients(row, p, x)
    B, d = x.shape
    D, E = atoms_of(p, C), encoder_of(p)
    xc = x - p['bias']
    S = scores(p, x)
    Z = np.where(kept, S, 0)
    e = Z @ D - xc
    l1 = float(row.get('code.l1') or 0) if row['code.name'] == 'relu' else 0.0
    norms = np.linalg.norm(D, axis=1)
    loss = (e**2).sum() / (B * d) + l1 * (Z @ norms).mean()
    dY = 2 * e / (B * d)
    dD = Z.T @ dY + l1 * Z.mean(0)[:, None] * D / norms[:, None]
    dS = np.where(kept, dY @ D.T + l1 * norms / B, 0)
    g = {'encoder/weight': dS.T @ xc, 'encoder/bias': dS.sum(0), 'bias': dY.sum(0) - dS.sum(0) @ E}
    if dead.any():
        r = -e  # counts as constant
        variance = ((r - r.mean(0)) ** 2).sum()
        k = min(int(row['revive.k']) or max(d // 2, 1), int(dead.sum()))
        chosen = keep_top(np.where(dead, S, -1.0), k)
        Za = np.where(chosen, S, 0)
        ea = Za @ D - r
        weight = float(row['revive.weight'])
        loss += weight * (ea**2).sum() / variance
        dYa = 2 * weight * ea / variance
        dSa = np.where(chosen, dYa @ D.T, 0)
        dD = dD + Za.T @ dYa
        g['encoder/weight'] = g['encoder/weight'] + dSa.T @ xc
        g['encoder/bias'] = g['encoder/bias'] + dSa.sum(0)
        g['bias'] = g['bias'] - dSa.sum(0) @ E
    if 'encoder/weight' not in p:
        dD = dD + g.pop('encoder/weight')
    if 'W' in p:
        scale = np.exp(p.get('log_multiplier', 0.0))
        g['W'] = scale * dD @ C.T
        if 'relaxation' in p:
            g['relaxation'] = scale * dD
        if 'log_multiplier' in p:
            g['log_multiplier'] = (dD * D).sum()
    else:
        g['atoms'] = dD - (dD * D).sum(1, keepdims=True) * D
    return loss, g


def size_of(g):
    return np.sqrt(sum((value**2).sum() for value in g.values()))


def settle(row, p, C, x, dead, line):
    """Loss, gradients and codes kept; close choices go the way that the log's l0 and gradient norm tell."""
    if row['code.name'] == 'mp':
        kept, close = np.zeros((len(x), len(p['atoms'])), bool), []
        for j, c in pursue(row, p, x)[0]:
            kept[np.arange(len(x)), j] |= c != 0
    else:
        kept, close = keep(row, scores(p, x))
    best = None
    for turned in itertools.chain.from_iterable(itertools.combinations(close[:MOST], r) for r in range(len(close[:MOST]) + 1)):
        now = kept.copy()
        for t, j in itertools.chain.from_iterable(turned):
            now[t, j] = not now[t, j]
        loss, g = gradients(row, p, C, x, dead, now)
        off = round(abs(now.sum() - line['l0'] * len(x))), abs(size_of(g) - line['gradient'])
        if best is None or off[0] < best[0][0] or off[0] == best[0][0] and off[1] < best[0][1] / 3:
            best = off, loss, g, now, len(turned)
    return *best[1:], len(close)


def constrain(row, p, before):
    if 'W' not in p:
        p['atoms'] /= np.linalg.norm(p['atoms'], axis=1, keepdims=True)
        return
    W = np.maximum(p['W'], 0)
    total = W.sum(1, keepdims=True)
    p['W'] = np.where(total < 1e-6, before['W'], W / (total + 1e-8))
    if 'relaxation' in p:
        norm = np.linalg.norm(p['relaxation'], axis=1, keepdims=True)
        p['relaxation'] *= np.minimum(1, float(row['atoms.delta']) / np.maximum(norm, 1e-300))


def rate_at(row, step, steps):
    """The schedule's factor times the learning rate."""
    warmup = row['train.schedule.warmup']
    rise = int(float(warmup[:-1]) * steps / 100) if warmup.endswith('%') else int(float(warmup))
    t = (step - rise) / max(steps - rise, 1)
    after = {'constant': 1, 'linear': 1 - t, 'cosine': (1 + np.cos(np.pi * t)) / 2}[row['train.schedule.name']]
    return float(row['train.optimizer.lr']) * ((step + 1) / rise if step < rise else after)


def update(row, p, g, moments, step, rate):
    for name in p:
        m, v = moments[name]
        if row['train.optimizer.name'] == 'adam':
            b1, b2 = float(row['train.optimizer.beta1']), float(row['train.optimizer.beta2'])
            m = b1 * m + (1 - b1) * g[name]
            v = b2 * v + (1 - b2) * g[name]**2
            p[name] = p[name] - rate * (m / (1 - b1**step)) / (np.sqrt(v / (1 - b2**step)) + float(row['train.optimizer.epsilon']))
        else:
            m = float(row['train.optimizer.momentum']) * m + g[name]
            p[name] = p[name] - rate * m
        moments[name] = m, v


def train(row, p, C, X, seed, log):
    """The parameters after all steps; every step against the log."""
    steps, batch, clip = int(row['train.steps']), int(row['train.batch']), float(row['train.clip'])
    n, per_epoch, m = len(X), -(-len(X) // batch), len(p['W'] if 'W' in p else p['atoms'])
    moments = {name: (0.0 * value, 0.0 * value) for name, value in p.items()}
    silent = np.zeros(m, np.int64)
    close = turned = most_dead = clipped = 0
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        if at == 0:
            order = epoch_order(seed, epoch, n)
        x = X[order[at * batch:(at + 1) * batch]]
        dead = silent >= int(row['revive.dead_after']) if row['revive.name'] == 'auxk' else np.zeros(m, bool)
        loss, g, kept, other, near = settle(row, p, C, x, dead, log[step + 1])
        norm = size_of(g)
        rate = rate_at(row, step, steps)
        mine = {'loss': loss, 'l0': kept.sum(1).mean(), 'gradient': norm, 'rate': rate, 'dead': dead.sum()}
        for key, value in mine.items():
            theirs = log[step + 1][key]
            off = {'loss': 1e-5, 'gradient': 1e-4}.get(key, 1e-12) * abs(value)
            check(abs(value - theirs) <= off, f'step {step + 1} {key}: {value:.9g}, log says {theirs:.9g}')
        if clip > 0 and norm > clip:
            g, clipped = {name: value * (clip / norm) for name, value in g.items()}, clipped + 1
        before = dict(p)
        update(row, p, g, moments, step + 1, rate)
        constrain(row, p, before)
        silent = np.where(kept.any(0), 0, silent + len(x))
        close, turned, most_dead = close + near, turned + other, max(most_dead, dead.sum())
    return p, f'{steps} steps, {turned} of {close} close choices turned, up to {most_dead} dead, {clipped} clipped'


def compare(ours, oracle, initial, C):
    oracle['atoms'] = atoms_of(oracle, C)
    worst = 0.0
    for name, value in oracle.items():
        moved, off = np.asarray(ours[name] - initial[name]), np.asarray(ours[name] - value)
        check(np.abs(moved).max() > 1e-3 or name == 'log_multiplier', f'{name} has hardly moved')
        share, most = np.linalg.norm(off) / np.linalg.norm(moved), np.abs(off).max() / np.abs(moved).max()
        check(share < 2e-5 and most < 1e-3, f'{name}: off by {share:.2g} of its way, an element by {most:.2g} of the longest')
        worst = max(worst, share)
    return worst


def main(folder, tokens):
    rows = [r for r in csv.DictReader(open(os.path.join(folder, 'plan.csv'), newline='')) if r['method'] == 'sae']
    held = [int(r['group']) for r in csv.DictReader(open(os.path.join(folder, 'held_out.csv'), newline=''))]
    for row in rows:
        here = os.path.join(folder, row['model'], row['run'])
        seeds = {k: int(row['seed_' + k]) for k in ('init', 'data', 'anchors') if row['seed_' + k] != '-'}
        initial, ours = read_model(os.path.join(here, 'initial.h5')), read_model(os.path.join(here, 'model.h5'))
        C = read_model(os.path.join(folder, 'anchors', row['anchors'] + '.h5'))['atoms'] if row['anchors'] else None
        X = training_tokens(tokens, held, row, ours)
        check_start(row, initial, C, seeds)
        p = {name: value for name, value in initial.items() if not name.startswith(('normalise', 'code')) and not (name == 'atoms' and 'W' in initial)}
        if row['encoder.name'] == 'tied':
            del p['encoder/weight']
        if row['code.name'] == 'mp':  # has no biases of scores
            del p['encoder/bias']
        lines = [json.loads(line) for line in open(os.path.join(here, 'log.jsonl'))]
        log = {line['step']: line for line in lines if line['event'] == 'step'}
        check(set(range(1, int(row['train.steps']) + 1)) <= set(log), 'every step is in the log')
        before = faults
        oracle, told = train(row, dict(p), C, X, seeds['data'], log)
        worst = compare(ours, oracle, initial, C)
        print(f"{'ok' if faults == before else 'not ok'} {row['model']}: within {worst:.1e} of the way; {told}")
    return len(rows)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    count = main(sys.argv[1], sys.argv[2])
    sys.exit(1 if faults or not count else 0)
