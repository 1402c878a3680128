"""Models that other people made, opened: our engines beside the runtimes on the files themselves.

They are no part of the record, for the models are no part of the project.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinyq import load_tflite
from tools.bench_engines import report
from tools.bench_engines.cases import Case, work
from tools.bench_engines.measure import Team, half_way
from tools.bench_engines.runners import ENGINES, FILES, LAYERS
from tools.bench_engines.tables import described, timed

BATCHES = 1, 16


def opened(folder: Path, rounds: int, end: float) -> dict:
    """Return networks, runs and missing of a folder's models, as `tables` does of the cases.

    end: when to stop.  A model that does not open, and one of real numbers, is missing.
    """
    networks, runs, missing = {}, [], {}
    for path in sorted(folder.glob("*.tflite")):
        try:
            cases = [*cases_of(path)]
        except ValueError as error:
            missing[path.stem] = str(error).splitlines()[0]
            continue
        for one in cases:
            cost = work(one.qnet)
            networks[one.network] = described(one, cost)
            with Team([LAYERS, *ENGINES, *FILES], [one], half_way(end)) as team:
                report.say(f"\n{report.where(one)}")
                runs += timed(one, cost, team, rounds)
            missing |= {f"{name}, {report.where(one)}": why for name, why in team.missing.items()}
    return {"networks": [*networks.values()], "runs": runs, "missing": missing}


def cases_of(path: Path) -> Iterator[Case]:
    """Yield a file's network on random codes, one and several at a time.

    Raises ValueError for a model that is refused, or has real numbers at its ends.
    """
    qnet, content = load_tflite(path), path.read_bytes()
    if qnet.float_input or qnet.float_output:
        raise ValueError("its ends are real numbers")
    for batch in BATCHES:
        rng = np.random.default_rng(0)
        codes = rng.integers(-128, 128, (batch, *qnet.image_shape)).astype(np.int8)
        yield Case(path.stem, None, qnet, codes, content)
