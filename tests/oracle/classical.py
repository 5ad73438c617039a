#!/usr/bin/env python3
"""classical.py > tests/data/classical.inc - what classical methods must find, by NumPy, SciPy and scikit-learn in float64.

The tokens are written again from the integers that tests/unit/learn_classical.c makes them of. Needs scikit-learn; the
test reads the numbers alone.
"""
import os
import sys

import numpy as np
from scipy.optimize import nnls

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import ATOMS, PICK, epoch_order, noise, permuted  # noqa: E402

N, D, M = 2500, 6, 3


def tokens():
    t, i = np.arange(N)[:, None], np.arange(D)[None, :]
    x = 0.2 * noise(t * D + i + 1)
    for f in range(M):
        u = np.maximum(noise(1000000 + t * M + f) - 0.6, 0)
        x = x + (f + 3) * u * np.maximum(noise(2000000 + f * D + i) - 0.4, 0)
    return x.astype(np.float32).astype(np.float64)


def mixtures():
    """Tokens of heavy-tailed independent sources."""
    t, i = np.arange(N)[:, None], np.arange(D)[None, :]
    x = 0.02 * noise(t * D + i + 1)
    for f in range(M):
        u = 2 * noise(1000000 + t * M + f) - 1
        cube = u * u * u
        x = x + (f + 1) * (cube * cube * cube) * (noise(2000000 + f * D + i) - 0.5)
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


def nmf(X):
    from sklearn.decomposition import NMF
    n = NMF(M, init="nndsvd", solver="cd", tol=1e-12, max_iter=20000).fit(X)
    atoms = n.components_ / np.linalg.norm(n.components_, axis=1, keepdims=True)
    Z = codes_of(X, atoms)
    order = np.argsort(-(Z ** 2).sum(0))
    show("oracle_nmf_atoms", atoms[order])
    show("oracle_nmf_codes", Z[:4, order])
    show("oracle_nmf_objective", ((X - Z @ atoms) ** 2).sum() / 2 / N)


def codes_of(X, D):
    return np.array([nnls(D.T, x)[0] for x in X])


def lasso_codes(X, D, l1):
    """min |x - z D|^2 / 2 + l1 sum z over z >= 0: of all sets of atoms the best."""
    Q, B = D @ D.T, X @ D.T - l1
    best, value = np.zeros_like(B), np.zeros(len(X))
    for bits in range(1, 1 << len(D)):
        s = [j for j in range(len(D)) if bits >> j & 1]
        z = np.linalg.solve(Q[np.ix_(s, s)], B[:, s].T).T
        now = np.where((z >= 0).all(1), -(z * B[:, s]).sum(1) / 2, np.inf)
        better = now < value
        full = np.zeros_like(B)
        full[:, s] = z
        best[better], value[better] = full[better], now[better]
    return best


def seminmf(X):
    """20 times from the program's own start, init seed 1."""
    D = X[permuted(1, ATOMS, 0, N)[:M]]
    for _ in range(20):
        Z = codes_of(X, D)
        S = Z.T @ Z
        D = np.linalg.solve(S + 1e-8 * np.trace(S) / M * np.eye(M), Z.T @ X)
    Z = codes_of(X, D)
    show('oracle_seminmf_objective', ((X - Z @ D) ** 2).sum() / 2 / N)
    order = np.argsort(-(Z ** 2).sum(0) * (D ** 2).sum(1))
    length = np.linalg.norm(D, axis=1)
    show('oracle_seminmf_atoms', (D / length[:, None])[order])
    show('oracle_seminmf_codes', (Z * length)[:4, order])


def ica(X):
    X = mixtures()
    from sklearn.decomposition import FastICA
    for fun in ('logcosh', 'cube'):
        f = FastICA(M, whiten='unit-variance', fun=fun, tol=1e-13, max_iter=5000, random_state=0).fit(X)
        atoms = f.mixing_.T
        order = np.argsort(-(atoms ** 2).sum(1))
        atoms = atoms[order]
        turned = np.sign(atoms[np.arange(M), np.abs(atoms).argmax(1)])
        show(f'oracle_ica_{fun}_atoms', atoms * turned[:, None])
        show(f'oracle_ica_{fun}_codes', f.transform(X[:4])[:, order] * turned)


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


def sparse_pca(X):
    from sklearn.decomposition import SparsePCA
    p = SparsePCA(M, alpha=0.03 * np.sqrt(N), ridge_alpha=0.01, method='cd', tol=1e-13, max_iter=20000).fit(X)
    atoms = settled(p.components_)
    show('oracle_sparse_pca_atoms', atoms)
    turned = np.sign((atoms * p.components_).sum(1))
    show('oracle_sparse_pca_codes', p.transform(X[:4]) * turned)


def dictionary_learning(X):
    """50 batches of 250 from the program's own start and order, init seed 1, data seed 2."""
    from sklearn.decomposition import sparse_encode
    for positive in (True, False):
        def codes(x, D):
            return sparse_encode(x, D, algorithm='lasso_cd', alpha=0.05, positive=positive, max_iter=100000, check_input=False)
        b = 250
        D = X[permuted(1, ATOMS, 0, N)[:M]]
        D = D / np.linalg.norm(D, axis=1, keepdims=True)
        A, B = np.zeros((M, M)), np.zeros((M, D.shape[1]))
        for step in range(5 * N // b):
            order = epoch_order(2, step * b // N, N)
            x = X[order[step * b % N:][:b]]
            Z = codes(x, D)
            t = step + 1
            theta = t * b if t < b else b * b + t - b
            keep = (theta + 1 - b) / (theta + 1)
            A, B = keep * A + Z.T @ Z / b, keep * B + Z.T @ x / b
            for j in range(M):
                u = D[j] + (B[j] - A[j] @ D) / A[j, j]
                D[j] = u / max(np.linalg.norm(u), 1)
        name = 'positive' if positive else 'signed'
        show(f'oracle_online_{name}_atoms', D)
        show(f'oracle_online_{name}_codes', codes(X[:4], D))


def outliers(X):
    """The three tokens that scikit-learn puts outermost, by a sample of 600."""
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.svm import OneClassSVM
    sample = X[permuted(1, PICK, 0, N)[:600]]
    lof = LocalOutlierFactor(n_neighbors=20, novelty=True, algorithm='brute').fit(sample).score_samples(X)
    show('oracle_lof_atoms', X[np.argsort(lof, kind='stable')[:M]])
    svm = OneClassSVM(nu=0.1, gamma=1 / D, tol=1e-9).fit(sample).score_samples(X)
    show('oracle_svm_atoms', X[np.argsort(svm, kind='stable')[:M]])


def on_simplex(w):
    """The nearest point of the simplex, by sorting."""
    u = np.sort(w)[::-1]
    q = np.arange(1, len(w) + 1)
    r = np.nonzero(u - (np.cumsum(u) - 1) / q > 0)[0][-1]
    return np.maximum(w - (np.cumsum(u)[r] - 1) / (r + 1), 0)


def mixtures_of_anchors(X):
    """10 turns of exact codes and 20 projected gradient steps; atom i starts from anchor i, anchors are rows 0, 7, 14, ..."""
    heavy = 3000.0
    for name, strict, simplex in (('convexnmf', True, False), ('loose', False, False), ('archetypal', True, True)):
        C = X[7 * np.arange(12)]
        W = np.eye(M, len(C))
        steepest = np.linalg.eigvalsh(C.T @ C)[-1]

        def codes(x, D):
            if simplex:
                return np.array([nnls(np.vstack([D.T, heavy * np.ones(M)]), np.append(y, heavy))[0] for y in x])
            return codes_of(x, D)
        for _ in range(10):
            Z = codes(X, W @ C)
            S, T = Z.T @ Z, Z.T @ X
            for _ in range(20):
                W = W - (S @ W @ C - T) @ C.T / (np.abs(S).sum(1) * steepest)[:, None]
                W = np.apply_along_axis(on_simplex, 1, W) if strict else np.maximum(W, 0)
        D = W @ C
        Z = codes(X, D)
        show(f'oracle_{name}_atoms', D)
        show(f'oracle_{name}_codes', Z[:4])
        show(f'oracle_{name}_objective', ((X - Z @ D) ** 2).sum() / 2 / N)


def sparse_factors(X):
    """seminmf and convexnmf with a penalty of weight 0.02, that is 0.02 D / 2 beside |x - z D|^2 / 2."""
    l1 = 0.02 * D / 2
    A = X[permuted(1, ATOMS, 0, N)[:M]]
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    for _ in range(20):
        Z = lasso_codes(X, A, l1)
        S, T = Z.T @ Z, Z.T @ X
        for j in list(range(M)) * 10:
            A[j] = T[j] - S[j] @ A + S[j, j] * A[j]
            A[j] /= np.linalg.norm(A[j])
    Z = lasso_codes(X, A, l1)
    show('oracle_sparse_seminmf_objective', (((X - Z @ A) ** 2).sum() / 2 + l1 * Z.sum()) / N)
    order = np.argsort(-(Z ** 2).sum(0))
    show('oracle_sparse_seminmf_atoms', A[order])
    show('oracle_sparse_seminmf_codes', Z[:4, order])
    C, W = X[7 * np.arange(12)], np.eye(M, 12)
    steepest = np.linalg.eigvalsh(C.T @ C)[-1]
    for _ in range(10):
        Z = lasso_codes(X, W @ C, l1)
        S, T = Z.T @ Z, Z.T @ X
        for _ in range(20):
            W = np.apply_along_axis(on_simplex, 1, W - (S @ W @ C - T) @ C.T / (np.abs(S).sum(1) * steepest)[:, None])
    Z = lasso_codes(X, W @ C, l1)
    show('oracle_sparse_convexnmf_atoms', W @ C)
    show('oracle_sparse_convexnmf_codes', Z[:4])
    show('oracle_sparse_convexnmf_objective', (((X - Z @ W @ C) ** 2).sum() / 2 + l1 * Z.sum()) / N)


if __name__ == '__main__':
    print('/* Written by tests/oracle/classical.py. */')
    for method in (pca, nmf, seminmf, ica, sparse_pca, dictionary_learning, outliers,
                   mixtures_of_anchors, sparse_factors):
        method(tokens())
