"""Fine-tuning with the straight-through estimator: train the floats whose rounded values run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, in_float, whole
from tinyq.floatref import FloatLayer, Weighted
from tinyq.layers.nodes import Node
from tinyq.layers.scheme import INT8, Scheme
from tinyq.methods.adam import Adam
from tinyq.methods.fakequant import backward, fake_forward, round_weights
from tinyq.network import Network
from tinyq.observers import MinMax, Observer

Array = NDArray[np.float32]
EPOCHS = 12
RATE = 0.003
BATCH = 32


@checked
@in_float("images, calibration and weights")
def finetune(
    net: Network,
    images: Array,
    labels: NDArray[Any],
    calibration: Array,
    *,
    observer: Callable[[], Observer] = MinMax,
    scheme: Scheme = INT8,
    schemes: Mapping[str, Scheme] = MappingProxyType({}),
    epochs: int = EPOCHS,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> Network:
    """Return net trained further with its rounding in the loop; its weights lie on their codes.

    Adam lowers the cross-entropy of the fake-quantized logits (see tinyq.methods.fakequant), in
    batches of 32 in a seeded order, with a rate that falls in a straight line from 0.003.  Each
    epoch begins with new grids, made as ``net.quantize(calibration, observer=..., scheme=...,
    schemes=...)`` makes them.  Quantize the result with the same arguments.  Sums run in a fixed
    order and exp is rounded to float32, so the weights do not depend on a BLAS, its threads or the
    processor.

    net: left as it was; images: float32 (N, H, W, C), N >= 1; labels: integers (N,), each below the
    number of classes; calibration: float32 (N, H, W, C); observer, scheme, schemes: as
    Network.quantize takes them; epochs: >= 1; seed: >= 0; progress: called with each epoch, from 1,
    and its mean loss.
    Raises TypeError for a wrong type, ValueError for labels that do not fit, epochs < 1, seed < 0,
    and what Network.quantize raises.
    Source: Bengio et al. 2013, section 4; Jacob et al. 2018, section 3.
    """
    whole("epochs", epochs, 1)
    whole("seed", seed, 0)
    _check_labels(labels, len(images), net(images[:1]).shape[1])
    adam = Adam(_parameters(net), RATE)
    order = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        adam.rate = RATE * (1 - (epoch - 1) / epochs)
        rounded = round_weights(_moved(net, adam.parameters), scheme, schemes)
        qnet = rounded.quantize(calibration, observer=observer, scheme=scheme, schemes=schemes)
        total = 0.0
        for batch in _batches(order.permutation(len(images))):
            rounded = round_weights(_moved(net, adam.parameters), scheme, schemes)
            loss, slopes = _loss_and_slopes(rounded, qnet.grids, images[batch], labels[batch])
            adam.step(slopes)
            total += loss * len(batch)
        if progress:
            progress(epoch, total / len(images))
    return round_weights(_moved(net, adam.parameters), scheme, schemes)


@checked
@in_float("logits")
def cross_entropy(logits: NDArray[np.floating], labels: NDArray[Any]) -> tuple[float, Array]:
    """Return the mean loss of the logits, and its derivative by each of them.

    loss = mean of -log p[label],   slope = (p - one_hot(label)) / N,   p = softmax(logits)  (12.3)

    logits: floats (N, classes), N >= 1; labels: integers (N,), each below the number of classes.
    Returns a float and float32.  Raises TypeError or ValueError for anything else.

    >>> loss, slope = cross_entropy(np.float32([[0, 0]]), np.array([1]))
    >>> round(loss, 4), slope.tolist()
    (0.6931, [[0.5, -0.5]])
    """
    if logits.ndim != 2:
        raise ValueError(f"logits must be (N, classes), got {logits.shape}")
    _check_labels(labels, *logits.shape)
    # Less the largest logit of each image, which softmax does not notice: exp cannot overflow.
    wide, rows = logits.astype(np.float64), np.arange(len(labels))
    below = wide - wide.max(axis=1, keepdims=True)
    lifted = np.exp(below)
    sums = lifted.sum(axis=1, keepdims=True)
    loss = float(np.mean(np.log(sums[:, 0]) - below[rows, labels]))
    # exp differs by an ulp of float64 between machines; rounded to float32 it does not
    slope = (lifted / sums).astype(np.float32)
    slope[rows, labels] -= 1
    return loss, slope / np.float32(len(labels))


def _loss_and_slopes(
    rounded: Network, grids: Mapping[str, Grid], images: Array, labels: NDArray[Any]
) -> tuple[float, list[Array]]:
    """Return a batch's mean loss, and its derivative by the weights and bias of each layer."""
    run = fake_forward(rounded, grids, images)
    loss, slope = cross_entropy(run.tensors[rounded.nodes[-1].name], labels)
    slopes = backward(rounded, grids, run, slope)
    names = [node.name for node in rounded.nodes if isinstance(node.layer, Weighted)]
    return loss, [part for name in names for part in slopes[name]]


def _batches(order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.split(order, range(BATCH, len(order), BATCH))


def _parameters(net: Network) -> list[NDArray[np.floating]]:
    """Return float32 copies of all weights and biases, in running order, for Adam to move."""
    layers = [node.layer for node in net.nodes if isinstance(node.layer, Weighted)]
    return [part.astype(np.float32) for layer in layers for part in (layer.weights, layer.bias)]


def _moved(net: Network, parameters: Sequence[NDArray[np.floating]]) -> Network:
    """Return net on the parameters as they are now; it copies them."""
    left = iter(parameters)

    def moved(node: Node[FloatLayer]) -> Node[FloatLayer]:
        if not isinstance(node.layer, Weighted):
            return node
        return replace(node, layer=replace(node.layer, weights=next(left), bias=next(left)))

    return replace(net, nodes=tuple(moved(node) for node in net.nodes))


def _check_labels(labels: NDArray[Any], count: int, classes: int) -> None:
    """Raise unless each of count images, at least one, has an integer label below classes."""
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got {labels.dtype}")
    if labels.shape != (count,) or not count:
        raise ValueError(
            f"labels must be integers ({count},), one an image, N >= 1, got {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
