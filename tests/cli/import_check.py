"""Holds codes and reconstructions of an imported model against what its library makes of the same tokens:
import_check.py MODEL.h5 CODES.h5 WANT.npz; WANT has the library's codes z and reconstructions x."""
import sys
import h5py, numpy as np, scipy.sparse as sp

model, codes, want = sys.argv[1:]
with h5py.File(codes) as f:
    Z = sp.csr_matrix((f['data'][:], f['indices'][:], f['indptr'][:]), shape=f.attrs['shape'].astype(int)).toarray()
    Y = f['reconstructions'][:].astype(float)
with h5py.File(model) as f:
    assert f.attrs['source_digest'] and f.attrs['stop'] == b'imported'
want = np.load(want)
z, x = want['z'], want['x']
assert (z != 0).any()
clear = ((z != 0) == (Z != 0)).all(1)  # rounding may swap what is at a threshold
assert clear.mean() >= .98, clear.mean()
for a, b, name in ((Z, z, 'codes'), (Y, x, 'reconstructions')):
    worst = np.abs(a - b)[clear].max() / np.abs(b).max()
    print(name, f'{worst:.1e}')
    assert worst <= 2e-6
