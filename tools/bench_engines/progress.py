"""What is being measured, on stderr: a line that moves on a terminal, one a second elsewhere."""

import sys
import time

SECONDS_APART, SECONDS_APART_LIVE = 1.0, 0.1
WIDTH = 118


class Progress:
    """Tells which stage of a run is under way, and what it does."""

    def __init__(self, stages: int) -> None:
        self.stages, self.stage, self.title, self.said = stages, 0, "", 0.0
        self.live = sys.stderr.isatty()

    def enter(self, title: str) -> None:
        """Begin a stage; title: what is measured in it."""
        self.stage, self.title, self.said = self.stage + 1, title, 0.0

    def say(self, doing: str) -> None:
        """Print the stage and what it does, unless the last line is too new to have been read."""
        now = time.monotonic()
        if now - self.said < (SECONDS_APART_LIVE if self.live else SECONDS_APART):
            return
        self.said = now
        line = f"[{self.stage}/{self.stages}] {self.title}: {doing}"
        text = f"\r{line[:WIDTH]:{WIDTH}}" if self.live else f"{line}\n"
        print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line that moves."""
        if self.live:
            print(file=sys.stderr)
