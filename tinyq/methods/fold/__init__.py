"""Change a float network's weights and keep its function: folding, equalization, bias correction.

All run on the host in float64, before a network is quantized.  Weights have the output channel
first: OHWI for a convolution, (out, in) for a dense layer.
"""

from tinyq.methods.fold.bias import correct_bias
from tinyq.methods.fold.norm import batch_norm, fold_batch_norm
from tinyq.methods.fold.scaling import equalize, rescale

__all__ = ["batch_norm", "correct_bias", "equalize", "fold_batch_norm", "rescale"]
