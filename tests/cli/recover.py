#!/usr/bin/env python3
"""recover.py QUESTION RUN-FOLDER TOKENS.h5 [ARDIS] - what runs found of the truth in /truth; exits 1 where a bar is missed.

sparse: share of true atoms with an atom of cosine >= .9, mean over runs; L0 of jumprelu.
hierarchy: one atom for each true one, by the assignment of greatest sum of cosines; absorption is the mean over children of
  the cosine between the child's atom and the true parent, mean over runs.
gated: gamma = sum |y|^2 / sum y.x, 1 without shrinkage, at the same L0.
msae: R2 when k codes are kept, k from 8 to all atoms.
hull: share of archetypes with an atom of cosine >= .9, mean over runs, at the end and at the start.
"""
import csv
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

question, folder, tokens = sys.argv[1:4]
missed = 0


def unit(A):
    return A / np.linalg.norm(A, axis=1, keepdims=True)


def bar(holds, what):
    global missed
    missed += not holds
    print('ok' if holds else 'MISSED', what)


def runs():
    for row in csv.DictReader(open(os.path.join(folder, 'runs.csv'), newline='')):
        yield row['model'], os.path.join(folder, row['model'], row['run']), row


def atoms(run, name='model'):
    with h5py.File(f'{run}/{name}.h5') as f:
        return unit(f['atoms'][:].astype(float))


def truth(name='atoms'):
    with h5py.File(tokens) as f:
        return f['truth/' + name][:]


def collected(number):
    found = {}
    for model, run, row in runs():
        found.setdefault(model, []).append(number(run, row))
    return {model: np.mean(values, 0) for model, values in found.items()}


def share(T, D):
    return ((T @ D.T).max(1) >= .9).mean()


def sparse():
    T = unit(truth().astype(float))
    found = collected(lambda run, row: (share(T, atoms(run)), float(row['l0'])))
    for model, least in (('topk', .85), ('batchtopk', .85), ('jumprelu', .90), ('mp', .95)):
        bar(found[model][0] >= least, f'{model} finds {found[model][0]:.3f} of the atoms, at least {least}')
    bar(abs(found['jumprelu'][1] - 4) <= .8, f"jumprelu has L0 {found['jumprelu'][1]:.2f}, within .8 of 4")


def hierarchy():
    T, parent = unit(truth().astype(float)), truth('parent').ravel()

    def absorption(run, row):
        D = atoms(run)
        mine = linear_sum_assignment(-T @ D.T)[1]
        return np.mean([D[mine[j]] @ T[parent[j]] for j in np.flatnonzero(parent >= 0)])

    found = collected(absorption)
    for model in ('mp', 'matryoshka'):
        bar(found[model] < found['relu'] - .1, f"absorption of {model} {found[model]:.2f}, of relu {found['relu']:.2f}: at least .1 below")


def reconstructed(run, k=None):
    """Normalised tokens, their reconstructions, L0."""
    with h5py.File(tokens) as f, h5py.File(run + '/model.h5') as g, tempfile.TemporaryDirectory() as there:
        X = (f['tokens'][:].astype(float) - g['normalise/mean'][:]) / g['normalise/scale'][:]
        out = there + '/codes.h5'
        subprocess.run([sys.argv[4], 'encode', run, tokens, '-o', out] + (['--k', str(k)] if k else []), check=True, stdout=subprocess.DEVNULL)
        with h5py.File(out) as c:
            Z = sp.csr_matrix((c['data'][:], c['indices'][:], c['indptr'][:]), shape=c.attrs['shape'].astype(int))
        return X, Z @ g['atoms'][:].astype(float) + g['bias'][:], Z.nnz / len(X)


def gated():
    found = {}
    for model, run, _ in runs():
        X, Y, l0 = reconstructed(run)
        found[model] = (Y**2).sum() / (Y * X).sum(), l0
    a, b = found['gated'], found['relu']
    bar(abs(a[1] / b[1] - 1) <= .05, f'L0 {a[1]:.2f} and {b[1]:.2f}, within 5 %')
    bar(abs(a[0] - 1) <= .03, f'gated: gamma {a[0]:.3f}, within .03 of 1')
    bar(b[0] <= .85, f'relu: gamma {b[0]:.3f}, at most .85')


def msae():
    for model, run, _ in runs():
        r2 = []
        for k in (8, 16, 64, 256):
            X, Y, _ = reconstructed(run, k)
            r2.append(1 - ((X - Y)**2).sum() / ((X - X.mean(0))**2).sum())
        told = ' '.join(f'{x:.3f}' for x in r2)
        if model == 'topk':
            bar(max(r2) - r2[-1] >= .1, f'topk: R2 falls by .1 or more when more codes are kept: {told}')
        else:
            bar(all(b >= a for a, b in zip(r2, r2[1:])) and r2[-1] > r2[0] + .01, f'{model}: R2 rises with k and never falls: {told}')


def hull():
    T = unit(truth().astype(float))
    found = collected(lambda run, row: (share(T, atoms(run)), share(T, atoms(run, 'initial'))))
    for model, (end, start) in found.items():
        bar(end >= .9 and end > start + .05, f'{model} finds {end:.3f} of the archetypes, at least .9; more than at the start, {start:.3f}')
    bar(len(found) == 3, 'three models')


{'sparse': sparse, 'hierarchy': hierarchy, 'gated': gated, 'msae': msae, 'hull': hull}[question]()
sys.exit(1 if missed else 0)
