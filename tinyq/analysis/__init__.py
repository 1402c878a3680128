"""Find the error: where an int8 network leaves its float twin, and what it costs."""

from tinyq.analysis.alone import OneAtATime, one_at_a_time
from tinyq.analysis.bits import BitSweep, LayerBitSweep, sweep_bits, sweep_layer_bits
from tinyq.analysis.decision import Score, accuracy, agreement, predict, score
from tinyq.analysis.errors import TensorError, tensor_errors
from tinyq.analysis.hybrids import Telescope, telescope
from tinyq.analysis.mixed import grid_owners, mixed_logits, mixed_trace
from tinyq.analysis.runs import Runs, run_both

__all__ = [
    "BitSweep",
    "LayerBitSweep",
    "OneAtATime",
    "Runs",
    "Score",
    "Telescope",
    "TensorError",
    "accuracy",
    "agreement",
    "grid_owners",
    "mixed_logits",
    "mixed_trace",
    "one_at_a_time",
    "predict",
    "run_both",
    "score",
    "sweep_bits",
    "sweep_layer_bits",
    "telescope",
    "tensor_errors",
]
