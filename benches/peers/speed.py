"""The PyTorch side of `spectriage benchmark speed`: the same networks, batch, loss, Adam, L1 norm and clipping, on the processor or a GPU.

    python benches/peers/speed.py --model skip --pixels 7281 --batch 8 --threads 2
    python benches/peers/speed.py --model skip --batch 8,64,512 --device cuda --compile --precision tf32

prints the same JSON, a line for every batch. On a GPU the spectra are in pinned host memory (`--pageable`: in ordinary one) and copied without waiting, losses are
read at the end of an epoch, and Adam is the fused one; `--precision default` is what PyTorch does when nobody asks (TF32 in convolutions). `--curve FILE` trains on the data and from the weights that `spectriage benchmark speed --curve FILE` wrote, and
prints both loss curves.
"""

import argparse
import json
import statistics
import struct
import time

import torch
from torch import nn
from torch.nn import functional as F

ERROR_FLOOR = 0.02
LEARNING_RATE = 1e-3
L1 = 1e-6
CLIP = 1.0
DECODER_RATE = 0.05
OUTLIER_SIGMA = 5.0
STRANGE_LOSS = 3.0


class Skip(nn.Module):
    """The original's CNNAutoencoderWithSkip."""

    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv1d(1, 64, 3, 2, 1)
        self.down2 = nn.Conv1d(64, 32, 3, 2, 1)
        self.down3 = nn.Conv1d(32, 16, 3, 2, 1)
        self.up1 = nn.ConvTranspose1d(16, 32, 3, 2, 1, 1)
        self.up2 = nn.ConvTranspose1d(32, 64, 3, 2, 1, 1)
        self.up3 = nn.ConvTranspose1d(64, 1, 3, 2, 1, 0)

    def forward(self, flux, ivar):
        x1 = F.relu(self.down1(flux))
        x2 = F.relu(self.down2(x1))
        x3 = F.relu(self.down3(x2))
        y = F.relu(self.up1(x3))
        n = min(y.shape[2], x2.shape[2])
        y = y[:, :, :n] + x2[:, :, :n]
        y = F.relu(self.up2(y))
        n = min(y.shape[2], x1.shape[2])
        y = self.up3(y[:, :, :n] + x1[:, :, :n])
        if y.shape[2] < flux.shape[2]:
            y = torch.cat([y, y[:, :, -1:]], 2)
        return y

    def bounded(self, losses):
        return losses

    outlier_sigma = 0.0


class Bottleneck(nn.Module):
    """The default network, as src/model/bottleneck.rs has it."""

    def __init__(self, pixels, latent=10, hidden=128):
        super().__init__()
        self.conv1 = nn.Conv1d(2, 16, 9, 4, 4)
        self.conv2 = nn.Conv1d(16, 32, 7, 4, 3)
        self.conv3 = nn.Conv1d(32, 32, 5, 4, 2)
        length = pixels
        for _ in range(3):
            length = (length - 1) // 4 + 1
        self.features = nn.Linear(32 * length, 64)
        self.latent = nn.Linear(64, latent)
        self.register_buffer("components", torch.randn(latent, pixels) * 0.1)
        self.departures = nn.Parameter(torch.zeros(latent, pixels))
        self.hidden1 = nn.Linear(latent, hidden)
        # [hidden, pixels], as burn keeps it.
        self.hidden2 = nn.Parameter(torch.zeros(hidden, pixels))
        self.register_buffer("mean", torch.ones(pixels))
        self.register_buffer("typical_ivar", torch.tensor([25.0]))

    def forward(self, flux, ivar):
        weight = ivar / (ivar + self.typical_ivar)
        x = torch.cat([(flux - self.mean) * weight, weight], 1)
        x = F.gelu(self.conv1(x))
        x = F.gelu(self.conv2(x))
        x = F.gelu(self.conv3(x))
        z = self.latent(F.gelu(self.features(x.flatten(1, 2))))
        curved = F.silu(self.hidden1(z)) @ self.hidden2 * DECODER_RATE
        flat = z @ (self.components + self.departures * DECODER_RATE)
        return (curved + flat + self.mean)[:, None, :]

    def bounded(self, losses):
        return torch.log1p(losses / STRANGE_LOSS) * STRANGE_LOSS

    outlier_sigma = OUTLIER_SIGMA


def losses(flux, ivar, output, outlier_sigma):
    weight = ivar / (ivar * (output.detach() * ERROR_FLOOR).square() + 1.0)
    squares = (output - flux).square() * weight
    if outlier_sigma > 0.0:
        limit = outlier_sigma * outlier_sigma
        squares = ((squares / limit + 1.0).sqrt() - 1.0) * (2.0 * limit)
    valid = (ivar > 0).float().sum(2).clamp_min(1.0)
    return (squares.sum(2) / valid).reshape(-1)


def objective(model, flux, ivar, l1):
    """The loss that is told, and the one that is learned from."""
    output = model(flux, ivar)
    loss = model.bounded(losses(flux, ivar, output.float(), model.outlier_sigma)).mean()
    if l1 > 0.0:
        return loss.detach(), loss + l1 * sum(p.abs().sum() for p in model.parameters())
    return loss.detach(), loss


def update(model, optimizer, told, loss):
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    return told


def step(model, optimizer, flux, ivar, l1):
    optimizer.zero_grad()
    told, loss = objective(model, flux, ivar, l1)
    value = told.item()
    update(model, optimizer, told, loss)
    return value


def median_rate(work, spectra, epochs):
    work()
    rates = []
    for _ in range(epochs):
        started = time.perf_counter()
        work()
        rates.append(spectra / (time.perf_counter() - started))
    return statistics.median(rates)


def read_curve(path):
    """Data, weights and losses that `spectriage benchmark speed --curve` wrote: a line of JSON, then little-endian float32."""
    with open(path, "rb") as file:
        head = json.loads(file.readline())
        body = file.read()
    values = torch.tensor(struct.unpack(f"<{len(body) // 4}f", body))
    tensors, at = {}, 0
    for name, shape in head["tensors"]:
        count = 1
        for size in shape:
            count *= size
        tensors[name] = values[at : at + count].reshape(shape)
        at += count
    return head, tensors


def compare_curve(path):
    head, tensors = read_curve(path)
    flux, ivar = tensors["flux"][:, None, :], tensors["ivar"][:, None, :]
    model = Skip() if head["model"] == "skip" else Bottleneck(head["pixels"])
    state = model.state_dict()
    for name in state:
        given = tensors["hidden2.weight" if name == "hidden2" else name]
        # burn keeps the weights of a linear layer as [in, out].
        state[name] = given.T if name in ("features.weight", "latent.weight", "hidden1.weight") else given
    model.load_state_dict(state)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    curve = []
    for _ in range(len(head["losses"])):
        sums = 0.0
        for at in range(0, len(flux), head["batch"]):
            part = slice(at, at + head["batch"])
            sums += step(model, optimizer, flux[part], ivar[part], L1) * len(flux[part])
        curve.append(sums / len(flux))
    worst = max(abs(a - b) / abs(b) for a, b in zip(head["losses"], curve))
    print(json.dumps({"losses_spectriage": head["losses"], "losses_pytorch": curve, "largest_relative_difference": worst}))


def measure(given, batch):
    """One line of JSON for one batch size."""
    cuda = given.device.startswith("cuda")
    spectra = given.spectra or (max(64 * 8, 2 * batch) if cuda else 64)
    torch.manual_seed(0)
    flux = torch.randn(spectra, 1, given.pixels) * 0.2 + 1.0
    ivar = torch.full_like(flux, 25.0)
    if cuda and not given.pageable:
        flux, ivar = flux.pin_memory(), ivar.pin_memory()
    model = (Skip() if given.model == "skip" else Bottleneck(given.pixels)).to(given.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=cuda)
    parts = [(flux[at : at + batch], ivar[at : at + batch]) for at in range(0, spectra, batch)]
    forward, aim = model, objective
    if given.compile:
        forward = torch.compile(model, mode=given.mode, dynamic=False)
        aim = torch.compile(objective, mode=given.mode, dynamic=False)
    half = torch.autocast("cuda", torch.bfloat16, enabled=given.precision == "bf16" and cuda)

    def arrive(part):
        return [tensor.to(given.device, non_blocking=True) for tensor in part]

    def train():
        if not cuda:
            for part in parts:
                step(model, optimizer, *part, L1)
            return
        told = []
        for part in parts:
            optimizer.zero_grad()
            with half:
                now, loss = aim(model, *arrive(part), L1)
            told.append(update(model, optimizer, now.clone(), loss))
        torch.stack(told).cpu()
        torch.cuda.synchronize()

    def reconstruct():
        with torch.inference_mode(), half:
            for part in parts:
                out = forward(*arrive(part))
                if cuda:
                    out.float().cpu()

    def rate(name, work):
        return round(median_rate(work, spectra, given.epochs), 1) if given.only in (None, name) else None

    rates = rate("train", train), rate("reconstruct", reconstruct)
    print(
        json.dumps(
            {
                "program": "pytorch",
                "version": torch.__version__,
                "model": given.model,
                "pixels": given.pixels,
                "batch": batch,
                "threads": torch.get_num_threads(),
                "device": torch.cuda.get_device_name() if cuda else "cpu",
                "instruction_set": None if cuda else torch.backends.cpu.get_cpu_capability(),
                "compile": given.mode if given.compile else None,
                "precision": given.precision,
                "pageable": given.pageable,
                "train_spectra_per_s": rates[0],
                "reconstruct_spectra_per_s": rates[1],
            }
        ),
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=["skip", "bottleneck"], default="skip")
    parser.add_argument("--pixels", type=int, default=7281)
    parser.add_argument("--batch", default="8", help="one size, or several with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--spectra", type=int, help="spectra of an epoch")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--mode", default="default", help="mode of torch.compile: default, or reduce-overhead for CUDA graphs")
    parser.add_argument("--precision", choices=["default", "float32", "tf32", "bf16"], default="default")
    parser.add_argument("--pageable", action="store_true", help="spectra in ordinary memory of the host, as they come from a file")
    parser.add_argument("--only", choices=["train", "reconstruct"], help="one of the two")
    parser.add_argument("--curve", help="compare the loss with the curve in this file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.precision in ("float32", "tf32"):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = given.precision == "tf32"
    if given.curve:
        return compare_curve(given.curve)
    for batch in given.batch.split(","):
        measure(given, int(batch))


if __name__ == "__main__":
    main()
