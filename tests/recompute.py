#!/usr/bin/env python3
"""recompute.py DIR TOKENS.npy GROUPS.npy [TRUTH.npy] - computes a run folder's figures a second time, with NumPy and SciPy alone.

Every finished run of DIR must have been exported: `ardis export RUN --to npy` (RUN/model.npy) and the same of initial.h5
(RUN/initial.npy), and its anchors beside theirs (anchors/<id>.npy). Archetypal atoms must lie where they may. From these arrays and the tokens this script computes, by the definitions of docs/methods.md in
float64, r2, r2_scalar, mse, cosine, l0, l1 and dead of each run, the values of each pair of runs at the end, at step 0 and
along training (RUN/snapshots.npy/<step>.npy, where they are), their intervals and what stands beside them, and groups' means,
and says where the tables differ by more than 1e-5 (of a figure above 1, relatively). The nulls are
simulated afresh with other random numbers, until the standard error is .002 (120 pairs at most), and must agree within .01; those of the first
number of living atoms only, for the time they take (with TEST_LONG=1: of three).
With ONLY=MODEL in the environment that model alone is checked. TRUTH.npy, if given, holds the atoms that the tokens were made of.
"""
import csv
import itertools
import os
import sys

os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
import numpy as np
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student

checked = faults = 0
MEASURES = ('matched_cosine', 'max_cosine', 'matched_share', 'matched_absolute', 'max_cosine_quantile', 'subspace', 'gt_mcc', 'recurrence', 'stable_subspace',
            'matched_encoder', 'matched_both', 'shared_features', 'code_correlation', 'code_jaccard', 'code_best')
CENTRINGS = ('raw', 'centred', 'projected')
RAW_ONLY = ('code_best',)
NO_DEAD = ('subspace', 'stable_subspace')
truth = None


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
    first, snapshots = arrays(os.path.join(here, 'initial.npy')), os.path.join(here, 'snapshots.npy')
    mean = X.mean(0) / m['normalise_scale']
    return {'end': one_side(row, m, x[held], alive), 'initial': one_side(row, first, x[held], alive), 'alive': alive, 'train': x[~held], 'held': x[held],
            'snapshots': {0: first['atoms'][alive], **{int(k): v[alive] for k, v in arrays(snapshots).items()}} if os.path.isdir(snapshots) else {},
            'tokens centred': row['normalise.center'] == 'mean', 'direction': mean / np.linalg.norm(mean), 'truth': None if truth is None else truth / m['normalise_scale']}


def one_side(row, m, x, alive):
    """The living atoms of a model, their encoder rows and codes on the held-out tokens, and how many atoms it has."""
    encoder = m.get('encoder_weight')
    return {'atoms': m['atoms'][alive], 'encoder': None if encoder is None else encoder[alive], 'codes': codes(row, m, x)[:, alive],
            'm': len(alive)}


# --- pairs

def unit(M):
    return M / np.maximum(np.linalg.norm(M, axis=1, keepdims=True), 1e-300)


def prepare(M, centring, direction):
    if centring == 'centred':
        M = M - M.mean(0)
    if centring == 'projected':
        M = M - np.outer(M @ direction, direction)
    return unit(M)


def match(S):
    rows, columns = linear_sum_assignment(S, maximize=True)
    return dict(zip(rows, columns)), S[rows, columns]


def leading(U, q=8):
    d = U.shape[1]
    return eigh(U.T @ U, subset_by_index=[max(0, d - q), d - 1])[1].T


def code_figures(Z, Y, partner, of, of_a, of_b, raw):
    """Correlations over all pairs of atoms, in one product; an atom that never changes correlates with none."""
    n = len(Z)
    sz, sy = Z.std(0), Y.std(0)
    C = (Z.T @ Y / n - np.outer(Z.mean(0), Y.mean(0))) / np.where(np.outer(sz, sy) > 0, np.outer(sz, sy), np.inf)
    i, j = np.array([*partner.items()]).T
    fz, fy = (Z != 0)[:, i], (Y != 0)[:, j]
    both = (fz & fy).sum(0) / np.maximum((fz | fy).sum(0), 1)
    figures = {'code_correlation': C[i, j].sum() / of, 'code_jaccard': both.sum() / of}
    if raw:
        figures['code_best'] = (C.max(1).sum() / of_a + C.max(0).sum() / of_b) / 2
    return figures


def pair_values(a, b, centring, direction, true_atoms=None, dead=False):
    """All measures of two sides; dead: the atoms left out count as 0."""
    A, B = prepare(a['atoms'], centring, direction), prepare(b['atoms'], centring, direction)
    of_a, of_b = (a['m'], b['m']) if dead else (len(A), len(B))
    of, S = min(of_a, of_b), A @ B.T
    partner, matched = match(S)
    largest = np.concatenate([S.max(1), S.max(0), np.zeros(of_a - len(A) + of_b - len(B))])
    values = {'matched_cosine': matched.sum() / of, 'max_cosine': (S.max(0).sum() / of_b + S.max(1).sum() / of_a) / 2,
              'matched_share': (matched >= .7).sum() / of, 'matched_absolute': match(abs(S))[1].sum() / of,
              'max_cosine_quantile': np.quantile(largest, .5)}
    nearest = S.argmax(1)
    mutual = sum(S[:, j].argmax() == i and S[i, j] >= .7 for i, j in enumerate(nearest))
    values['recurrence'] = (mutual / of_a + mutual / of_b) / 2
    if not dead:
        values['subspace'] = (((leading(A) @ leading(B).T) ** 2).sum() / min(8, len(A), len(B)))
    if true_atoms is not None:
        T = prepare(true_atoms, centring, direction)
        values['gt_mcc'] = sum(match(M @ T.T)[1].sum() / min(k, len(T)) for M, k in ((A, of_a), (B, of_b))) / 2
    if a.get('encoder') is not None:
        E = prepare(a['encoder'], centring, direction) @ prepare(b['encoder'], centring, direction).T
        other, best = match(E)
        values['matched_encoder'], values['matched_both'] = best.sum() / of, match((S + E) / 2)[1].sum() / of
        values['shared_features'] = sum(other.get(i) == j and S[i, j] >= .7 and E[i, j] >= .7 for i, j in partner.items()) / of
    if 'codes' in a:
        values.update(code_figures(a['codes'], b['codes'], partner, of, of_a, of_b, centring == 'raw'))
    return values


def stable_subspaces(sides, centring, direction, q=8):
    """Of each pair of sides the mean squared cosine of the principal angles of the q atoms of each that all sides but these two have best."""
    U = [prepare(s['atoms'], centring, direction) for s in sides]
    cosine = {}  # of each atom of i with its match in j
    for i, j in itertools.permutations(range(len(U)), 2):
        S = U[i] @ U[j].T
        cosine[i, j] = np.zeros(len(S))
        a, b = linear_sum_assignment(S, maximize=True)
        cosine[i, j][a] = np.round(S[a, b] * 65536)  # what differs by rounding alone is equal
    values = {}
    for i, j in itertools.combinations(range(len(U)), 2):
        others = [r for r in range(len(U)) if r not in (i, j)]
        if others:
            bases = [np.linalg.qr(U[r][np.argsort(-np.mean([cosine[r, o] for o in others], axis=0), kind='stable')[:q]].T)[0] for r in (i, j)]
            values[i, j] = (np.linalg.svd(bases[0].T @ bases[1], compute_uv=False) ** 2).mean()
    return values


def effective_rank(M):
    s = np.linalg.svd(unit(M), compute_uv=False)
    p = s[s > 0] / s.sum()
    return np.exp(-(p * np.log(p)).sum())


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


def largest_codes(atoms, x, active):
    """As many codes of a token as there are active: the largest positive products with the unit atoms."""
    z = np.maximum(x @ unit(atoms).T, 0)
    np.put_along_axis(z, np.argpartition(-z, active, axis=1)[:, active:], 0, axis=1)
    return z


def null_means(m, x, held, active, runs, direction, true_atoms):
    """Fresh nulls of m atoms: isotropic directions, directions with the tokens' mean and covariance, random tokens; the encoder is the
    unit atoms, and codes are as many as the model has. A set of dictionaries at a time, for those chosen by others."""
    random = np.random.default_rng(m)
    d, mean, covariance = x.shape[1], x.mean(0), np.cov(x.T, bias=True)
    kinds = {'random': lambda: random.standard_normal((m, d)),
             'gaussian': lambda: random.multivariate_normal(mean, covariance, m),
             'tokens': lambda: x[random.choice(len(x), m, replace=False)]}
    names = [k for k in MEASURES if k != 'gt_mcc' or true_atoms is not None]
    means = {}
    for kind, draw in kinds.items():
        rows = []
        while len(rows) < 16 or len(rows) < 120 and np.nanmax(np.nan_to_num(np.std(rows, axis=0))) / np.sqrt(len(rows)) > .002:
            sides = [{'atoms': D, 'm': m, 'encoder': unit(D)} for D in (draw() for _ in range(min(runs, 6)))]
            for side in sides[:2]:
                side['codes'] = largest_codes(side['atoms'], held, active)
            values = [pair_values(*sides[:2], c, direction, true_atoms) for c in CENTRINGS]
            for v, c in zip(values, CENTRINGS):
                v['stable_subspace'] = np.mean([*stable_subspaces(sides, c, direction).values()] or [np.nan])
            rows.append([v.get(k, np.nan) for v in values for k in names])
        for (c, k), value in zip(itertools.product(CENTRINGS, names), np.mean(rows, axis=0)):
            means[kind, c, k] = value
    return means


def mean_of(values):
    return np.mean([v for v in values])


def check_beside(model, runs, rows, centring, tokens_centred):
    """What stands beside the figures: end against start, dead atoms counted as 0, nearest atoms, rank, role."""
    direction, true_atoms = runs[0][1]['direction'], runs[0][1]['truth']
    ends, starts = [r['end'] for _, r in runs], [r['initial'] for _, r in runs]
    pairs = list(itertools.combinations(range(len(runs)), 2))
    cross = [pair_values(ends[i], starts[j], centring, direction, true_atoms) for i, j in ((i, (i + 1) % len(ends)) for i in range(len(ends)))]
    dead = [pair_values(ends[i], ends[j], centring, direction, true_atoms, dead=True) for i, j in pairs]
    nearest = []
    for e in ends:
        U = prepare(e['atoms'], centring, direction)
        S = U @ U.T
        np.fill_diagonal(S, -2)
        nearest.append(S.max(1).mean())
    rank = np.mean([effective_rank(e['atoms']) for e in ends])
    for k, row in rows.items():
        what = f'{model} {k} {centring}'
        if k in cross[0]:
            same(what + ' end_start', mean_of(v[k] for v in cross), row['end_start'])
        if k in dead[0] and k not in NO_DEAD:
            same(what + ' with_dead', mean_of(v[k] for v in dead), row['with_dead'])
        same(what + ' nearest', np.mean(nearest), row['nearest'])
        same(what + ' effective_rank', rank, row['effective_rank'])
        same(what + ' role', float((k, centring) == ('matched_cosine', 'raw') and tokens_centred), str(float(row['role'] == 'primary')))


def check_trajectory(model, runs, trajectory):
    n = len(runs)
    steps = sorted(set.intersection(*(set(r['snapshots']) for _, r in runs)))
    rows = {(int(r['step']), r['centring']): r for r in trajectory if r['model'] == model}
    same(f'{model}: rows of trajectory.csv', 2 * len(steps), str(len(rows)))
    for step, centring in itertools.product(steps, CENTRINGS[:2]):
        h = np.zeros((n, n))
        for i, j in itertools.combinations(range(n), 2):
            A, B = (prepare(runs[q][1]['snapshots'][step], centring, None) for q in (i, j))
            h[i, j] = h[j, i] = match(A @ B.T)[1].mean()
        U, half = interval(h)
        row = rows.get((step, centring), {'value': '', 'low': '', 'high': ''})
        for name, value in (('value', U), ('low', U - half), ('high', U + half)):
            if value == value:
                same(f'{model} {centring} trajectory at step {step}: {name}', value, row[name])


def check_group(model, runs, stability, pairs, nulls, trajectory):
    """runs: (id, what check_run gave) of one model; all their varied seeds are distinct."""
    n = len(runs)
    living = int(np.floor(np.mean([r['alive'].sum() for _, r in runs]) + .5))
    active = max(1, int(np.mean([(r['end']['codes'] != 0).sum(1).mean() for _, r in runs]) + .5))
    direction, true_atoms = runs[0][1]['direction'], runs[0][1]['truth']
    check_trajectory(model, runs, trajectory)
    for centring in CENTRINGS:
        rows = {r['measure']: r for r in stability if (r['model'], r['centring']) == (model, centring)}
        wanted = {k for k in MEASURES if centring == 'raw' or k not in RAW_ONLY}
        same(f'{model} {centring}: measures', len(wanted), str(len(wanted & set(rows))))
        for stage in ('end', 'initial'):
            h = {k: np.full((n, n), np.nan) for k in wanted}
            chosen = stable_subspaces([r[stage] for _, r in runs], centring, direction)
            for i, j in itertools.combinations(range(n), 2):
                values = pair_values(*(runs[q][1][stage] for q in (i, j)), centring, direction, true_atoms)
                values.update({'stable_subspace': chosen[i, j]} if chosen else {})
                for k, value in values.items():
                    h[k][i, j] = h[k][j, i] = value
                    same(f'pairs.csv {model} {k} {centring} {stage}', value, pairs.get((model, runs[i][0], runs[j][0], k, centring, stage)))
            for k in wanted:
                U, half = interval(np.where(np.eye(n) > 0, 0, h[k]))
                if np.isnan(U):
                    same(f'{model} {k} {centring} {stage}: no value', 0, str(len(rows[k]['value' if stage == 'end' else 'initial'])))
                    continue
                same(f'{model} {k} {centring} {stage}', U, rows[k]['value' if stage == 'end' else 'initial'])
                if stage == 'end' and n > 2:
                    same(f'{model} {k} {centring} low', U - half, rows[k]['low'])
                    same(f'{model} {k} {centring} high', U + half, rows[k]['high'])
        check_beside(model, runs, rows, centring, runs[0][1]['tokens centred'])
        for k in wanted:
            same(f'{model} dead', np.mean([(~r['alive']).sum() for _, r in runs]), rows[k]['dead'])
            if (living, active) not in nulls:
                enough = len(nulls) == (3 if os.environ.get('TEST_LONG') else 1) or 'ONLY' in os.environ
                nulls[living, active] = {} if enough else null_means(living, runs[0][1]['train'], runs[0][1]['held'], active, n, direction, true_atoms)
            for kind in ('random', 'gaussian', 'tokens'):
                mine = nulls[living, active].get((kind, centring, k), np.nan)
                if mine == mine and rows[k]['value']:
                    same(f'{model} {k} {centring} null_{kind} of {living} atoms', mine, rows[k]['null_' + kind], .01)
                elif not rows[k]['value']:
                    same(f'{model} {k} {centring}: no null_{kind}', 0, str(len(rows[k]['null_' + kind])))


def main(folder, tokens, groups, true_atoms=None):
    global truth
    truth = None if true_atoms is None else np.load(true_atoms).astype(np.float64)
    X, groups = np.load(tokens).astype(np.float64), np.load(groups)
    held = np.isin(groups, [int(r['group']) for r in table(folder, 'held_out.csv')])
    plan = {r['run']: r for r in table(folder, 'plan.csv')}
    models, figures = {}, {r['run']: r for r in table(folder, 'runs.csv')}
    for run, row in figures.items():
        if row['status'] == 'done' and os.environ.get('ONLY', row['model']) == row['model']:
            models.setdefault(row['model'], []).append((run, check_run(folder, plan[run], row, X, held)))
    stability, trajectory, nulls = table(folder, 'stability.csv'), table(folder, 'trajectory.csv'), {}
    pairs = {(r['model'], r['run_a'], r['run_b'], r['measure'], r['centring'], r['stage']): r['value'] for r in table(folder, 'pairs.csv')}
    for model, runs in models.items():
        if len(runs) > 1:
            check_group(model, runs, stability, pairs, nulls, trajectory)
    for g in table(folder, 'groups.csv'):
        if g['model'] not in models:
            continue
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
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
    print(f'{checked} figures, {faults} faults')
    sys.exit(1 if faults or not checked else 0)
