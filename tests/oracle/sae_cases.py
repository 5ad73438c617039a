"""The settings that sae.py trains by: a name and a line for each case, and what is not said in it."""

# where one code is kept, the encoder's first gradient is 0 but for rounding, which Adam would make steps of
SGD = ' train.optimizer.name=sgd train.optimizer.lr=0.3'
CASES = [
    ('relu', 'code.name=relu code.l1=0.02'),
    ('relu_target', 'code.name=relu code.sparsity.name=target code.sparsity.l0=2 code.sparsity.weight=0.02 code.sparsity.rate=0.05 '
                    'code.sparsity.warmup=10'),
    ('topk', 'code.name=topk code.k=2'),
    ('batchtopk', 'code.name=batchtopk code.k=1.7 code.momentum=0.8'),
    ('jumprelu', 'code.name=jumprelu code.threshold=0.45 code.bandwidth=0.5 code.sparsity.weight=0.02'),
    ('jumprelu_target', 'code.name=jumprelu code.threshold=0.4 code.bandwidth=0.5 code.kernel=silverman code.sparsity.name=target '
                        'code.sparsity.l0=2 code.sparsity.weight=0.05'),
    ('jumprelu_l1', 'code.name=jumprelu code.threshold=0.3 code.bandwidth=0.6 code.kernel=epanechnikov code.sparsity.name=l1 '
                    'code.sparsity.weight=0.02'),
    ('jumprelu_overcomplete', 'code.name=jumprelu code.threshold=0.4 code.bandwidth=0.5 code.kernel=silverman '
                              'code.convention=overcomplete code.sparsity.weight=0.02'),
    ('jumprelu_overcomplete_gaussian', 'code.name=jumprelu code.threshold=0.4 code.bandwidth=0.6 code.kernel=gaussian '
                                       'code.convention=overcomplete code.sparsity.weight=0.02'),
    ('jumprelu_overcomplete_cosine', 'code.name=jumprelu code.threshold=0.4 code.bandwidth=0.6 code.kernel=cosine '
                                     'code.convention=overcomplete code.sparsity.weight=0.02'),
    ('gated', 'code.name=gated code.l1=0.02'),
    ('gated_target', 'code.name=gated code.sparsity.name=target code.sparsity.l0=2 code.sparsity.weight=0.02 code.sparsity.rate=0.05'),
    ('mp', 'code.name=mp code.k=3 encoder.name=tied'),
    ('mp_stop', 'code.name=mp code.k=4 code.stop=0.3 encoder.name=tied'),
    ('omp', 'code.name=omp code.k=3 encoder.name=tied'),
    ('quantised', 'code.name=quantised code.levels=5 code.top=2 code.l1=0.01'),
    ('matryoshka', 'code.name=relu code.l1=0.02 goal.name=matryoshka goal.levels=3'),
    ('matryoshka_batchtopk', 'code.name=batchtopk code.k=2.2 goal.name=matryoshka goal.levels=2'),
    ('msae', 'code.name=topk code.k=2 goal.name=msae'),
    ('msae_reverse', 'code.name=topk code.k=2 goal.name=msae goal.ks=1,3,5 goal.weights=reverse'),
    ('multi_topk', 'code.name=topk code.k=1 goal.name=multi_topk goal.factor=3 goal.weight=0.25'),
    ('nmse', 'code.name=topk code.k=2 goal.loss=nmse'),
    ('msae_nmse', 'code.name=topk code.k=1 goal.name=msae goal.loss=nmse'),
    ('auxk', 'code.name=topk code.k=1 revive.name=auxk revive.k=2 revive.weight=0.5 revive.dead_after=40' + SGD),
    ('auxk_steps', 'code.name=topk code.k=1 revive.name=auxk revive.k=2 revive.weight=0.4 revive.dead_after=1 revive.count=steps' + SGD),
    ('reanimation', 'code.name=topk code.k=1 revive.name=reanimation revive.weight=0.3' + SGD),
    ('reanimation_silent', 'code.name=topk code.k=1 revive.name=reanimation revive.weight=0.05 revive.over=silent' + SGD),
    ('tied', 'code.name=topk code.k=2 encoder.name=tied'),
    ('mlp', 'code.name=topk code.k=2 encoder.name=mlp'),
    ('mlp_wide', 'code.name=relu code.l1=0.02 encoder.name=mlp encoder.hidden=11'),
    ('mlp_narrow', 'code.name=topk code.k=2 encoder.name=mlp encoder.hidden=3 encoder.start=kaiming'),
    ('ball', 'code.name=topk code.k=2 atoms.name=free atoms.norm=ball train.optimizer.name=sgd train.optimizer.lr=0.3'),
    ('nonnegative', 'code.name=topk code.k=2 atoms.name=nonnegative'),
    ('hull', 'code.name=topk code.k=2 atoms.name=hull'),
    ('hull_euclidean', 'code.name=topk code.k=2 atoms.name=hull atoms.simplex=euclidean atoms.multiplier=true'),
    ('hull_relaxed', 'code.name=relu code.l1=0.02 atoms.name=hull_relaxed atoms.delta=0.2'),
    ('sgd', 'code.name=topk code.k=2 train.optimizer.name=sgd train.optimizer.lr=0.2 train.optimizer.momentum=0.5 '
            'train.schedule.name=constant_linear train.schedule.warmup=5 train.schedule.decay=50% train.clip=0.2'),
    ('adamw', 'code.name=topk code.k=2 train.optimizer.name=adamw train.optimizer.decay=0.5 train.schedule.name=cosine'),
    ('signum', 'code.name=topk code.k=2 train.optimizer.name=signum train.optimizer.lr=0.004 train.optimizer.momentum=0.7 '
               'train.schedule.name=linear'),
]

DEFAULTS = {'atoms.name': 'free', 'atoms.norm': 'unit', 'atoms.simplex': 'relu_divide', 'encoder.name': 'linear', 'encoder.start': 'xavier', 'goal.name': 'plain',
            'goal.loss': 'mse', 'goal.weights': 'uniform', 'revive.name': 'none', 'revive.count': 'tokens', 'revive.over': 'all',
            'train.optimizer.name': 'adam', 'train.optimizer.lr': '0.02', 'train.optimizer.momentum': '0', 'train.schedule.name': 'constant',
            'train.schedule.warmup': '0', 'train.clip': '1', 'code.kernel': 'rectangle', 'code.convention': 'ardis',
            'code.sparsity.warmup': '0', 'code.sparsity.rate': '0.01', 'code.stop': '0', 'code.momentum': '0.99'}
