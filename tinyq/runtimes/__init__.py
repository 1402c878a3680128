"""What the runtimes that people deploy do with int8 codes, as declared settings in NumPy.

`RUNTIMES` names each runtime's rules.  `forward` runs a layer under them, `finish` brings its
accumulators back to int8, `trace` runs a whole network.
`oracle` runs layers through the loop nests.
`make agreement` compares every setting with the runtime itself, byte for byte.
"""

from tinyq.runtimes import oracle
from tinyq.runtimes.qmean import QMean
from tinyq.runtimes.run import finish, forward, trace
from tinyq.runtimes.table import RUNTIMES, Runtime

__all__ = ["RUNTIMES", "QMean", "Runtime", "finish", "forward", "oracle", "trace"]
