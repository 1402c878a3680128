"""What the runtimes that people deploy do with int8 codes, as declared settings in NumPy.

`RUNTIMES` names each runtime's rules.  `forward` runs a layer under them, `finish` brings its
accumulators back to int8, `trace` runs a whole network.
`first_difference` finds where two runtimes part on a network and says why; `compare` does so for
tensors that were dumped from a device.
`oracle` runs layers through the loop nests.
`make agreement` compares every setting with the runtime itself, byte for byte.
"""

from tinyq.layers import QMean
from tinyq.runtimes import oracle
from tinyq.runtimes.difference import Difference, first_difference
from tinyq.runtimes.dump import Comparison, compare
from tinyq.runtimes.run import finish, forward, trace
from tinyq.runtimes.table import RUNTIMES, Runtime

__all__ = [
    "RUNTIMES",
    "Comparison",
    "Difference",
    "QMean",
    "Runtime",
    "compare",
    "finish",
    "first_difference",
    "forward",
    "oracle",
    "trace",
]
