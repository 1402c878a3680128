"""Run a script of this folder in a process of its own, where Python adds no folder to its path."""

import os
import subprocess
import sys
from pathlib import Path


def run_beside(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tests/NAME.py, which may import what stands beside it; warnings are errors in it."""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-W", "error", "-m", name, *arguments]
    return subprocess.run(command, env=here, capture_output=True, text=True)
