"""Models that SAELens, dictionary_learning and overcomplete make and save themselves, and their own forward passes of the same tokens.
import_peers.py FOLDER, with a Python that has the libraries (sae-lens, dictionary-learning, overcomplete, torch)."""
import json, os, sys
import numpy as np
import torch

D, M, N = 24, 64, 128
torch.manual_seed(3)
listing, sys.stdout = sys.stdout, sys.stderr  # the libraries print too
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
X = torch.randn(N, D)
np.save(folder + '/tokens.npy', X.numpy())


def done(name, z, x, *options):
    np.savez(f'{folder}/want-{name}.npz', z=z.detach().numpy(), x=x.detach().numpy())
    print(name, *options, file=listing, flush=True)


def shake(model):
    """Random numbers in every parameter, so that nothing is at its start."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (.3 if 'r_mag' in name or p.dim() < 2 else 1 / D ** .5))
            if 'threshold' in name and 'thresholds' not in name:
                p.abs_()


def saelens():
    from sae_lens import (GatedSAE, GatedSAEConfig, JumpReLUSAE, JumpReLUSAEConfig, StandardSAE, StandardSAEConfig, TopKSAE, TopKSAEConfig)
    for name, sae, config, more in (('standard', StandardSAE, StandardSAEConfig, {}), ('topk', TopKSAE, TopKSAEConfig, {'k': 6}),
                                    ('rescaled', TopKSAE, TopKSAEConfig, {'k': 6, 'rescale_acts_by_decoder_norm': True}),
                                    ('jumprelu', JumpReLUSAE, JumpReLUSAEConfig, {}), ('gated', GatedSAE, GatedSAEConfig, {}),
                                    ('uncentred', GatedSAE, GatedSAEConfig, {'apply_b_dec_to_input': False})):
        model = sae(config(d_in=D, d_sae=M, **more))
        shake(model)
        z = model.encode(X)
        model.save_model(f'{folder}/lens-{name}')
        done('lens-' + name, z, model.decode(z))


def dictionary_learning():
    from dictionary_learning import dictionary as dl
    from dictionary_learning.trainers.top_k import AutoEncoderTopK
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
    for cls, arguments in ((dl.AutoEncoder, ()), (dl.AutoEncoderNew, ()), (dl.GatedAutoEncoder, ()), (dl.JumpReluAutoEncoder, ()),
                           (AutoEncoderTopK, (6,)), (BatchTopKSAE, (6,)), (MatryoshkaBatchTopKSAE, (6, [24, 40]))):
        model, name = cls(D, M, *arguments), 'dl-' + cls.__name__
        shake(model)
        if 'BatchTopK' in name:
            model.threshold.fill_(.4)
        os.makedirs(f'{folder}/{name}')
        torch.save(model.state_dict(), f'{folder}/{name}/ae.pt')
        json.dump({'trainer': {'dict_class': cls.__name__, **({'k': 6} if arguments else {})}}, open(f'{folder}/{name}/config.json', 'w'))
        model = cls.from_pretrained(f'{folder}/{name}/ae.pt')
        z = model.encode(X)
        done(name, z, model.decode(z))


def overcomplete():
    from overcomplete.sae import SAE, BatchTopKSAE, JumpSAE, RATopKSAE, TopKSAE
    points = torch.randn(40, D)
    for name, model, options in (('relu', SAE(D, M), ['--code', 'relu']), ('topk', TopKSAE(D, M, top_k=6), ['--k', 6]),
                                 ('jumprelu', JumpSAE(D, M), []), ('batchtopk', BatchTopKSAE(D, M, top_k=6), ['--threshold', .5]),
                                 ('archetypal', RATopKSAE(D, M, points=points, delta=.5, top_k=6), ['--k', 6, '--delta', .5]),
                                 ('identity', SAE(D, M, dictionary_params={'normalization': 'identity'}), ['--code', 'relu', '--norm', 'identity'])):
        shake(model)
        name = f'oc-{name}.pt'
        torch.save(model.state_dict(), f'{folder}/{name}')
        if 'batchtopk' in name:
            model.running_threshold = torch.tensor(.5)
        model.eval()
        z = model.encode(X)[1]
        done(name, z, model.decode(z), *options)


for library in (saelens, dictionary_learning, overcomplete):
    library()
