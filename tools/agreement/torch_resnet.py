"""PyTorch's own ResNet-18 of basic blocks, with torchvision's names: the yardstick of load_torch.

`python -m tools.agreement.torch_resnet` writes its logits for the cases of test_load_torch.py.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tinyq.export.files import rewrite
from tinyq.models import resnet
from tools.agreement import report, resnets

STORED = Path("tests/data/resnet18_logits.json")
# name: (widths, image size, images)
CASES = {
    "narrow": (resnets.NARROW, (33, 46), 3),
    "whole": (resnets.WIDTHS, (64, 64), 1),
}
SEED = 7


class Block(nn.Module):
    """A basic block."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride > 1 or channels != width:
            projection = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        shortcut = self.downsample(x) if self.downsample else x
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """ResNet-18; widths: channels of its four layers."""

    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels = widths[0]
        for layer, width in enumerate(widths, 1):
            first = Block(channels, width, stride=1 if layer == 1 else 2)
            setattr(self, f"layer{layer}", nn.Sequential(first, Block(width, width, 1)))
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (N, classes) of images (N, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def model(state: Mapping[str, NDArray]) -> ResNet18:
    """Return the network with a state of resnets.state; every name must fit."""
    widths = [len(state[f"layer{layer}.0.bn1.weight"]) for layer in (1, 2, 3, 4)]
    made = ResNet18(widths, len(state["fc.bias"]))
    made.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in state.items()})
    return made.eval()


def logits(made: ResNet18, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return PyTorch's float logits (N, classes) of images (N, H, W, 3)."""
    channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    with torch.no_grad():
        return made(torch.from_numpy(channels_first)).numpy()


def largest_difference(seed: int) -> float:
    """Return how far tinyq's float logits are from PyTorch's, on a whole ResNet-18 at 64x64."""
    state, images = resnets.state(seed), resnets.images(seed, 2, (64, 64))
    made = model(state)
    return float(np.abs(resnet.resnet18(made.state_dict())(images) - logits(made, images)).max())


def main() -> int:
    """Write the logits of each case, and where they come from."""
    cases = {}
    for name, (widths, size, count) in CASES.items():
        images = resnets.images(SEED, count, size)
        got = logits(model(resnets.state(SEED, widths)), images)
        cases[name] = {"widths": widths, "size": size, "logits": got.tolist()}
    about = {
        "made_by": "python -m tools.agreement.torch_resnet",
        "seed": SEED,
        "machine": report.machine(),
        "date": report.today(),
        "version": f"torch {torch.__version__}",
    }
    rewrite(STORED, report.as_json({**about, "cases": cases}).encode())
    print(f"wrote {STORED}: {STORED.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
