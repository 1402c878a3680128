"""Whether other processes were at work: what was measured meanwhile is measured again."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = (1, 2, 3, 6, 7, 8)  # user, nice, system, irq, softirq, steal
MOST, TICKS = 0.1, 2  # of one core; and what two readings of a clock that ticks may be off by


def worked() -> float:
    """Return for how many seconds all cores have worked by now; 0 where the system does not say."""
    if not STAT.exists():
        return 0.0
    fields = STAT.read_text().split("\n", 1)[0].split()
    return sum(int(fields[place]) for place in BUSY) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Watches the processor from when it is made."""

    def __init__(self) -> None:
        self.begun, self.worked = time.monotonic(), worked()

    def quiet(self, own: float) -> bool:
        """Return whether others took no more than MOST of a core; own: seconds that we worked."""
        allowed = MOST * (time.monotonic() - self.begun) + TICKS / os.sysconf("SC_CLK_TCK")
        return worked() - self.worked - own <= allowed
