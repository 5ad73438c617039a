#!/usr/bin/env python3
"""intervals.py >tests/interval_values.h - intervals, tests and variances of pairs of runs, by NumPy and SciPy.

Written from docs/methods.md with other means than the program's: the variances of run effects and of pairs by least
squares on a design matrix, Student's t by SciPy, Holm's adjustment from its definition, the effects of purposes from a
system of linear equations (M(s) = sum of V(u) over u in s) and the shares as Shapley values over all orders.
"""
import itertools

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student

def emit(name, values):
    flat = np.asarray(values, float).ravel()
    print(f'static const double {name}[{len(flat)}] = {{' + ', '.join('(double)NAN' if np.isnan(x) else repr(float(x)) for x in flat) + '};')


def pairs(rng, S, run, pair):
    a, h = rng.normal(0, run, S), np.zeros((S, S))
    for i, j in itertools.combinations(range(S), 2):
        h[i, j] = h[j, i] = round(.6 + a[i] + a[j] + rng.normal(0, pair), 6)
    return h


def interval(h):
    S = len(h)
    value = np.array([h[i, j] for i, j in itertools.combinations(range(S), 2)])
    own = np.array([np.delete(h[i], i).mean() for i in range(S)])
    P, U = len(value), value.mean()
    J = 4 * (S - 1) / (S * (S - 2) ** 2) * ((own - U) ** 2).sum()
    F = ((value - U) ** 2).sum() / (P * (P - 1))
    return U, max(J, F), S - 1


def variances(h):
    """Run effects with sum 0 and their residuals; what both are expected to be decides the estimates."""
    S = len(h)
    couples = list(itertools.combinations(range(S), 2))
    X = np.zeros((len(couples), S))
    for row, (i, j) in enumerate(couples):
        X[row, [i, j]] = 1
    y = np.array([h[c] for c in couples])
    one = np.ones((len(y), 1)) / len(y) ** .5
    fit = np.linalg.lstsq(X, y, rcond=None)[0]
    pair = ((y - X @ fit) ** 2).sum() / (len(y) - S)
    # expected sum of squares of the fit about the mean: trace of its projection times each covariance
    H = X @ np.linalg.pinv(X) - one @ one.T
    between = y @ H @ y
    run = (between - pair * np.trace(H)) / np.trace(H @ X @ X.T)
    return run, pair, max(run, 0) / pair


def quantile(degrees):
    """SciPy's own is good to 1e-10 only where the degrees are no whole number; a root of its tail is."""
    return brentq(lambda t: student.sf(t, degrees) - .025, 1, 100, xtol=1e-15, rtol=1e-15)


def test(U, variance, degrees):
    half = quantile(degrees) * variance ** .5
    return U, U - half, U + half, 2 * student.sf(abs(U) / variance ** .5, degrees)


def holm(p):
    out = np.full(len(p), np.nan)
    real = [i for i in range(len(p)) if not np.isnan(p[i])]
    for i in real:
        out[i] = min(1, max(sum(q >= p[j] for q in p[real]) * p[j] for j in real if p[j] <= p[i]))
    return out


def main():
    rng = np.random.default_rng(5)
    print('/* Written by tests/oracle/intervals.py: intervals, tests and variances by NumPy and SciPy. */\n#pragma once\n#include <math.h>\n')
    tails = [(t, nu) for t in (0, .01, .5, 1, 2.5, 6, 40, 1e4) for nu in (1, 2, 2.7, 5, 30, 1234.5)]
    emit('tails', [(t, nu, student.sf(t, nu)) for t, nu in tails])
    a, b, c = pairs(rng, 5, .03, .02), pairs(rng, 5, .05, .02), pairs(rng, 7, .04, .03)
    still = pairs(rng, 6, 0, .05)
    for name, h in (('pairs_a', a), ('pairs_b', b), ('pairs_c', c), ('pairs_d', still)):
        emit(name, h)
        print(f'#define {name.upper()} {len(h)}')
        emit(name + '_known', [*interval(h)[:2], variances(h)[2]])
    emit('paired_known', test(*interval(a - b)))
    (Ua, va, na), (Uc, vc, nc) = interval(a), interval(c)
    emit('welch_known', test(Ua - Uc, va + vc, (va + vc) ** 2 / (va ** 2 / na + vc ** 2 / nc)))
    p = np.array([.04, .001, np.nan, .03, .2, .001, .9, .012])
    emit('holm_p', p)
    emit('holm_known', holm(p))
    M = np.array([.21, .33, .27, .52, .22, .41, .25, 1.])
    sets = range(8)
    V = np.linalg.solve([[float(u & s == u) for u in sets] for s in sets], M)
    share = np.zeros(3)
    for order in itertools.permutations(range(3)):
        have = 0
        for who in order:
            share[who] += (M[have | 1 << who] - M[have]) / 6
            have |= 1 << who
    emit('purposes_m', M)
    emit('purposes_v', V)
    emit('purposes_share', share)
    block = rng.normal(.3, .1, 5).round(6)
    emit('blocks', block)
    emit('blocks_known', [block.mean(), *student.interval(.95, 4, block.mean(), block.std(ddof=1) / 5 ** .5)])


if __name__ == '__main__':
    main()
