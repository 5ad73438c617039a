"""Computes again, with NumPy and SciPy, what tests/cli/models.t asks about: models.py across DIR; models.py measure CSV WANT TOKENS;
models.py files CSV WANT_A WANT_B A.h5 B.h5 PLAIN.h5"""
import csv, itertools, math, sys
import h5py, numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student

checked = 0


def near(a, b, what, tolerance=2e-6):
    global checked
    checked += 1
    assert (a == '') == (b is None or np.isnan(b)) and (a == '' or abs(float(a) - b) <= tolerance), f'{what}: {b} here, {a} in the table'


def rows(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f))


def unit(D, centred):
    D = D - D.mean(0) if centred else D
    return D / np.linalg.norm(D, axis=1, keepdims=True)


def matched(A, B):
    """cosines of the matched, and who is matched"""
    C = A @ B.T
    i, j = linear_sum_assignment(-C)
    return C[i, j], i, j


def read(path, alive=None):
    with h5py.File(path) as f:
        D, scale = f['atoms'][:].astype(float), f['normalise/scale'][:]
        E = f['encoder/weight'][:].astype(float) if 'encoder/weight' in f else None
    keep = slice(None) if alive is None else alive
    return D[keep], scale, None if E is None else E[keep]


def half(h):
    """of the interval over runs of a symmetric matrix of pairs"""
    S = len(h)
    pairs = [h[p] for p in itertools.combinations(range(S), 2)]
    U = np.mean(pairs)
    means = [(h[i].sum() - h[i, i]) / (S - 1) for i in range(S)]
    J = 4 * (S - 1) / (S * (S - 2) ** 2) * sum((m - U) ** 2 for m in means)
    F = sum((p - U) ** 2 for p in pairs) / (len(pairs) * (len(pairs) - 1))
    return student.ppf(.975, S - 1) * math.sqrt(max(J, F))


def across(folder):
    runs = {}
    for r in rows(folder + '/runs.csv'):
        if r['status'] == 'done':
            where = f"{folder}/{r['model'].split()[0]}/{r['run']}/"
            alive = np.array([float(a['fired_train']) > 0 for a in rows(where + 'atoms.csv')])
            runs.setdefault(r['model'], []).append((r['seed_init'], *read(where + 'model.h5', alive), int((~alive).sum())))
    table = {(r['model_a'], r['model_b'], r['measure'], r['centring']): r for r in rows(folder + '/across.csv')}
    couples = {k[:2] for k in table}
    plan = list(runs)
    want = {(a, b) for a, b in itertools.combinations(plan, 2) if 'topk' in a or 'topk' in b}
    assert couples == want and len(want) == 5, (couples, want)
    for a, b in couples:
        scale_a, scale_b = runs[a][0][2], runs[b][0][2]
        stored = np.ptp(scale_a / scale_b) > 1e-9
        for centring in ('raw', 'centred'):
            value, whole, left, encoders = {}, {}, [], {}
            for i, (seed_a, A, sa, EA, _) in enumerate(runs[a]):
                for j, (seed_b, B, sb, EB, _) in enumerate(runs[b]):
                    if seed_a == seed_b and seed_a != '-':
                        continue
                    X, Y = (A * sa, B * sb) if stored else (A, B)
                    c, _, _ = matched(unit(X, centring == 'centred'), unit(Y, centring == 'centred'))
                    value[i, j], whole[i, j] = c.mean(), c.sum() / max(len(A), len(B))
                    left.append((max(0, len(A) - len(B)), max(0, len(B) - len(A))))
                    if EA is not None and EB is not None:
                        X, Y = (EA / sa, EB / sb) if stored else (EA, EB)
                        encoders[i, j] = matched(unit(X, centring == 'centred'), unit(Y, centring == 'centred'))[0].mean()
            r = table[a, b, 'matched_cosine', centring]
            what = f'{a}, {b}, {centring}'
            assert int(r['pairs']) == len(value), what
            near(r['value'], np.mean(list(value.values())), what)
            near(r['with_unmatched'], np.mean(list(whole.values())), 'unmatched as 0, ' + what)
            near(r['unmatched_a'], np.mean([l[0] for l in left]), 'left over of a, ' + what)
            near(r['unmatched_b'], np.mean([l[1] for l in left]), 'left over of b, ' + what)
            near(r['dead_a'], np.mean([runs[a][i][4] for i, _ in value]), 'dead of a, ' + what)
            near(table[a, b, 'matched_encoder', centring]['value'], np.mean(list(encoders.values())) if encoders else None, 'encoders, ' + what)
            assert ('encoder' in table[a, b, 'matched_encoder', centring]['note']) == (not encoders), what
            assert ('as stored' in r['note']) == stored, what
            n = len(runs[a])
            if min(n, len(runs[b])) == 1:
                v = list(value.values())
                h = student.ppf(.975, len(v) - 1) * np.std(v, ddof=1) / math.sqrt(len(v))
            else:
                h = half(np.array([[0 if i == j else (value[i, j] + value[j, i]) / 2 for j in range(n)] for i in range(n)]))
            near(r['low'], np.mean(list(value.values())) - h, 'low, ' + what)
            near(r['high'], np.mean(list(value.values())) + h, 'high, ' + what)
            assert (r['null_gaussian'] == '') == stored and 0 < float(r['null_random']) < 1, what
            assert '2 of 2 runs failed' not in r['note']
    # the null of unequal sizes: random directions, 24 atoms against 16 (those that live)
    (a, b), = [k for k in couples if k[0].startswith('topk') and k[1].startswith('topk')]
    rng, v = np.random.default_rng(0), []
    sizes = [round(np.mean([len(r[1]) for r in runs[m]])) for m in (a, b)]
    for _ in range(300):
        v.append(matched(*(unit(rng.standard_normal((m, 16)), False) for m in sizes))[0].mean())
    near(table[a, b, 'matched_cosine', 'raw']['null_random'], np.mean(v), 'null of two sizes', .01)


def measure(path, want, tokens):
    table = {(r['metric'], r['setting']): r for r in rows(path)}
    assert {r['split'] for r in table.values()} == {'all'}
    want, X = np.load(want), np.load(tokens).astype(float)
    z, Y = want['z'], want['x']
    near(table['mse', '']['value'], ((X - Y) ** 2).mean(), 'mse')
    near(table['r2', '']['value'], 1 - ((X - Y) ** 2).sum() / ((X - X.mean(0)) ** 2).sum(), 'r2')
    near(table['l0', '']['value'], (z != 0).sum(1).mean(), 'l0')
    near(table['dead', '']['value'], (~(z > 0).any(0)).mean(), 'dead')


def files(path, want_a, want_b, a, b, plain):
    table = {(r['model_a'], r['model_b'], r['measure'], r['centring']): r for r in rows(path)}
    z = {a: np.load(want_a)['z'], b: np.load(want_b)['z'], plain: None}
    model = {f: read(f, None if z[f] is None else (z[f] > 0).any(0)) for f in (a, b, plain)}
    for x, y in ((a, b), (a, plain), (b, plain)):
        (A, _, EA), (B, _, EB) = model[x], model[y]
        for centring in ('raw', 'centred'):
            U, V = unit(A, centring == 'centred'), unit(B, centring == 'centred')
            c, i, j = matched(U, V)
            r = table[x, y, 'matched_cosine', centring]
            near(r['value'], c.mean(), 'matched')
            near(r['with_unmatched'], c.sum() / max(len(A), len(B)), 'unmatched as 0')
            near(r['matched'], len(c), 'how many')
            near(r['unmatched_a'], max(0, len(A) - len(B)), 'left over')
            near(r['unmatched_b'], max(0, len(B) - len(A)), 'left over')
            C = U @ V.T
            near(table[x, y, 'max_cosine', centring]['value'], (C.max(1).mean() + C.max(0).mean()) / 2, 'maxima')
            assert table[x, y, 'max_cosine', centring]['with_unmatched'] == ''
            near(table[x, y, 'matched_encoder', centring]['value'],
                 None if EB is None else matched(unit(EA, centring == 'centred'), unit(EB, centring == 'centred'))[0].mean(), 'encoders')
            codes = None
            if EB is not None:
                za, zb = (z[f][:, (z[f] > 0).any(0)] for f in (x, y))
                one = [np.corrcoef(za[:, p], zb[:, q])[0, 1] if za[:, p].std() and zb[:, q].std() else 0 for p, q in zip(i, j)]
                codes = np.mean(one)
            near(table[x, y, 'code_correlation', centring]['value'], codes, 'codes')
            assert 'given' not in r['note'] and float(r['null_tokens']) > 0


globals()[sys.argv[1]](*sys.argv[2:])
print(f'{checked} checked')
