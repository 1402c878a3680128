"""The error of the logits, split among the layers so that nothing is left over."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.runs import Runs
from tinyq.checks import checked
from tinyq.layers.nodes import run_nodes


@dataclass(frozen=True, eq=False)
class Telescope:
    """The logits of K + 1 hybrids of a float network and its int8 twin with K tensors.

    names: of the K tensors in running order, "input" first.
    hybrids: float32 (K + 1, N, classes).  Hybrid k makes its first k tensors in int8, dequantizes
    them and goes on in float: hybrid 0 is all float, hybrid K all int8.
    """

    names: tuple[str, ...]
    hybrids: NDArray[np.float32]

    @property
    def steps(self) -> NDArray[np.float64]:
        """What each tensor adds to the error, (K, N, classes): hybrid k minus hybrid k - 1."""
        return np.diff(self.hybrids.astype(np.float64), axis=0)

    @property
    def error(self) -> NDArray[np.float64]:
        """The whole error, (N, classes): int8 logits, dequantized, minus float logits."""
        return self.hybrids[-1].astype(np.float64) - self.hybrids[0]

    @property
    def remainder(self) -> NDArray[np.float64]:
        """What the steps miss of the error, (N, classes), summed exactly and then rounded.

        It is 0 where float64 holds the difference of every two neighbouring hybrids.  Float64 holds
        it unless one of the two is about 2**-29 of the other, or less.
        """
        terms = np.concatenate([self.hybrids[-1:], -self.hybrids[:1], -self.steps])
        sums = [math.fsum(column) for column in terms.reshape(len(terms), -1).T]
        return np.array(sums).reshape(self.error.shape)


@checked
def telescope(runs: Runs) -> Telescope:
    """Return the hybrids of two runs: the error of the logits, tensor by tensor.

    error = h_K - h_0 = sum over k = 1..K of (h_k - h_(k-1))                               (11.1)

    The sum telescopes, so the steps leave nothing over.  A step is what the rounding of the tensor
    and of its layer's weights does to the logits, when the layers before it are int8 and those
    after it float.  Another order of the layers would split the same error in another way.
    Every tensor that is still needed crosses the cut, including the skip of a residual block.
    Pad, ReLU and max pool add exactly 0; an average pool rounds.
    runs: of run_both.

    >>> from tinyq import resnet
    >>> from tinyq.analysis.runs import run_both
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> found = telescope(run_both(net, net.quantize(images), images[:1]))
    >>> found.steps.shape, bool(found.remainder.any())
    ((14, 1, 4), False)
    >>> [name for name, step in zip(found.names, found.steps) if step.any()][:3]
    ['input', 'stem_conv7x7_s2', 'block_conv3x3_a']
    """
    real = dict(runs.floats)
    hybrids = [runs.floats[runs.last]]
    for k, name in enumerate(runs.codes):
        real[name] = runs.dequantized(name)
        hybrids.append(run_nodes(runs.net.nodes[k:], real)[runs.last])
    return Telescope(tuple(runs.codes), np.stack(hybrids))
