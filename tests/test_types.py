"""A user's code type-checks against tinyq, and what is wrong in it is refused."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_users_code_type_checks():
    # With the cache of `make lint`, which checks the package itself; this file alone costs seconds.
    command = [sys.executable, "-m", "mypy", "tests/typed_use.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
