"""What SAELens, dictionary_learning and overcomplete themselves make of models: peers.py models LIBRARY FOLDER saves models and their forward
passes; peers.py spec FOLDER writes a spec of single steps, peers.py steps FOLDER compares those with overcomplete's losses and gradients."""
import csv, glob, importlib.metadata, json, os, sys
import numpy as np
import torch

D, M, N = 24, 64, 128
torch.manual_seed(3)
listing, sys.stdout = sys.stdout, sys.stderr  # the libraries print too


# --- forward passes

def tell(name, words, options=()):
    print(name, words, ' '.join(map(str, options)), sep='\t', file=listing, flush=True)


def done(folder, name, z, x, *options):
    np.savez(f'{folder}/want-{name}.npz', z=z.detach().numpy(), x=x.detach().numpy())
    tell(name, '-', options)


def shake(model):
    """Random numbers in every parameter, so that nothing is at its start."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (.3 if 'r_mag' in name or p.dim() < 2 else 1 / D ** .5))
            if 'threshold' in name and 'thresholds' not in name:
                p.abs_()


def sae_lens(folder, X):
    import sae_lens as lens
    from sae_lens.registry import SAE_CLASS_REGISTRY as registry
    rest = set(registry)
    cases = [('standard', {}), ('topk', {'k': 6}), ('topk', {'k': 6, 'rescale_acts_by_decoder_norm': True}), ('jumprelu', {}), ('gated', {}),
             ('gated', {'apply_b_dec_to_input': False})]
    for i, (word, more) in enumerate(cases):
        model_class, config = registry[word]
        model, name = model_class(config(d_in=D, d_sae=M, **more)), f'{word}-{i}'
        shake(model)
        z = model.encode(X)
        model.save_model(f'{folder}/{name}')
        done(folder, name, z, model.decode(z))
        rest.discard(word)
    for word, more in (('BatchTopK', {}), ('MatryoshkaBatchTopK', {'matryoshka_widths': [16, 64]})):
        config = getattr(lens, word + 'TrainingSAEConfig')
        model = getattr(lens, word + 'TrainingSAE')(config(d_in=D, d_sae=M, k=6, **more))
        shake(model)
        model.topk_threshold.fill_(.4)
        model.save_inference_model(f'{folder}/{word}')
        saved = lens.SAE.load_from_disk(f'{folder}/{word}')
        z = saved.encode(X)
        done(folder, word, z, saved.decode(z))
    for word in sorted(rest):  # what cannot be imported is refused by its name, whatever its arrays are
        base = registry['topk'][0](registry['topk'][1](d_in=D, d_sae=M, k=6))
        base.save_model(f'{folder}/{word}')
        path = f'{folder}/{word}/cfg.json'
        config = json.load(open(path))
        json.dump({**config, 'architecture': word}, open(path, 'w'))
        tell(word, 'is of architecture ' + word)


def dictionary_learning(folder, X):
    from dictionary_learning import dictionary as dl
    from dictionary_learning.trainers.top_k import AutoEncoderTopK
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
    for cls, arguments in ((dl.AutoEncoder, ()), (dl.AutoEncoderNew, ()), (dl.GatedAutoEncoder, ()), (dl.JumpReluAutoEncoder, ()),
                           (AutoEncoderTopK, (6,)), (BatchTopKSAE, (6,)), (MatryoshkaBatchTopKSAE, (6, [24, 40]))):
        model, name = cls(D, M, *arguments), cls.__name__
        shake(model)
        if 'BatchTopK' in name:
            model.threshold.fill_(.4)
        os.makedirs(f'{folder}/{name}')
        torch.save(model.state_dict(), f'{folder}/{name}/ae.pt')
        json.dump({'trainer': {'dict_class': name, **({'k': 6} if arguments else {})}}, open(f'{folder}/{name}/config.json', 'w'))
        model = cls.from_pretrained(f'{folder}/{name}/ae.pt')
        z = model.encode(X)
        done(folder, name, z, model.decode(z))


def overcomplete_sae():
    import matplotlib
    if not hasattr(matplotlib.cm, 'get_cmap'):  # which overcomplete 0.3.0 calls, and matplotlib 3.9 took away
        matplotlib.cm.get_cmap = lambda name: matplotlib.colormaps[name]
    import overcomplete.sae
    return overcomplete.sae


def overcomplete(folder, X):
    oc, points = overcomplete_sae(), torch.randn(40, D)
    normed = lambda word: oc.SAE(D, M, dictionary_params={'normalization': word, 'use_multiplier': True})
    relu, topk = ['--code', 'relu'], ['--k', 6]
    for name, model, options in (
            ('relu', oc.SAE(D, M), relu), ('topk', oc.TopKSAE(D, M, top_k=6), topk), ('jumprelu', oc.JumpSAE(D, M), []),
            ('batchtopk', oc.BatchTopKSAE(D, M, top_k=6), ['--threshold', .5]),
            *((word, normed(word), relu + ['--norm', word]) for word in ('identity', 'max_l2', 'l1', 'max_l1')),
            ('archetypal', oc.RATopKSAE(D, M, points=points, delta=.5, top_k=6), topk + ['--delta', .5]),
            ('archetypal-jump', oc.RAJumpSAE(D, M, points=points, delta=.5), ['--delta', .5]),
            ('tied', oc.TopKSAE(D, M, top_k=6).tied(bias=True), topk), ('untied', oc.SAE(D, M).untied(), relu),
            ('mlp_bn_1', oc.TopKSAE(D, M, top_k=6, encoder_module='mlp_bn_1'), topk), ('mp', oc.MpSAE(D, M, k=5), ['--code', 'mp', '--k', 5])):
        shake(model)
        if name == 'mlp_bn_1':
            for _ in range(30):
                model.encode(torch.randn(N, D) + 1)  # running mean and variance
        name = f'{name}.pt'
        torch.save(model.state_dict(), f'{folder}/{name}')
        if 'batchtopk' in name:
            model.running_threshold = torch.tensor(.5)
        model.eval()
        z = model.encode(X)[1]
        done(folder, name, z, model.decode(z), *options)
    for word, words in (('mlp_ln_1', 'a layer norm of each token\'s scores over all atoms'), ('mlp_ln_3', 'hidden layers, and the library'),
                        ('mlp_bn_3', 'hidden layers, and the library')):
        torch.save(oc.TopKSAE(D, M, encoder_module=word).state_dict(), f'{folder}/{word}.pt')
        tell(word + '.pt', words, topk)
    torch.save(oc.TopKSAE((5, D), M, encoder_module='attention_1b').state_dict(), f'{folder}/attention.pt')
    tell('attention.pt', 'more than linear layers', topk)
    torch.save(oc.QSAE(D, M).state_dict(), f'{folder}/quantised.pt')
    tell('quantised.pt', 'levels that were learned')


def models(library, folder):
    os.makedirs(folder, exist_ok=True)
    X = torch.randn(N, D)
    np.save(folder + '/tokens.npy', X.numpy())
    print(importlib.metadata.version(library.replace('_', '-')), file=listing)
    globals()[library](folder, X)


# --- steps: plain gradient descent on one batch of all tokens

WIDTH, ANCHORS, RATE = 20, 30, .5
KERNELS = 'rectangle gaussian triangular cosine epanechnikov quartic silverman cauchy'.split()
CODES = {'relu': 'code: {name: relu, l1: 0.02}', 'topk': 'code: {name: topk, k: 3}', 'batchtopk': 'code: {name: batchtopk, k: 2.5}',
         'mp': 'code: {name: mp, k: 3}, encoder: tied', 'hull_relaxed': 'code: {name: topk, k: 3}, atoms: {name: hull_relaxed, anchors: own, delta: 0.02}',
         'reanimation': 'code: {name: topk, k: 1}, revive: {name: reanimation, weight: 3}',
         'reanimation-silent': 'code: {name: topk, k: 1}, revive: {name: reanimation, over: silent, weight: 4}',
         'auxk_attached': 'code: {name: topk, k: 3}, revive: {name: auxk_attached, weight: 0.2}',
         **{'jumprelu-' + k: 'code: {name: jumprelu, threshold: 0.4, bandwidth: 0.7, kernel: %s, convention: overcomplete, sparsity: {name: l0, weight: 0.01}}' % k
            for k in KERNELS}}


def spec(folder):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 12)) + rng.standard_normal((60, 12))
    np.save(folder + '/steps.npy', X.astype(np.float32))
    open(folder + '/steps.yaml', 'w').write(f'''schema: 1
name: steps
tokens: steps.h5
normalise: {{center: none, scale: none}}
held_out: 0
anchors: {{own: {{method: random_subset, count: {ANCHORS}, sharing: per_seed}}}}
train: {{steps: 1, batch: {len(X)}, clip: 0, optimizer: {{name: sgd, lr: {RATE}}}}}
models:
''' + ''.join(f'  {name}: {{method: sae, width: {WIDTH}, {words}}}\n' for name, words in CODES.items()) + 'measure: [r2]\ncompare: []\n')


def read(path):
    import h5py  # for this part alone
    out = {}
    with h5py.File(path) as f:
        f.visititems(lambda name, a: out.__setitem__(name, a[()]) if hasattr(a, 'shape') else None)
        if 'log_multiplier' in f.attrs:
            out['log_multiplier'] = np.float32(f.attrs['log_multiplier'])
    return out


def library_model(name, start, X, C):
    oc, d = overcomplete_sae(), X.shape[1]
    kind = name.split('-')[0]
    if kind == 'hull_relaxed':
        model = oc.RATopKSAE(d, WIDTH, points=C, delta=.02, top_k=3)
    elif kind == 'relu':
        model = oc.SAE(d, WIDTH)
    elif kind == 'batchtopk':
        model = oc.BatchTopKSAE(d, WIDTH, top_k=round(2.5 * len(X)))
    elif kind == 'mp':
        model = oc.MpSAE(d, WIDTH, k=3)
    elif kind == 'jumprelu':
        unit = float(X.double().square().mean().sqrt())
        model = oc.JumpSAE(d, WIDTH, kernel=name.split('-')[1], bandwidth=.7 * unit)
        model.thresholds.data = torch.tensor(start['code/log_threshold'])
    else:
        model = oc.TopKSAE(d, WIDTH, top_k=1 if kind == 'reanimation' else 3)
    with torch.no_grad():
        if kind == 'hull_relaxed':
            model.dictionary.W.copy_(torch.tensor(start['W']))
            model.dictionary.Relax.copy_(torch.tensor(start['relaxation']))
        else:
            model.dictionary._weights.copy_(torch.tensor(start['atoms']))
        if kind != 'mp':
            model.encoder.final_block[0].weight.copy_(torch.tensor(start['encoder/weight']))
            model.encoder.final_block[0].bias.copy_(torch.tensor(start['encoder/bias']))
    return model


def library_loss(name, model, X):
    from overcomplete.sae.jump_sae import heaviside
    from overcomplete.sae.losses import reanimation_regularizer, top_k_auxiliary_loss
    pre, z, x = model(X)
    all_of_it = (X, x, pre, z, model.get_dictionary())
    loss = (X - x).square().mean()
    if name == 'relu':
        loss = loss + .02 * z.sum(1).mean()
    if name.startswith('jumprelu'):
        loss = loss + .01 * heaviside(torch.relu(pre), torch.exp(model.thresholds), model.kernel_fn, model.bandwidth).sum(1).mean()
    if name == 'reanimation':  # as the library's notebooks have it
        from overcomplete.metrics import dead_codes
        loss = loss - 3 * (pre * dead_codes(z).unsqueeze(0)).mean()
    if name == 'reanimation-silent':  # the regulariser sums over tokens
        loss = loss + reanimation_regularizer(*all_of_it, penalty=4 / len(X))
    if name == 'auxk_attached':
        loss = top_k_auxiliary_loss(*all_of_it, penalty=.2)
    return loss


def library_step(name, model, X):
    """The loss, and parameters by their names in model.h5 after a step of gradient descent and the constraint."""
    loss = library_loss(name, model, X)
    loss.backward()
    out = {}
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.grad is None:
                continue
            g = p.grad
            if key == 'dictionary._weights':  # along the sphere, as ours
                g = g - (g * p).sum(1, keepdim=True) * p
            out[key] = p - RATE * g
            p.copy_(out[key])
        model.get_dictionary()  # which puts the constraint on them
        names = {'encoder.final_block.0.weight': 'encoder/weight', 'encoder.final_block.0.bias': 'encoder/bias', 'thresholds': 'code/log_threshold',
                 'dictionary._weights': 'atoms', 'dictionary.W': 'W', 'dictionary.Relax': 'relaxation', 'dictionary.multiplier': 'log_multiplier'}
        return float(loss), {names[key]: p.numpy() for key, p in model.named_parameters() if key in out}


def steps(folder):
    X = torch.tensor(np.load(folder + '/steps.npy'))
    for row in csv.DictReader(open(folder + '/steps/plan.csv')):
        name, where = row['model'], f"{folder}/steps/{row['model']}/{row['run']}/"
        start, end = read(where + 'initial.h5'), read(where + 'model.h5')
        C = torch.tensor(read(f"{folder}/steps/anchors/{row['anchors']}.h5")['atoms']) if row['anchors'] else None
        model = library_model(name, start, X, C)
        loss, theirs = library_step(name, model, X)
        log = [json.loads(line) for line in open(where + 'log.jsonl')]
        ours = [line['loss'] for line in log if 'loss' in line][-1]
        worst, moved = abs(ours - loss) / abs(loss), 1e9
        for key, p in theirs.items():
            way = np.abs(p - start.get(key, 0)).max()
            worst = max(worst, np.abs(end[key] - p).max() / way)
            moved = min(moved, way)
        if name == 'batchtopk':
            worst = max(worst, abs(float(model.running_threshold) / float(end['code/threshold'].item()) - 1))
        verdict = 'same' if worst < 1e-5 and moved > 1e-4 and len(theirs) > (name != 'mp') else 'other'
        print(verdict, f'a step of {name}: {len(theirs)} parameters, off by {worst:.1e} of their way, which is {moved:.1e} at least', sep='\t', file=listing)


globals()[sys.argv[1]](*sys.argv[2:])
