"""Train the digit network and write tinyq/models/digits.npz: `python tools/train_digits.py [path]`.

The network has the seed's shape and 8 filters, with a batch norm after each convolution.  The
images are scikit-learn's handwritten digits.  A fixed seed, one thread and PyTorch's deterministic
kernels: two runs on one machine give the same file, byte for byte.  Another processor or another
PyTorch may round a sum differently and end at other weights, of about the same accuracy.

The number of epochs was fixed beforehand; the test images are looked at once, after the last.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from tinyq.export.files import rewrite
from tinyq.models import digits

SEED = 4
FILTERS = 8
EPOCHS = 80
BATCH = 32
LEARNING_RATE = 0.01
# Of each digit, in a seeded order: the first 50 are for the test, the next 20 for calibration.
TEST, CALIBRATION = 50, 20


class StemBlock(nn.Module):
    """The stem and the basic block of tinyq.resnet, with a batch norm after each convolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, filters, 7, stride=2, padding=3, bias=False)
        self.block1 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.block2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(filters) for name in digits.CONVS})
        self.dense = nn.Linear(filters, digits.CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, 10) of images (N, 3, 16, 16)."""
        x = functional.relu(self.norms["stem"](self.stem(images)))
        x = skip = functional.max_pool2d(x, 2)
        x = functional.relu(self.norms["block1"](self.block1(x)))
        x = self.norms["block2"](self.block2(x))
        return self.dense(functional.relu(x + skip).mean(dim=(2, 3)))


def split(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the indices of the train, calibration and test images, each digit in each part."""
    order = np.random.default_rng(SEED).permutation(len(labels))
    parts = {"train": [], "calibration": [], "test": []}
    for digit in range(digits.CLASSES):
        mine = order[labels[order] == digit]
        test, calibration, train = np.split(mine, [TEST, TEST + CALIBRATION])
        for name, indices in (("train", train), ("calibration", calibration), ("test", test)):
            parts[name].append(indices)
    return {name: np.sort(np.concatenate(each)).astype(np.int16) for name, each in parts.items()}


def shift(scans: Tensor) -> Tensor:
    """Move each scan (N, 8, 8) by -1, 0 or 1 pixel each way: the training set's only variation."""
    padded = functional.pad(scans, (1, 1, 1, 1))
    corners = torch.randint(0, 3, (len(scans), 2)).tolist()
    return torch.stack([p[y : y + 8, x : x + 8] for p, (y, x) in zip(padded, corners, strict=True)])


def images(scans: Tensor) -> Tensor:
    """Return the network's images (N, 3, 16, 16) of scans (N, 8, 8)."""
    return torch.from_numpy(digits.upsample(scans.numpy())).permute(0, 3, 1, 2)


def train(model: StemBlock, scans: Tensor, labels: Tensor) -> None:
    """Train the model in place, with a line of progress for every tenth epoch."""
    steps = EPOCHS * -(-len(scans) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for batch in torch.randperm(len(scans)).split(BATCH):
            loss = functional.cross_entropy(model(images(shift(scans[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if epoch == 1 or epoch % 10 == 0:
            print(f"epoch {epoch:3}/{EPOCHS}  loss {total / len(scans):.4f}", flush=True)


def parameters(model: StemBlock) -> dict[str, np.ndarray]:
    """Return the trained arrays under the names that tinyq.digits reads, weights as OHWI."""
    arrays = {"dense_weights": model.dense.weight, "dense_bias": model.dense.bias}
    for name in digits.CONVS:
        norm = model.norms[name]
        arrays[f"{name}_weights"] = getattr(model, name).weight.permute(0, 2, 3, 1)
        arrays |= {f"{name}_gamma": norm.weight, f"{name}_beta": norm.bias}
        arrays |= {f"{name}_mean": norm.running_mean, f"{name}_var": norm.running_var}
        arrays[f"{name}_eps"] = torch.tensor(norm.eps)
    return {name: np.array(array.detach().numpy(), order="C") for name, array in arrays.items()}


def main(path: Path) -> None:
    """Train, write the file in one step, and print the test accuracy of what was written."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the order of a threaded sum is not fixed
    torch.use_deterministic_algorithms(True)
    data = load_digits()
    scans, labels = data.images.astype(np.uint8), data.target.astype(np.uint8)
    parts, model = split(labels), StemBlock(FILTERS)
    chosen = torch.from_numpy(parts["train"].astype(np.int64))
    train(model, torch.from_numpy(scans)[chosen], torch.from_numpy(labels).long()[chosen])
    arrays = {"scans": scans, "labels": labels, "source": np.array(digits.SOURCE), **parts}
    with TemporaryDirectory() as folder:
        draft = Path(folder, "digits.npz")
        np.savez_compressed(draft, **arrays, **parameters(model))
        written = digits.load(draft)  # what the package would refuse is not put in place
        rewrite(path, draft.read_bytes())
    test = written.test
    right = written.net(written.images[test]).argmax(axis=1) == written.labels[test]
    print(f"{path}: {path.stat().st_size} bytes, test accuracy {100 * right.mean():.2f} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else digits.PATH)
