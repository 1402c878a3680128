"""Mutants: named bugs of the kind that int8 code really has, to be planted and caught.

Each is a wrong function of a few lines that replaces a right one, with one sentence on what is
wrong and one on how to notice it.  A test plants every one and demands that a check finds it: first
the seed's own pass mark, then its golden bytes, then the layers against the loop nests.

>>> from tinyq import resnet
>>> seed = resnet.seed()
>>> with passing.relu_at_code_zero.planted():
...     qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
...     qnet(seed.images[:1]).tolist()                    # not -8, 102, 89, -41
[[127, 127, 127, 56]]
"""

from tinyq.mutants import add, grids, passing, rescale, sums, weights
from tinyq.mutants.mutant import Mutant

#: Every mutant, from the grid to the residual add.
MUTANTS = tuple(
    mutant
    for module in (grids, weights, sums, rescale, passing, add)
    for mutant in vars(module).values()
    if isinstance(mutant, Mutant)
)

__all__ = ["MUTANTS", "Mutant"]
