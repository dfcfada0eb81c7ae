#!/usr/bin/env python3
"""Ranks the spectra of `spectriage benchmark ranking --export FILE` with the tools that others use, and prints the same figures.

    spectriage benchmark ranking CATALOG --seeds 1 --export draw.parquet
    python benches/peers/ranking.py draw.parquet --json peers.json
    python benches/peers/ranking.py draw.parquet --methods sklearn,cnn,spender

scikit-learn: PCA of 10 components on spectra whose gaps hold the mean, by chi-square; isolation forest and local outlier factor on its components.
cnn:          a convolutional autoencoder in PyTorch (bottleneck of 10), trained on the weighted residual, by chi-square.
spender:      its SpectrumAutoencoder, trained from nothing on the other folds with its own loss, by its loss and by the probability of the latent vector
              under its normalizing flow (a mixture over the folds' flows is not needed: each is asked about the fold that it has not seen).

Every spectrum is scored by a model of the other folds (column truth_fold). Needs numpy, pyarrow, scikit-learn; torch for `cnn`; spender and nflows for
`spender`. Nothing of spectriage is used but the file.
"""

import argparse
import json
import sys

import numpy as np
import pyarrow.parquet as pq

FLOOR = 0.03  # of the flux, added to the noise: as the Rust comparators have it
LATENT = 10
# The bits of SPPIXMASK that spoil a pixel, as in src/spectrum/mask.rs.
SDSS_BAD = 0b1111 | sum(1 << bit for bit in (17, 18, 20, 21, 22, 24, 26, 27, 28))


def wavelengths(table, row, grids):
    at = table["grid"][row].as_py()
    if at < 0:
        return np.array(table["wavelength"][row].as_py())
    grid = grids[at]
    if grid["kind"] == "linear":
        return grid["start"] + grid["step"] * np.arange(grid["n"])
    return 10.0 ** (grid["start"] + grid["step"] * np.arange(grid["n"]))


def read(path):
    """Flux and ivar in the rest frame on one logarithmic grid, normalized at 5300 to 5850 A, and the truth."""
    file = pq.read_table(path)
    metadata = pq.ParquetFile(path).metadata.metadata or {}
    grids = json.loads(metadata.get(b"spectra.grids", b"[]"))
    count = file.num_rows
    z = np.nan_to_num(np.array(file["z"].to_pylist(), dtype=float))
    spectra = []
    for row in range(count):
        wave = wavelengths(file, row, grids)
        flux = np.array(file["flux"][row].values, dtype=float)
        ivar = np.array(file["ivar"][row].values, dtype=float)
        mask = file["mask"][row].as_py()
        if mask is not None:
            kind = file["mask_kind"][row].as_py()
            bits = np.array(mask, dtype=np.int64)
            ivar[(bits & SDSS_BAD if kind == "sdss" else bits) != 0] = 0.0
        spectra.append((wave, np.where(ivar > 0, flux, 0.0), ivar))
    starts = np.log10([w[0] / (1 + a) for (w, _, _), a in zip(spectra, z)])
    ends = np.log10([w[-1] / (1 + a) for (w, _, _), a in zip(spectra, z)])
    # As many pixels as a fifth of the spectra cover, in steps of 1e-4 dex.
    grid = np.arange(np.quantile(starts, 0.2), np.quantile(ends, 0.8), 1e-4)
    flux, ivar = np.zeros((count, len(grid))), np.zeros((count, len(grid)))
    for row, (wave, f, v) in enumerate(spectra):
        rest = np.log10(wave / (1 + z[row]))
        good = (v > 0).astype(float)
        weight = np.interp(grid, rest, good, left=0, right=0)
        flux[row] = np.interp(grid, rest, f, left=0, right=0)
        ivar[row] = np.where(weight > 0.99, np.interp(grid, rest, v, left=0, right=0), 0.0)
    window = (grid > np.log10(5300)) & (grid < np.log10(5850))
    for row in range(count):
        good = ivar[row] > 0
        part = good & window
        level = np.median(flux[row][part] if part.sum() > 50 else flux[row][good]) if good.any() else 1.0
        level = level if level > 0 else 1.0
        flux[row] /= level
        ivar[row] *= level * level
    flux[ivar == 0] = 0.0
    kinds = np.array([k or "" for k in file["truth_kind"].to_pylist()])
    return {
        "id": file["object_id"].to_pylist(),
        "base": file["truth_base_id"].to_pylist(),
        "kind": kinds,
        "fold": np.array(file["truth_fold"].to_pylist()),
        "flux": flux.astype(np.float32),
        "ivar": ivar.astype(np.float32),
        "wave": 10.0**grid,
        "z": z,
        "observed": spectra,
    }


def chi2(flux, ivar, model):
    weight = ivar / (1 + ivar * (FLOOR * model) ** 2)
    return (weight * (flux - model) ** 2).sum(1) / np.maximum((ivar > 0).sum(1), 1)


def folds_of(data):
    for fold in np.unique(data["fold"]):
        yield data["fold"] != fold, data["fold"] == fold


def with_sklearn(data):
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor

    count = len(data["kind"])
    scores = {name: np.full(count, np.nan) for name in ("sklearn_pca_chi2", "sklearn_isolation_forest", "sklearn_lof")}
    for train, test in folds_of(data):
        flux, ivar = data["flux"], data["ivar"]
        good = ivar[train] > 0
        mean = np.where(good, flux[train], 0).sum(0) / np.maximum(good.sum(0), 1)
        filled = np.where(ivar > 0, np.clip(flux, -10, 10), mean)
        pca = PCA(LATENT, random_state=0).fit(filled[train])
        latent = pca.transform(filled)
        model = pca.inverse_transform(latent[test])
        scores["sklearn_pca_chi2"][test] = chi2(flux[test], ivar[test], model)
        forest = IsolationForest(n_estimators=300, random_state=0).fit(latent[train])
        scores["sklearn_isolation_forest"][test] = -forest.score_samples(latent[test])
        lof = LocalOutlierFactor(20, novelty=True).fit(latent[train])
        scores["sklearn_lof"][test] = -lof.score_samples(latent[test])
    return scores


def with_cnn(data, epochs):
    import torch
    from torch import nn

    torch.manual_seed(0)
    pixels = data["flux"].shape[1]

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            width, layers, channels = pixels, [], 2
            for out, size in ((16, 7), (32, 7), (64, 7)):
                layers += [nn.Conv1d(channels, out, size, 4, size // 2), nn.ReLU()]
                width, channels = (width + 2 * (size // 2) - size) // 4 + 1, out
            self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * width, LATENT))
            self.decoder = nn.Sequential(nn.Linear(LATENT, 256), nn.ReLU(), nn.Linear(256, pixels))

        def forward(self, flux, ivar):
            return self.decoder(self.encoder(torch.stack([flux, (ivar > 0).float()], 1))) + 1.0

    scores = np.full(len(data["kind"]), np.nan)
    for train, test in folds_of(data):
        model = Autoencoder()
        flux, ivar = (torch.tensor(data[name][train]).clamp(-100, 1e9 if name == "ivar" else 100) for name in ("flux", "ivar"))
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * -(-len(flux) // 32))
        for _ in range(epochs):
            for batch in torch.randperm(len(flux)).split(32):
                out = model(flux[batch], ivar[batch])
                weight = ivar[batch] / (1 + ivar[batch] * (FLOOR * out.detach()) ** 2)
                loss = (weight * (out - flux[batch]) ** 2).sum() / (ivar[batch] > 0).sum()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
        with torch.no_grad():
            out = model(torch.tensor(data["flux"][test]), torch.tensor(data["ivar"][test])).numpy()
        scores[test] = chi2(data["flux"][test], data["ivar"][test], out)
    return {"pytorch_cnn_chi2": scores}


def with_spender(data, epochs, device):
    import torch
    from spender import Instrument, NeuralDensityEstimator, SpectrumAutoencoder

    torch.manual_seed(0)
    # Numbers too small to be normal ones are zero: processors are slow with them.
    torch.set_flush_denormal(True)
    # spender encodes observed spectra on one grid and decodes in the rest frame.
    first = min(np.log10(wave[0]) for wave, _, _ in data["observed"])
    last = max(np.log10(wave[-1]) for wave, _, _ in data["observed"])
    grid = np.arange(first, last, 1e-4)
    wave = torch.tensor(10.0**grid, dtype=torch.float32)
    count = len(data["kind"])
    flux, ivar = np.zeros((count, len(grid)), np.float32), np.zeros((count, len(grid)), np.float32)
    for row, (own, f, v) in enumerate(data["observed"]):
        own = np.log10(own)
        good = np.interp(grid, own, (v > 0).astype(float), left=0, right=0) > 0.99
        flux[row] = np.where(good, np.interp(grid, own, f), 0)
        ivar[row] = np.where(good, np.interp(grid, own, v), 0)
        rest = 10.0**grid / (1 + data["z"][row])
        part = good & (rest > 5300) & (rest < 5850)
        level = np.median(flux[row][part] if part.sum() > 50 else flux[row][good]) if good.any() else 1.0
        level = level if level > 0 else 1.0
        flux[row] /= level
        # Their weights are bounded at 1e6, and a model error keeps bright spectra from ruling the loss.
        ivar[row] = np.where(good, 1 / (1 / np.maximum(ivar[row] * level**2, 1e-12) + FLOOR**2), 0)
    z = torch.tensor(data["z"], dtype=torch.float32)
    flux, ivar, z = torch.tensor(flux).clamp(-20, 20).to(device), torch.tensor(ivar).to(device), z.to(device)

    class Survey(Instrument):
        def __init__(self):
            super().__init__(wave)

    scores = {name: np.full(count, np.nan) for name in ("spender_loss", "spender_flow")}
    for train, test in folds_of(data):
        rest = torch.arange(data["wave"][0], data["wave"][-1], 1.5)
        model = SpectrumAutoencoder(Survey(), rest, n_latent=LATENT).to(device)
        train, test = np.flatnonzero(train), np.flatnonzero(test)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * -(-len(train) // 32))
        for _ in range(epochs):
            for batch in torch.tensor(train)[torch.randperm(len(train))].split(32):
                loss = model.loss(flux[batch], ivar[batch], z=z[batch]) / len(batch)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
        with torch.no_grad():
            for batch in torch.tensor(test).split(64):
                scores["spender_loss"][batch] = model.loss(flux[batch], ivar[batch], z=z[batch], individual=True).cpu().numpy()
            latent = torch.cat([model.encode(flux[batch]) for batch in torch.arange(count).split(64)])
        center, scale = latent[train].mean(0), latent[train].std(0) + 1e-6
        latent = (latent - center) / scale
        flow = NeuralDensityEstimator(dim=LATENT, initial_pos={"bounds": [[0, 0]] * LATENT, "std": [1.0] * LATENT}).to(device)
        optimizer = torch.optim.Adam(flow.parameters(), 1e-3, weight_decay=1e-4)
        held = torch.tensor(train)[torch.randperm(len(train))]
        held, shown = held[: len(held) // 8], held[len(held) // 8 :]
        best, kept = np.inf, None
        for _ in range(200):
            for batch in shown[torch.randperm(len(shown))].split(64):
                loss = -flow.log_prob(latent[batch].clamp(-8, 8)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                loss = float(-flow.log_prob(latent[held].clamp(-8, 8)).mean())
            if loss < best:
                best, kept = loss, {k: v.clone() for k, v in flow.state_dict().items()}
        flow.load_state_dict(kept)
        with torch.no_grad():
            scores["spender_flow"][test] = -flow.log_prob(latent[test]).cpu().numpy()
    return scores


def merit(labels, scores):
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = np.where(np.isfinite(scores), scores, np.nanmin(scores) - 1)
    order = np.argsort(-scores, kind="stable")
    recall = [labels[order][: max(1, round(share * len(labels)))].sum() / labels.sum() for share in (0.01, 0.05, 0.10)]
    return [roc_auc_score(labels, scores), average_precision_score(labels, scores), *recall]


def measured(data, scores, draws=200):
    """The figures with bootstrap errors, by objects."""
    labels = data["kind"] != ""
    value = merit(labels, scores)
    names, group = np.unique(data["base"], return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(len(names))]
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(draws):
        rows = np.concatenate([members[g] for g in random.integers(0, len(names), len(names))])
        if 0 < labels[rows].sum() < len(rows):
            drawn.append(merit(labels[rows], scores[rows]))
    return value, np.std(drawn, axis=0)


def by_kind(data, scores):
    from sklearn.metrics import roc_auc_score

    scores = np.where(np.isfinite(scores), scores, np.nanmin(scores) - 1)
    normal = data["kind"] == ""
    found = {}
    for kind in sorted(set(data["kind"]) - {""}):
        which = normal | (data["kind"] == kind)
        found[kind] = roc_auc_score(data["kind"][which] == kind, scores[which])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("draws", nargs="+", help="files of `spectriage benchmark ranking --export`, one a seed")
    parser.add_argument("--methods", default="sklearn,cnn,spender")
    parser.add_argument("--epochs", type=int, default=60, help="of the networks")
    parser.add_argument("--device", default="cpu", help="where spender runs: cpu, cuda")
    parser.add_argument("--json", help="write the figures here")
    arguments = parser.parse_args()
    methods = arguments.methods.split(",")
    lists = {}
    for path in arguments.draws:
        data = read(path)
        scores = {}
        if "sklearn" in methods:
            scores |= with_sklearn(data)
        if "cnn" in methods:
            scores |= with_cnn(data, arguments.epochs)
        if "spender" in methods:
            scores |= with_spender(data, arguments.epochs, arguments.device)
        for name, score in scores.items():
            lists.setdefault(name, []).append((*measured(data, score), by_kind(data, score)))
        print(f"{path}: {len(data['kind'])} spectra, {(data['kind'] != '').sum()} anomalies", file=sys.stderr)
    report = {}
    print(f"{'list':<26} {'AUC':<14} {'AP':<14} in the first 1, 5, 10 %")
    for name, runs in lists.items():
        value = np.mean([run[0] for run in runs], axis=0)
        # The seeds draw from the same objects, so that their errors are not independent: the mean error stands.
        error = np.mean([run[1] for run in runs], axis=0)
        print(f"{name:<26} {value[0]:.3f} +-{error[0]:.3f}  {value[1]:.3f} +-{error[1]:.3f}  " + " ".join(f"{v:.2f}" for v in value[2:]))
        kinds = sorted({kind for run in runs for kind in run[2]})
        report[name] = {
            "auc": [value[0], error[0]],
            "average_precision": [value[1], error[1]],
            "recall": list(value[2:]),
            "auc_by_kind": {kind: float(np.mean([run[2][kind] for run in runs if kind in run[2]])) for kind in kinds},
        }
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(report, file, indent=2)


if __name__ == "__main__":
    main()
