"""Whatever the reader still reads of a damaged .tflite is opened, or refused line by line."""

import json
import re
from collections import Counter

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the sound files are made with LiteRT's schema", exc_type=ImportError
)

from beside import run_beside  # noqa: E402
from tflite_changes import changed  # noqa: E402
from tflite_mutants import mutants  # noqa: E402

from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402

LINE = re.compile(r"(model|operator \d+, .* version -?\d+): .")
MOST = 1 << 18  # codes of the largest tensor of a network that is run


def became(name: str, content: bytes) -> str:
    """Open a file; a network that opens must run, on a code that is everywhere the same."""
    try:
        model = parse(content)
    except ValueError:
        return "unread"
    try:
        network = to_network(model, understand(model))
    except ValueError as error:
        assert all(map(LINE.match, str(error).splitlines())), (name, error)
        return "refused"
    if max(map(np.prod, network.shapes().values())) < MOST:
        network(np.full((1, *network.image_shape), 3, np.int8))
    return "network"


def test_files_that_say_something_else_are_opened_or_refused():
    met = Counter(became(name, content) for name, content in changed(200, 0))
    assert min(met[what] for what in ("network", "refused")) > 15, met


def test_some_mutants_are_opened_or_refused():
    met = Counter(became(name, content) for name, content in mutants(200, 4))
    assert min(met[what] for what in ("unread", "network", "refused")) > 3, met


@pytest.mark.full
def test_two_thousand_files_that_say_something_else():
    met = Counter(became(name, content) for name, content in changed(2000, 1))
    assert min(met[what] for what in ("unread", "network", "refused")) > 200, met


@pytest.mark.full
def test_five_thousand_mutants_under_limits_of_time_and_memory():
    run = run_beside("tflite_mutants", "5000", "5", "open")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert not told["wrong"], "\n".join(told["wrong"])
    assert sum(told["counts"].values()) == 5000
