#!/usr/bin/env python3
"""differences.py DIR - computes differences.csv, purposes.csv, levels.csv and the columns lambda and basins of
stability.csv a second time, with NumPy and SciPy, from DIR's pairs.csv, plan.csv, stability.csv and groups.csv.

By the definitions of docs/methods.md, section 5. Figures must agree within 1e-9, p within 1e-9 of itself; rows must be
there exactly where a definition asks for one.
"""
import csv
import itertools
import os
import sys

import numpy as np
from intervals import holm, interval, test, variances

PURPOSES = ('init', 'data', 'anchors')
checked = faults = 0


def check(holds, what):
    global checked, faults
    checked += 1
    if not holds:
        faults += 1
        print('FAULT', what)


def same(what, mine, theirs):
    theirs = float(theirs) if theirs else np.nan
    check(abs(mine - theirs) <= 1e-9 * min(1, abs(mine)) + 1e-14 or np.isnan(mine) and np.isnan(theirs) or mine == theirs,
          f'{what}: {mine!r} here, {theirs!r} in the table')


def table(name):
    with open(os.path.join(sys.argv[1], name), newline='') as f:
        return list(csv.DictReader(f))


# --- what was run

centred = {r['model'] for r in table('plan.csv') if r['normalise.center'] == 'mean'}
runs, values = {}, {}  # model -> [(id, seeds)], (model, measure, centring) -> {(run, run): value}
for r in table('plan.csv'):
    runs.setdefault(r['model'], []).append((r['run'], tuple(r['seed_' + p] for p in PURPOSES)))
for r in table('pairs.csv'):
    if r['stage'] == 'end':
        to = values.setdefault((r['model'], r['measure'], r['centring']), {})
        to[r['run_a'], r['run_b']] = to[r['run_b'], r['run_a']] = float(r['value']) if r['value'] else np.nan
kinds = list(dict.fromkeys(k[1:] for k in values))
models = list(dict.fromkeys(k[0] for k in values))
varying = {m: [p for p in range(3) if len({s[p] for _, s in runs[m]}) > 1] for m in models}


def entering(model):
    """The most runs of which no two share a varied seed; of several such sets the first by the runs' seeds."""
    best = []

    def grow(taken, rest):
        nonlocal best
        if len(taken) > len(best):
            best = taken
        for q, one in enumerate(rest):
            if len(taken) + len(rest) - q <= len(best):
                break
            grow(taken + [one], [o for o in rest[q + 1:] if all(o[1][p] != one[1][p] for p in varying[model])])

    grow([], sorted(runs[model], key=lambda r: [-1 if s == '-' else int(s) for s in r[1]]))
    return [r for r in runs[model] if r in best]


def matrix(model, kind, chosen):
    of = values[(model, *kind)]
    return np.array([[of.get((a, b), np.nan) for b, _ in chosen] for a, _ in chosen])


def difference(a, b, kind):
    """(runs, runs, design, value, low, high, p)"""
    A, B = entering(a), entering(b)
    common = [p for p in varying[a] if p in varying[b]]
    shared = [(x, y) for x in A for y in B if common and all(x[1][p] == y[1][p] for p in common)]
    if len(shared) >= 3:
        U, v, degrees = interval(matrix(a, kind, [x for x, _ in shared]) - matrix(b, kind, [y for _, y in shared]))
        sizes = len(shared), len(shared), 'paired'
    else:
        (Ua, va, na), (Ub, vb, nb) = (interval(matrix(m, kind, c)) for m, c in ((a, A), (b, B)))
        U, v, sizes = Ua - Ub, va + vb, (len(A), len(B), 'welch')
        degrees = v * v / (va * va / na + vb * vb / nb) if v > 0 else 1
    return (*sizes, *(test(U, v, degrees) if v > 0 else (U, U, U, np.nan)))


# --- differences.csv

there = {(r['model_a'], r['model_b'], r['measure'], r['centring']): r for r in table('differences.csv')}
mine = {(a, b, *k): difference(a, b, k) for a, b in itertools.combinations(models, 2) for k in kinds}
mine = {k: d for k, d in mine.items() if not np.isnan(d[3])}
check(set(mine) == set(there), f'{len(mine)} rows of differences.csv here, {len(there)} in the table')
primary = [k for k in mine if k[2:] == ('matched_cosine', 'raw') and {k[0], k[1]} <= centred]
check(0 < len(primary) < len({k[:2] for k in mine}), 'couples with and without a primary row')
families = [primary] + [[k for k in mine if k[:2] == c and k not in primary] for c in itertools.combinations(models, 2)]
for family in families:
    for k, adjusted in zip(family, holm(np.array([mine[k][6] for k in family]))):
        r = there.get(k, {})
        check((str(mine[k][0]), str(mine[k][1]), mine[k][2]) == (r.get('runs_a'), r.get('runs_b'), r.get('design')), f'design of {k}')
        check(r.get('role') == ('primary' if k in primary else 'secondary'), f'role of {k}')
        for name, value in zip(('difference', 'low', 'high', 'p', 'p_holm'), (*mine[k][3:], adjusted)):
            same(f'{name} of {k}', value, r.get(name))

# --- purposes.csv: M by solving for V, shares as means over all orders of the purposes

there = {(r['model'], r['measure'], r['centring'], r['term']): r for r in table('purposes.csv')}
asked = 0
for (model, *kind), of in values.items():
    if (model, *kind, 'core') not in there:
        continue
    var = varying[model]
    seeds = dict(runs[model])
    block = {run: (int(s[var[0]]) - 1) // 2 for run, s in seeds.items()}  # seeds 1, 2 | 3, 4 | …
    M = {}
    for (a, b), value in of.items():
        if block[a] == block[b]:
            M.setdefault((block[a], sum(1 << i for i, p in enumerate(var) if seeds[a][p] == seeds[b][p])), []).append(value)
    sets, B = range(1 << len(var)), sorted(set(block.values()))
    M = np.array([[1 if s == sets[-1] else np.mean(M[b, s]) for s in sets] for b in B])
    if np.isnan(M).any():
        continue
    V = np.linalg.solve([[float(u & s == u) for u in sets] for s in sets], M.T).T
    share = np.zeros((len(B), len(var)))
    orders = list(itertools.permutations(range(len(var))))
    for order in orders:
        have = 0
        for who in order:
            share[:, who] += (M[:, have | 1 << who] - M[:, have]) / len(orders)
            have |= 1 << who
    terms = {'core': M[:, 0]}
    for s in sets[1:]:
        name = ','.join(PURPOSES[p] for i, p in enumerate(var) if s >> i & 1)
        terms.update({f'M({name})': M[:, s], f'V({name})': V[:, s]})
    terms.update({f'share({PURPOSES[p]})': share[:, i] for i, p in enumerate(var)})
    for term, x in terms.items():
        asked += 1
        r = there.get((model, *kind, term), {})
        half = test(0, x.var(ddof=1) / len(x), len(x) - 1)[2] if x.std() > 0 else 0
        for name, value in (('value', x.mean()), ('low', x.mean() - half), ('high', x.mean() + half), ('blocks', len(x))):
            check(abs(value - float(r.get(name) or np.nan)) < 1e-12, f'{name} of {term} of {model} {kind}: {value} against {r.get(name)}')
check(asked == len(there) and asked > 0, f'{asked} rows of purposes.csv here, {len(there)} in the table')

# --- levels.csv

stability = table('stability.csv')
level = {(r['model'], r['metric']): float(r['mean']) for r in table('groups.csv') if r['split'] == 'held_out'}
names = list(dict.fromkeys(m.split()[0] for m in models))
rows = table('levels.csv')
asked = 0
for at, (a, b), kind in itertools.product(('l0', 'r2'), itertools.combinations(names, 2), kinds):
    curves = []
    for name in (a, b):
        points = {}
        for r in stability:
            if r['model'].split()[0] == name and (r['measure'], r['centring']) == kind and r['value'] and (r['model'], at) in level:
                points.setdefault(level[r['model'], at], []).append(float(r['value']))
        curves.append(sorted((x, np.mean(y)) for x, y in points.items()))
    if not all(curves):
        continue
    low, high = max(c[0][0] for c in curves), min(c[-1][0] for c in curves)
    here = [r for r in rows if (r['model_a'], r['model_b'], r['at'], r['measure'], r['centring']) == (a, b, at, *kind)]
    xs = sorted({x for c in curves for x, _ in c if low <= x <= high})
    asked += len(xs)
    check(xs == [float(r['level']) for r in here], f'levels of {a}, {b} at {at}')
    for r in here:
        y = [np.interp(float(r['level']), *zip(*c)) for c in curves]
        for name, value in zip(('value_a', 'value_b', 'difference'), (*y, y[0] - y[1])):
            check(abs(value - float(r[name])) < 1e-12, f"{name} of {a}, {b} at {at} {r['level']}")
check(asked == len(rows) and asked > 0, f'{asked} rows of levels.csv here, {len(rows)} in the table')

# --- lambda and basins

BOUND = {5: .92805, 6: .77319, 7: .63390, 8: .53142}


def best_split(h):
    S = len(h)
    couples = list(itertools.combinations(range(S), 2))
    y = np.array([h[c] for c in couples])
    X = np.array([[float(i in c) for i in range(S)] for c in couples])
    rest = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    best = 0
    for n in range(2, S - 1):
        for part in itertools.combinations(range(S), n):
            kind = np.array([(i in part) + (j in part) for i, j in couples])
            w = np.where(kind == 1, -1 / (kind == 1).sum(), .5 / np.where(kind == 0, (kind == 0).sum(), (kind == 2).sum()))
            if w @ rest > 0:
                best = max(best, (w @ rest) ** 2 / (w @ w))
    return best / (rest @ rest) if rest @ rest > 1e-24 * (y @ y) else np.nan


for r in stability:
    h = matrix(r['model'], (r['measure'], r['centring']), entering(r['model']))
    S = len(h)
    off = h[np.triu_indices(S, 1)]
    if S < 4 or np.isnan(off).any() or np.ptp(off) < 1e-12:
        check(not r['lambda'] and not r['basins'], f"no lambda, no basins: {r['model']} {r['measure']}")
        continue
    same(f"lambda of {r['model']} {r['measure']} {r['centring']}", variances(h)[2], r['lambda'])
    check((r['basins'] == 'two') == (best_split(h) > BOUND.get(S, 2)), f"basins of {r['model']} {r['measure']} {r['centring']}: {best_split(h)}")
print(f'{checked} checked, {faults} faults')
sys.exit(faults > 0)
