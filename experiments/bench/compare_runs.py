#!/usr/bin/env python3
"""compare_runs.py - finished runs whose atoms are partly the same, to time `ardis compare` and `ardis report`.

    compare_runs.py DIR [--models 10] [--runs 10] [--atoms 2048] [--width 768] [--shared .6] [--cosine .95]
                    [--ardis build/ardis] [--mpiexec 'mpiexec -n 2']

Makes DIR/tokens.h5 and DIR/spec.yaml, lets the program train every run for one step and measure it, and then puts other
atoms in the place of the trained ones: of each run of a model a share of directions is common to its runs, in an order of
its own and with noise such that two runs have the given cosine, and the rest is random. All atoms count as living.
Step 0 stays as it was. Then, alone on the machine:

    time mpiexec -n 2 build/ardis compare DIR/out
    time build/ardis report DIR/out

Needs Python 3.11 with numpy and h5py.
"""

import argparse
import csv
import pathlib
import shlex
import subprocess

import h5py
import numpy as np

TOKENS, SEED = 8192, 20261122


def spec(at):
    lines = ["schema: 1", "name: compare_runs", "tokens: tokens.h5",
             f"seeds: {{init: 1..{at.runs}, data: 1..{at.runs}, combine: zip}}",
             "train: {steps: 1, batch: 64}", "models:"]
    lines += [f"  m{i}: {{method: sae, width: {at.atoms}, code: {{name: topk, k: {8 + i}}}, atoms: free}}"
              for i in range(at.models)]
    return "\n".join(lines + ["measure: [dead]", "compare: [matched_cosine, max_cosine, matched_share]", ""])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def planted(at, model, run):
    """Atoms of one run: a common share with noise, the rest of its own."""
    common = np.random.default_rng([SEED, model]).standard_normal((int(at.shared * at.atoms), at.width), np.float32)
    rng = np.random.default_rng([SEED, model, run + 1])
    atoms = rng.standard_normal((at.atoms, at.width), np.float32)
    noise = (1 / at.cosine - 1) ** .5  # two runs: 1 / (1 + noise^2)
    atoms[: len(common)] = unit(common) + noise * unit(atoms[: len(common)])
    return unit(atoms)[rng.permutation(at.atoms)]


def fill(folder, atoms):
    with h5py.File(folder / "model.h5", "r+") as model:
        model["atoms"][...] = atoms
    with open(folder / "atoms.csv") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["fired_train"] = max(1, int(row["fired_train"]))
    with open(folder / "atoms.csv", "w") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dir", type=pathlib.Path)
    for name, value in (("models", 10), ("runs", 10), ("atoms", 2048), ("width", 768)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--shared", type=float, default=.6)
    parser.add_argument("--cosine", type=float, default=.95)
    parser.add_argument("--ardis", default="build/ardis")
    parser.add_argument("--mpiexec", default="mpiexec -n 2")
    at = parser.parse_args()
    at.dir.mkdir(parents=True, exist_ok=True)
    subprocess.run([at.ardis, "synth", "activations", "--n", str(TOKENS), "--dim", str(at.width), "-o", at.dir / "tokens.h5"],
                   check=True)
    (at.dir / "spec.yaml").write_text(spec(at))
    for command in (["run", at.dir / "spec.yaml", "--slice", "0/1", "--out", at.dir / "out"], ["measure", at.dir / "out"]):
        subprocess.run([*shlex.split(at.mpiexec), at.ardis, *command], check=True)
    with open(at.dir / "out" / "plan.csv") as file:
        plan = list(csv.DictReader(file))
    for i, row in enumerate(plan):
        fill(at.dir / "out" / row["model"].split()[0] / row["run"], planted(at, i // at.runs, i % at.runs))


if __name__ == "__main__":
    main()
