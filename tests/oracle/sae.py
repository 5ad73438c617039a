#!/usr/bin/env python3
"""sae.py > tests/data/sae.inc - sparse autoencoders of every kind after 60 steps, in float64 NumPy.

Each case is a line of settings. What is written here is the loss, as the papers have it; its gradient is taken by complex
steps (Squire and Trapp, SIAM Review 40, 1998), so that no derivative is written by hand but those that are definitions:
the kernels of thresholds, and rounding that passes slopes on. Tokens are those of tests/unit/learn_oracle.c; starts and the
order of tokens are functions of the seeds (oracle.py). No choice that is made on the way (a score above 0, the k-th largest,
the sign of a momentum) is closer than CLOSE, so float32 makes the same: the learning rate is raised a little where one is.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import ATOMS, ENCODER, M64, PICK, epoch_order, noise, normal, permuted, uniform  # noqa: E402
from sae_cases import CASES, DEFAULTS  # noqa: E402

N, D, M, ANCHORS, BATCH, STEPS = 190, 5, 9, 12, 40, 60
SEEDS = {'init': 1, 'data': 2, 'anchors': 3}
CLOSE, TINY = 3e-6, 1e-30


def tokens():
    """Mixtures of 10 directions, normalised in float32 as the program reads them."""
    t, i = np.arange(N)[:, None], np.arange(D)[None, :]
    x = 0.2 * noise(t * D + i + 1)
    for f in range(10):
        x = x + 9 * np.maximum(noise(1000000 + t * 10 + f) - 0.7, 0) * (noise(2000000 + f * D + i) - 0.5)
    X = x.astype(np.float32).astype(np.float64)
    mean = X.mean(0)
    scale = np.sqrt(((X - mean)**2).sum() / (N * D))
    f = np.float32
    return ((X.astype(f) - mean.astype(f)) * f(1 / scale)).astype(np.float64)


class Margin:
    """The closest choice of a case."""

    def __init__(self):
        self.least = np.inf

    def above(self, S, over=0.0):
        """Which S are above; how far from it the nearest is, by the largest of its token."""
        off = np.abs(S - over) / np.abs(S).max(-1, keepdims=True)
        self.least = min(self.least, off[off > 0].min(initial=np.inf))
        return S > over

    def top(self, S, k):
        """Marks the k largest of each row above 0."""
        order = np.sort(S, -1)[:, ::-1]
        k = min(k, S.shape[1])
        if k < S.shape[1]:
            gap = (order[:, k - 1] - order[:, k]) / np.abs(order[:, 0])
            self.least = min(self.least, gap[order[:, k - 1] > 0].min(initial=np.inf))
        return self.above(S) & (S >= order[:, k - 1:k])


# --- settings


class Case:
    def __init__(self, words):
        self.said = dict(w.split('=', 1) for w in words.split())
        self.margin = Margin()

    def __getitem__(self, key):
        return self.said.get(key, DEFAULTS.get(key))

    def number(self, key):
        return float(self[key])

    def share(self, key, steps):
        text = self[key]
        return int(float(text[:-1]) * steps / 100) if text.endswith('%') else int(float(text))


# --- the loss of a batch; parameters p[name] are [directions x ...], complex

def atoms_of(p, C):
    if 'W' not in p:
        return p['atoms']
    D_ = p['W'] @ C
    if 'relaxation' in p:
        D_ = D_ + p['relaxation']
    return D_ * np.exp(p['log_multiplier'])[:, None, None] if 'log_multiplier' in p else D_


def kernel(case, x):
    """Of the derivative of a step, as the convention has it."""
    width = case.number('code.bandwidth')
    h = width / 2
    u = np.abs(x / h)
    name, library = case['code.kernel'], case['code.convention'] == 'overcomplete'
    if name == 'rectangle':
        case.margin.least = min(case.margin.least, np.abs(u - 1).min())
        K = (u < 1) / width
    elif name == 'epanechnikov':
        K = np.where(u < 1, 0.75 * (1 - u**2), 0) / h
    elif name == 'gaussian':  # the library: half as wide, of integral 1/2
        sd = h if library else width
        K = np.exp(-x**2 / (2 * sd**2)) / (width * np.sqrt(2 * np.pi))
    elif name == 'cosine':  # the library: twice as wide, 1 at 0
        K = np.where(u < 2, (1 + np.cos(np.pi * x / width)) / 2, 0) if library else np.where(u < 1, np.pi / 4 * np.cos(np.pi / 2 * u), 0) / h
    elif name == 'silverman':  # the library has twice this, of integral 2
        K = np.exp(-u / np.sqrt(2)) * np.sin(u / np.sqrt(2) + np.pi / 4) / h / (1 if library else 2)
    return K / width if library else K


def l1_weight(case, state):
    rise = case.share('code.sparsity.warmup', STEPS)
    now = (state['step'] + 1) / rise if state['step'] < rise else 1
    if case['code.sparsity.name'] == 'target':
        return state['l1'] * now if case['code.name'] != 'jumprelu' else 0
    if case['code.sparsity.name'] == 'l1':
        return case.number('code.sparsity.weight') * now
    return float(case['code.l1'] or 0)


def square(e):
    return (e * e).sum(-1)


def pursue(case, xc, Dp):
    """Picks of matching pursuit: what is left, and the codes [directions x b x m]."""
    b, m = xc.shape[1], Dp.shape[1]
    left, Z, at = xc, np.zeros((*xc.shape[:2], m), complex), np.arange(b)
    enough = case.number('code.stop') * np.linalg.norm(xc[0].real, axis=1)
    for _ in range(int(case['code.k'])):
        S = left[0].real @ Dp[0].real.T
        size = np.linalg.norm(left[0].real, axis=1)
        case.margin.least = min(case.margin.least, np.abs(size - enough).min() if enough.any() else np.inf)
        going = size > enough
        order = np.sort(S, 1)
        case.margin.least = min(case.margin.least, ((order[:, -1] - order[:, -2]) / size)[going].min(initial=np.inf))
        j = S.argmax(1)
        c = np.where(going, (left * Dp[:, j]).sum(-1), 0)
        left = left - c[..., None] * Dp[:, j]
        Z[:, at, j] += c
    return left, Z


def refined(Z, xc, Dp):
    """Codes of 0 or more for the atoms picked: ten steps of projected gradient, of length 1/|Q|. Constants."""
    Z, xc, Dp = Z[0].real, xc[0].real, Dp[0].real
    out = np.zeros_like(Z)
    for t in range(len(Z)):
        picked = np.flatnonzero(Z[t])
        Q, r = Dp[picked] @ Dp[picked].T, Dp[picked] @ xc[t]
        z = np.maximum(Z[t, picked], 0)
        for _ in range(10):
            z = np.maximum(z - (Q @ z - r) / np.linalg.norm(Q), 0)
        out[t, picked] = z
    return out


def levels_of(case, Z):
    """Masks of the codes that each reconstruction keeps, and weights."""
    m, size = Z.shape[1], Z.real
    if case['goal.name'] == 'matryoshka':
        bounds = [m >> q for q in range(int(case['goal.levels']) - 1, -1, -1)]
        return [np.arange(m)[None, :] < n for n in bounds], np.ones(len(bounds))
    k = int(float(case['code.k'] or m))
    if case['goal.name'] == 'multi_topk':
        return [case.margin.top(size, k), size > 0], np.array([1, case.number('goal.weight')])
    if case['goal.name'] == 'msae':
        ks = [int(x) for x in case['goal.ks'].split(',')] if case['goal.ks'] else [k << q for q in range(9) if k << q < m] + [m]
        weights = np.arange(len(ks), 0, -1) if case['goal.weights'] == 'reverse' else np.ones(len(ks))
        return [case.margin.top(size, n) for n in ks], weights
    return [np.ones_like(size, bool)], np.ones(1)


def most_codes(case, m):
    """Codes that training keeps: of nested losses those of the last level."""
    k = int(case['code.k'])
    if case['goal.name'] == 'multi_topk':
        return min(m, k * int(case['goal.factor']))
    if case['goal.name'] == 'msae':
        return int(case['goal.ks'].split(',')[-1]) if case['goal.ks'] else m
    return k


def codes_of(case, p, S, state, seen):
    """Codes [directions x b x m] from scores, and the penalty on their number."""
    name, S0 = case['code.name'], S[0].real
    if name in ('relu', 'gated'):
        return np.where(case.margin.above(S0), S, 0), 0
    if name == 'topk':
        return np.where(case.margin.top(S0, most_codes(case, S.shape[2])), S, 0), 0
    if name == 'batchtopk':
        kept = case.margin.top(S0.reshape(1, -1), round(case.number('code.k') * len(S0))).reshape(S0.shape)
        least, momentum = S0[kept].min(), case.number('code.momentum')
        seen['threshold'] = momentum * state['threshold'] + (1 - momentum) * least if 'threshold' in state else least
        return np.where(kept, S, 0), 0
    if name == 'quantised':
        most = int(case['code.levels']) - 1
        step = case.number('code.top') / most
        case.margin.least = min(case.margin.least, np.abs((S0 / step) % 1 - 0.5).min())
        level = np.clip(np.floor(S0 / step + 0.5), 0, most)
        return level * step + np.where(level > 0, 1j * S.imag, 0), 0  # as if not rounded
    theta = np.exp(p['code/log_threshold'])[:, None, :]
    kept = case.margin.above(S0 - theta[0].real)
    seen_as = np.maximum(S0, 0) if case['code.convention'] == 'overcomplete' else S0
    K = kernel(case, seen_as - theta[0].real)
    Z = np.where(kept, S, 0) - 1j * theta.real * K * theta.imag
    active = kept - 1j * K * theta.imag  # a step of scores over thresholds
    l0 = active.sum(-1).mean(-1)
    if case['code.sparsity.name'] == 'target':
        return Z, case.number('code.sparsity.weight') * (l0 / case.number('code.sparsity.l0') - 1)**2
    return Z, 0 if case['code.sparsity.name'] == 'l1' else case.number('code.sparsity.weight') * l0


def hidden_layer(case, p, xc):
    """Linear, layer norm (variance over the layer's width), gains and offsets, positive parts."""
    u = xc @ p['encoder/hidden'].transpose(0, 2, 1) + p['encoder/hidden_bias'][:, None, :]
    off = u - u.mean(-1, keepdims=True)
    a = p['encoder/gain'][:, None, :] * off / np.sqrt((off * off).mean(-1, keepdims=True) + 1e-5) + p['encoder/offset'][:, None, :]
    return np.where(case.margin.above(a[0].real), a, 0)


def loss_of(case, p, C, x, state):
    """The loss in every direction, and what the step tells: active codes, numbers that go on."""
    seen = {}
    (b, d), Dp = x.shape, atoms_of(p, C)
    xc = x - p['bias'][:, None, :]
    if case['code.name'] in ('mp', 'omp'):
        left, Z = pursue(case, xc, Dp)
        if case['code.name'] == 'omp':
            Z = refined(Z, xc, Dp)[None]
            left = xc - Z @ Dp
        seen['active'] = Z[0].real != 0
        return square(left).sum(-1) / (b * d), seen
    E = Dp if case['encoder.name'] == 'tied' else p['encoder/output' if case['encoder.name'] == 'mlp' else 'encoder/weight']
    S = (hidden_layer(case, p, xc) if case['encoder.name'] == 'mlp' else xc) @ E.transpose(0, 2, 1) + p['encoder/bias'][:, None, :]
    Z, penalty = codes_of(case, p, S, state, seen)
    loss, l1 = penalty, l1_weight(case, state)
    if l1:
        loss = loss + l1 * (Z * np.sqrt(square(Dp))[:, None, :]).sum(-1).mean(-1)
    if case['code.name'] == 'gated':  # the gate's own reconstruction holds atoms and centring constant
        loss = loss + square(Z @ Dp.real - xc.real).sum(-1) / (b * d)
        magnitude = np.exp(p['code/log_scale'])[:, None, :] * (S - p['encoder/bias'][:, None, :]) + p['code/bias'][:, None, :]
        Z = np.where((Z[0].real > 0) & case.margin.above(magnitude[0].real), magnitude, 0)
    seen['active'] = Z[0].real != 0
    masks, weights = levels_of(case, Z[0])
    share = np.ones(b)
    if case['goal.loss'] == 'nmse':
        share = d / square(xc[0].real)
    for mask, weight in zip(masks, weights / weights.sum()):
        e = np.where(mask, Z, 0) @ Dp - xc
        loss = loss + weight * (share * square(e)).sum(-1) / (b * d)
    dead = state.get('dead')
    if dead is not None and dead.any():
        r = -e[0].real
        Sd = S[:, :, dead]
        chosen = case.margin.top(Sd[0].real, int(case['revive.k']))
        loss = loss + case.number('revive.weight') * square(np.where(chosen, Sd, 0) @ Dp[:, dead] - r).sum(-1) / ((r - r.mean(0))**2).sum()
    if case['revive.name'] == 'reanimation':
        silent = ~seen['active'].any(0)
        over = S.shape[2] if case['revive.over'] == 'all' else max(silent.sum(), 1)
        loss = loss - case.number('revive.weight') * np.where(silent, S, 0).sum((1, 2)) / (b * over)
        seen['silent'] = silent
    return loss, seen


def differentiate(case, p, C, x, state):
    """Loss and gradients: one complex direction for each number."""
    size = sum(v.size for v in p.values())
    turned, at = {}, 0
    for name, v in p.items():
        turned[name] = np.repeat(v[None].astype(complex), size, 0)
        turned[name].reshape(size, -1)[at + np.arange(v.size), np.arange(v.size)] += 1j * TINY
        at += v.size
    loss, seen = loss_of(case, turned, C, x, state)
    g, at = {}, 0
    for name, v in p.items():
        g[name] = (loss.imag[at:at + v.size] / TINY).reshape(v.shape)
        at += v.size
    return loss[0].real, g, seen


# --- training

def begin(case, X):
    C = X[7 * np.arange(ANCHORS)]
    if case['atoms.name'].startswith('hull'):
        W = np.zeros((M, ANCHORS))
        W[np.arange(M), permuted(SEEDS['anchors'], PICK, M64, ANCHORS)[:M]] = 1
        p, D0 = {'W': W}, W @ C
        if case['atoms.name'] == 'hull_relaxed':
            p['relaxation'] = np.zeros((M, D))
        if case['atoms.name'] == 'hull_relaxed' or case['atoms.multiplier'] == 'true':
            p['log_multiplier'] = np.zeros(())
    else:
        D0 = np.array([[normal(SEEDS['init'], ATOMS, j * D + i) for i in range(D)] for j in range(M)])
        D0 = np.abs(D0) if case['atoms.name'] == 'nonnegative' else D0
        p = {'atoms': D0 / np.linalg.norm(D0, axis=1, keepdims=True)}
    if case['encoder.name'] == 'linear':
        p['encoder/weight'] = D0 / np.linalg.norm(D0, axis=1, keepdims=True)
    if case['encoder.name'] == 'mlp':
        width = int(case['encoder.hidden'] or D)
        kaiming = case['encoder.start'] == 'kaiming'
        start = 2 * np.array([uniform(SEEDS['init'], ENCODER, i) for i in range(width * (M + D))]) - 1
        p['encoder/output'] = start[:M * width].reshape(M, width) * np.sqrt(6 / (width + (0 if kaiming else M)))
        p['encoder/hidden'] = start[M * width:].reshape(width, D) * np.sqrt(6 / (D + (0 if kaiming else width)))
        p['encoder/hidden_bias'], p['encoder/gain'], p['encoder/offset'] = np.zeros(width), np.ones(width), np.zeros(width)
    if case['code.name'] not in ('mp', 'omp'):
        p['encoder/bias'] = np.zeros(M)
    p['bias'] = np.zeros(D)
    if case['code.name'] == 'jumprelu':
        p['code/log_threshold'] = np.full(M, np.log(case.number('code.threshold')))
    if case['code.name'] == 'gated':
        p['code/log_scale'], p['code/bias'] = np.zeros(M), np.zeros(M)
    return p, C


def factor(case, step):
    """Of the learning rate, at steps 0 ..."""
    rise = case.share('train.schedule.warmup', STEPS)
    t = (step - rise) / max(STEPS - rise, 1)
    start = (step + 1) / rise if step < rise else 1
    name = case['train.schedule.name']
    if name == 'constant_linear':
        fall = case.share('train.schedule.decay', STEPS)
        return start * min(1, (STEPS - step) / fall)
    return start if step < rise else {'constant': 1, 'linear': 1 - t, 'cosine': (1 + np.cos(np.pi * t)) / 2}[name]


def update(case, p, g, moments, step):
    name, lr = case['train.optimizer.name'], case.number('train.optimizer.lr') * factor(case, step)
    keep = case.number('train.optimizer.momentum')
    for key in p:
        m, v = moments.get(key, (0, 0))
        if name == 'sgd':
            m = keep * m + g[key]
            p[key] = p[key] - lr * m
        elif name == 'signum':
            m = keep * m + (1 - keep) * g[key]
            size = np.abs(m[m != 0])
            case.margin.least = min(case.margin.least, (size / size.max(initial=1e-300)).min(initial=np.inf))
            p[key] = p[key] - lr * np.sign(m)
        else:
            m, v = 0.9 * m + 0.1 * g[key], 0.999 * v + 0.001 * g[key]**2
            decay = case.number('train.optimizer.decay') if name == 'adamw' else 0
            p[key] = (1 - lr * decay) * p[key] - lr * (m / (1 - 0.9**(step + 1))) / (np.sqrt(v / (1 - 0.999**(step + 1))) + 1e-8)
        moments[key] = m, v


def nearest_on_simplex(w):
    """By sorting (Held, Wolfe and Crowder 1974)."""
    u = np.sort(w)[::-1]
    excess = (np.cumsum(u) - 1) / np.arange(1, len(w) + 1)
    return np.maximum(w - excess[np.flatnonzero(u > excess)[-1]], 0)


def constrain(case, p):
    if 'W' in p and case['atoms.simplex'] == 'euclidean':
        p['W'] = np.array([nearest_on_simplex(w) for w in p['W']])
    elif 'W' in p:
        W = np.maximum(p['W'], 0)
        assert (W.sum(1) > 1e-6).all()
        p['W'] = W / (W.sum(1, keepdims=True) + 1e-8)
    else:
        A = np.maximum(p['atoms'], 0) if case['atoms.name'] == 'nonnegative' else p['atoms']
        norm = np.linalg.norm(A, axis=1, keepdims=True)
        p['atoms'] = A / (np.maximum(norm, 1) if case['atoms.norm'] == 'ball' else norm)
    if 'relaxation' in p:
        norm = np.linalg.norm(p['relaxation'], axis=1, keepdims=True)
        p['relaxation'] *= np.minimum(1, case.number('atoms.delta') / np.maximum(norm, 1e-300))


def train(case, X):
    p, C = begin(case, X)
    moments, silent = {}, np.zeros(M)
    state = {'l1': float(case['code.sparsity.weight'] or 0)}
    per_epoch, told = -(-N // BATCH), {'dead': 0, 'silent': 0, 'clipped': 0}
    for step in range(STEPS):
        epoch, at = divmod(step, per_epoch)
        x = X[epoch_order(SEEDS['data'], epoch, N)[at * BATCH:(at + 1) * BATCH]]
        state['step'] = step
        if case['revive.name'] == 'auxk':
            state['dead'] = silent >= float(case['revive.dead_after'])
            told['dead'] += state['dead'].sum()
        loss, g, seen = differentiate(case, p, C, x, state)
        if 'atoms' in g and case['atoms.norm'] == 'unit':  # only the part along the sphere
            g['atoms'] = g['atoms'] - (g['atoms'] * p['atoms']).sum(1, keepdims=True) * p['atoms']
        norm, clip = np.sqrt(sum((v**2).sum() for v in g.values())), case.number('train.clip')
        if norm > clip:
            g, told['clipped'] = {k: v * (clip / norm) for k, v in g.items()}, told['clipped'] + 1
        update(case, p, g, moments, step)
        constrain(case, p)
        l0 = seen['active'].sum(1).mean()
        if 'threshold' in seen:
            state['threshold'] = seen['threshold']
        if case['code.sparsity.name'] == 'target' and case['code.name'] != 'jumprelu':
            state['l1'] *= 1 + case.number('code.sparsity.rate') * np.clip(l0 / case.number('code.sparsity.l0') - 1, -1, 1)
        silent = np.where(seen['active'].any(0), 0, silent + (1 if case['revive.count'] == 'steps' else len(x)))
        told['silent'] += seen.get('silent', np.zeros(1)).sum()
    out = {'loss': np.array(loss), 'l0': np.array(l0), 'atoms': atoms_of({k: v[None] for k, v in p.items()}, C)[0]}
    out.update((k, v) for k, v in p.items() if k != 'atoms')
    if 'threshold' in state:
        out['code/threshold'] = np.array(state['threshold'])
    if case['code.sparsity.name'] == 'target' and case['code.name'] != 'jumprelu':
        out['code/l1'] = np.array(state['l1'])
    return out, told


def main():
    X = tokens()
    print('/* Written by tests/oracle/sae.py. */')
    print(f'enum {{ N = {N}, D = {D}, M = {M}, ANCHORS = {ANCHORS}, BATCH = {BATCH}, STEPS = {STEPS} }};')
    numbers, lines, at = [], [], 0
    for name, words in CASES:
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        for more in range(20):
            case = Case(words)
            rate = f"{case.number('train.optimizer.lr') * (1 + more / 50):.4g}"
            case.said['train.optimizer.lr'] = rate
            out, told = train(case, X)
            if case.margin.least >= CLOSE:
                break
        words = ' '.join(f'{k}={v}' for k, v in case.said.items())
        assert case.margin.least >= CLOSE, name
        assert told['dead'] or case['revive.name'] != 'auxk', name
        assert told['silent'] or case['revive.name'] != 'reanimation', name
        told = ', '.join(f'{v:g} {k}' for k, v in told.items() if v)
        print(f"{name}: l0 {out['l0']:.2f}, closest choice {case.margin.least:.1e}; {told}",
              file=sys.stderr)
        lines.append(f'    {{"{name}", "{words}", {{')
        for key, v in out.items():
            lines.append(f'        {{"{key}", {v.size}, {at}}},')
            numbers.append((name, key, v.ravel()))
            at += v.size
        lines.append('    }},')
    print('static const double oracle_numbers[] = {')
    for name, key, v in numbers:
        print(f'    /* {name} {key} */')
        for q in range(0, len(v), 8):
            print('    ' + ' '.join(f'{x:.9g},' for x in v[q:q + 8]))
    print('};')
    print('static const OracleCase oracle_cases[] = {')
    print('\n'.join(lines))
    print('};')


if __name__ == '__main__':
    main()
