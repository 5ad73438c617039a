#!/usr/bin/env python3
"""recompute.py DIR TOKENS.npy GROUPS.npy - computes a run folder's figures a second time, with NumPy and SciPy alone.

Every finished run of DIR must have been exported: `ardis export RUN --to npy` (RUN/model.npy) and the same of initial.h5
(RUN/initial.npy), and its anchors beside theirs (anchors/<id>.npy). Archetypal atoms must lie where they may. From these arrays and the tokens this script computes, by the definitions of docs/methods.md in
float64, r2, r2_scalar, mse, cosine, l0, l1 and dead of each run, the values of each pair of runs, their intervals and
groups' means, and says where the tables differ by more than 1e-5 (of a figure above 1, relatively). The nulls are
simulated afresh with other random numbers, until the standard error is .002, and must agree within .01.
"""
import csv
import itertools
import os
import sys

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student

checked = faults = 0
MEASURES = ('matched_cosine', 'max_cosine', 'matched_share')


def same(what, mine, theirs, bound=1e-5):
    global checked, faults
    checked += 1
    theirs = float(theirs) if theirs else np.nan
    if not abs(mine - theirs) <= bound * max(1, abs(mine)):
        faults += 1
        print(f'FAULT {what}: {mine:.9g} here, {theirs:.9g} in the table')


def table(*path):
    with open(os.path.join(*path), newline='') as f:
        return list(csv.DictReader(f))


def arrays(folder):
    return {name[:-4]: np.load(os.path.join(folder, name)).astype(np.float64) for name in os.listdir(folder)}


# --- one run

def codes(row, m, x):
    if row['method'] == 'kmeans':
        distance = ((x[:, None, :] - m['atoms']) ** 2).sum(2) if len(x) * m['atoms'].size < 2e8 else \
            (m['atoms'] ** 2).sum(1) - 2 * x @ m['atoms'].T
        return np.eye(len(m['atoms']))[distance.argmin(1)]
    z = np.maximum((x - m['bias']) @ m['encoder_weight'].T + m['encoder_bias'], 0)
    if row['code.name'] == 'topk':
        order = np.argsort(-z, axis=1, kind='stable')[:, int(row['code.k']):]
        np.put_along_axis(z, order, 0, axis=1)
    return z


def run_figures(row, m, x):
    z = codes(row, m, x)
    y = z @ m['atoms'] + m.get('bias', 0)
    error = ((x - y) ** 2).sum()
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return z, {'r2': 1 - error / ((x - x.mean(0)) ** 2).sum(), 'r2_scalar': 1 - error / ((x - x.mean()) ** 2).sum(),
               'mse': error / x.size, 'l0': (z > 0).sum(1).mean(), 'l1': np.abs(z).sum(1).mean(),
               'cosine': np.where(lengths > 0, (x * y).sum(1) / np.maximum(lengths, 1e-300), 0).mean()}


def check_hull(folder, row, m):
    """Rows of W on the simplex, atoms = e^s (W C + L) with rows of L no longer than delta; s from the arrays themselves."""
    global checked, faults
    C = arrays(os.path.join(folder, 'anchors', row['anchors'] + '.npy'))['atoms']
    W, L = m['W'], m.get('relaxation', np.zeros_like(m['atoms']))
    inner = W @ C + L
    scale = (m['atoms'] * inner).sum() / (inner ** 2).sum() if row['atoms.name'] == 'hull_relaxed' else 1
    delta = float(row.get('atoms.delta') or 0)
    for what, holds in (('W is negative', W.min() >= 0), ('a row of W does not sum to 1', abs(W.sum(1) - 1).max() <= 1e-5),
                        ('a row of the relaxation is longer than delta', np.linalg.norm(L, axis=1).max() <= delta * (1 + 1e-5)),
                        ('atoms are not W C + L', abs(m['atoms'] - scale * inner).max() <= 2e-6 * abs(inner).max() * scale * len(C) ** .5)):
        checked += 1
        if not holds:
            faults += 1
            print(f"FAULT {row['model']} {row['run']}: {what}")


def check_run(folder, row, runs_row, X, held):
    """The atoms at the end and at step 0, those that live, and the normalisation."""
    here = os.path.join(folder, row['model'].split()[0], row['run'])
    m = arrays(os.path.join(here, 'model.npy'))
    x = (X - m['normalise_mean']) / m['normalise_scale']
    metrics = {(r['metric'], r['split']): r['value'] for r in table(here, 'metrics.csv') if not r['setting']}
    for split, side in (('train', ~held), ('held_out', held)):
        z, mine = run_figures(row, m, x[side])
        for name, value in mine.items():
            same(f"{row['model']} {row['run']} {name} {split}", value, metrics.get((name, split)))
            same(f"runs.csv {row['model']} {row['run']} {name} {split}", value, runs_row[name + ('_train' if split == 'train' else '')])
        if split == 'train':
            alive = (z > 0).any(0)
    same(f"{row['model']} {row['run']} dead", (~alive).mean(), metrics.get(('dead', 'train')))
    same(f"runs.csv {row['model']} {row['run']} dead", (~alive).mean(), runs_row['dead'])
    atoms = table(here, 'atoms.csv')
    same(f"{row['model']} {row['run']}: living atoms of atoms.csv", alive.sum(), str(sum(int(a['fired_train']) > 0 for a in atoms)))
    if 'W' in m:
        check_hull(folder, row, m)
    return {'end': m['atoms'], 'initial': arrays(os.path.join(here, 'initial.npy'))['atoms'], 'alive': alive, 'train': x[~held]}


# --- pairs

def pair_values(A, B, centring):
    if centring == 'centred':
        A, B = A - A.mean(0), B - B.mean(0)
    A, B = (M / np.maximum(np.linalg.norm(M, axis=1, keepdims=True), 1e-300) for M in (A, B))
    S = A @ B.T
    matched = S[linear_sum_assignment(S, maximize=True)]
    return {'matched_cosine': matched.mean(), 'max_cosine': (S.max(0).mean() + S.max(1).mean()) / 2, 'matched_share': (matched >= .7).mean()}


def interval(h):
    """Mean over pairs, and the half width of the interval over runs (docs/methods.md, section 5)."""
    S = len(h)
    pairs = h[np.triu_indices(S, 1)]
    U, P = pairs.mean(), len(pairs)
    if S < 3:
        return U, np.nan
    runs = (h.sum(1) - h.diagonal()) / (S - 1)
    J = 4 * (S - 1) / (S * (S - 2) ** 2) * ((runs - U) ** 2).sum()
    F = ((pairs - U) ** 2).sum() / (P * (P - 1))
    return U, student.ppf(.975, S - 1) * np.sqrt(max(J, F))


def null_means(m, x):
    """Fresh nulls of m atoms: isotropic directions, directions with the tokens' mean and covariance, random tokens."""
    random = np.random.default_rng(m)
    d, mean, covariance = x.shape[1], x.mean(0), np.cov(x.T, bias=True)
    kinds = {'random': lambda: random.standard_normal((m, d)),
             'gaussian': lambda: random.multivariate_normal(mean, covariance, m),
             'tokens': lambda: x[random.choice(len(x), m, replace=False)]}
    means = {}
    for kind, draw in kinds.items():
        rows = []
        while len(rows) < 16 or len(rows) < 3000 and np.std(rows, axis=0).max() / np.sqrt(len(rows)) > .002:
            A, B = draw(), draw()
            rows.append([pair_values(A, B, c)[k] for c in ('raw', 'centred') for k in MEASURES])
        for (c, k), value in zip(itertools.product(('raw', 'centred'), MEASURES), np.mean(rows, axis=0)):
            means[kind, c, k] = value
    return means


def check_group(model, runs, stability, pairs, nulls):
    """runs: (id, what check_run gave) of one model; all their varied seeds are distinct."""
    n = len(runs)
    living = int(np.floor(np.mean([r['alive'].sum() for _, r in runs]) + .5))
    for centring in ('raw', 'centred'):
        rows = {r['measure']: r for r in stability if (r['model'], r['centring']) == (model, centring)}
        for stage in ('end', 'initial'):
            h = {k: np.zeros((n, n)) for k in MEASURES}
            for i, j in itertools.combinations(range(n), 2):
                A, B = (runs[q][1][stage][runs[q][1]['alive']] for q in (i, j))
                for k, value in pair_values(A, B, centring).items():
                    h[k][i, j] = h[k][j, i] = value
                    same(f'pairs.csv {model} {k} {centring} {stage}', value, pairs.get((model, runs[i][0], runs[j][0], k, centring, stage)))
            for k in MEASURES:
                U, half = interval(h[k])
                same(f'{model} {k} {centring} {stage}', U, rows[k]['value' if stage == 'end' else 'initial'])
                if stage == 'end' and n > 2:
                    same(f'{model} {k} {centring} low', U - half, rows[k]['low'])
                    same(f'{model} {k} {centring} high', U + half, rows[k]['high'])
        for k in MEASURES:
            same(f'{model} dead', np.mean([(~r['alive']).sum() for _, r in runs]), rows[k]['dead'])
            if living not in nulls:
                nulls[living] = null_means(living, runs[0][1]['train'])
            for kind in ('random', 'gaussian', 'tokens'):
                same(f'{model} {k} {centring} null_{kind} of {living} atoms', nulls[living][kind, centring, k], rows[k]['null_' + kind], .01)


def main(folder, tokens, groups):
    X, groups = np.load(tokens).astype(np.float64), np.load(groups)
    held = np.isin(groups, [int(r['group']) for r in table(folder, 'held_out.csv')])
    plan = {r['run']: r for r in table(folder, 'plan.csv')}
    models, figures = {}, {r['run']: r for r in table(folder, 'runs.csv')}
    for run, row in figures.items():
        if row['status'] == 'done':
            models.setdefault(row['model'], []).append((run, check_run(folder, plan[run], row, X, held)))
    stability, nulls = table(folder, 'stability.csv'), {}
    pairs = {(r['model'], r['run_a'], r['run_b'], r['measure'], r['centring'], r['stage']): r['value'] for r in table(folder, 'pairs.csv')}
    for model, runs in models.items():
        if len(runs) > 1:
            check_group(model, runs, stability, pairs, nulls)
    for g in table(folder, 'groups.csv'):
        column = g['metric'] if g['split'] == 'held_out' or g['metric'] + '_train' not in next(iter(figures.values())) else g['metric'] + '_train'
        values = [float(figures[run][column]) for run, _ in models[g['model']]]
        n, mean = len(values), np.mean(values)
        same(f"groups.csv {g['model']} {column}", mean, g['mean'])
        if n > 1:
            sd = np.std(values, ddof=1)
            half = student.ppf(.975, n - 1) * sd / np.sqrt(n)
            for name, value in (('sd', sd), ('low', mean - half), ('high', mean + half)):
                same(f"groups.csv {g['model']} {column} {name}", value, g[name])


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
    print(f'{checked} figures, {faults} faults')
    sys.exit(1 if faults or not checked else 0)
