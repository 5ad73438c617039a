#!/usr/bin/env python3
"""classical.py > tests/data/classical.h - what classical methods must find, by NumPy, SciPy and scikit-learn in float64.

The tokens are written again from the integers that tests/unit/learn_classical.c makes them of. Needs scikit-learn; the
test reads the numbers alone.
"""
import numpy as np

N, D, M = 2500, 6, 3


def noise(k):
    """Numbers in [0, 1) from whole numbers k, as the test's noise()."""
    k = np.asarray(k, dtype=np.uint64)
    with np.errstate(over='ignore'):
        k = (k ^ (k >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        k = (k ^ (k >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        k = k ^ (k >> np.uint64(32))
    return (k >> np.uint64(11)).astype(np.float64) / 2.0**53


def tokens():
    t, i = np.arange(N)[:, None], np.arange(D)[None, :]
    x = 0.1 * noise(t * D + i + 1)
    for f in range(M):
        x = x + (f + 1) * (lambda u: u * u * u)(noise(1000000 + t * M + f)) * noise(2000000 + f * D + i)
    return x.astype(np.float32).astype(np.float64)


def settled(rows):
    """Each row with its largest entry positive."""
    rows = np.array(rows)
    top = np.abs(rows).argmax(1)
    return rows * np.sign(rows[np.arange(len(rows)), top])[:, None]


def show(name, array):
    array = np.atleast_2d(array)
    print(f'static const double {name}[{array.size}] = {{')
    for row in array:
        print('    ' + ', '.join(f'{x:.10g}' for x in row) + ',')
    print('};')


def pca(X):
    from sklearn.decomposition import PCA, TruncatedSVD
    p = PCA(M, svd_solver='full').fit(X)
    atoms = settled(p.components_)
    show('oracle_pca_atoms', atoms)
    show('oracle_pca_codes', (X[:4] - p.mean_) @ atoms.T)
    show('oracle_pca_variance', p.explained_variance_ * (N - 1) / N)
    s = TruncatedSVD(M, algorithm='arpack', random_state=0).fit(X)
    atoms = settled(s.components_)
    show('oracle_svd_atoms', atoms)
    show('oracle_svd_codes', X[:4] @ atoms.T)


if __name__ == '__main__':
    print('/* Written by tests/oracle/classical.py. */\n#pragma once')
    pca(tokens())
