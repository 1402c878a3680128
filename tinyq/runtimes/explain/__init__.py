"""Why a place of a tensor has its code: facts that all rules share, and the steps of each rule.

`table` says by layer type how; `steps` has the five roundings, `linear` the layers with
accumulators, `add` the sums, `elementwise` products, differences, rescales, tables and softmax,
`pool` the means, `codes` what can be told of any layer.
"""

from tinyq.runtimes.explain.codes import Explanation, Spot
from tinyq.runtimes.explain.steps import Step, decimal, pair_of, rounding_steps
from tinyq.runtimes.explain.table import explain

__all__ = ["Explanation", "Spot", "Step", "decimal", "explain", "pair_of", "rounding_steps"]
