"""What each layer's rounding costs: each one quantized alone, then each one alone left float."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.decision import Score, check_labels, score
from tinyq.analysis.mixed import grid_owners, mixed_logits
from tinyq.analysis.runs import Runs
from tinyq.checks import instance
from tinyq.layers.nodes import INPUT


@dataclass(frozen=True)
class OneAtATime:
    """Scores of runs in which one owner of a grid differs from all the others.

    alone_on: by name, the score with only that one quantized, which shows what it costs by itself;
    alone_off: by name, the score with only that one float, which shows what sparing it would win;
    all_off, all_on: the score of the float network (infinite SQNR) and of the int8 network.
    """

    alone_on: dict[str, Score]
    alone_off: dict[str, Score]
    all_off: Score
    all_on: Score


def one_at_a_time(runs: Runs, labels: NDArray[np.integer]) -> OneAtATime:
    """Quantize each owner of a grid alone, then all owners but that one; score every run's logits.

    To quantize a layer is to put its weights, bias and output on the grids that they have in the
    int8 network; see mixed_trace.  That takes 2 K runs for K owners; the seed's network has six.
    runs: of run_both; labels: integers (N,), 0..classes - 1.  Raises as accuracy does.

    >>> from tinyq import digits
    >>> from tinyq.analysis.runs import run_both
    >>> data = digits.load()
    >>> qnet = data.wide_net.quantize(data.images[data.calibration])
    >>> few = data.test[:100]
    >>> found = one_at_a_time(run_both(data.wide_net, qnet, data.images[few]), data.labels[few])
    >>> [round(s.sqnr_db) for s in (found.all_on, found.alone_off["block_conv3x3_a"])]
    [12, 31]
    """
    reference = instance("runs", runs, Runs).floats[runs.last]
    check_labels(labels, reference)
    owners = grid_owners(runs.qnet)

    def scored(*quantized: str) -> Score:
        logits = mixed_logits(runs.net, runs.qnet, runs.floats[INPUT], quantized)
        return score(logits, reference, labels)

    return OneAtATime(
        alone_on={name: scored(name) for name in owners},
        alone_off={name: scored(*(o for o in owners if o != name)) for name in owners},
        all_off=score(reference, reference, labels),
        all_on=score(runs.dequantized(runs.last), reference, labels),
    )
