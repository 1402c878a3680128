"""tinyq itself: the layers' plain forward, and the engines that give the same bytes."""

from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np

from tinyq.engines.plan import ENGINES
from tools.bench_engines.cases import Case
from tools.bench_engines.session import Session

LAYERS = "layers"


def prepare(case: Case, runner: str) -> Callable[[], Session]:
    """Return what builds a session; runner: LAYERS, or an engine of QNetwork.compile."""
    if runner == LAYERS:
        return lambda: Session(partial(case.qnet, case.codes), np.asarray)
    import_module(ENGINES[runner])  # as the runtimes are imported before their models are built
    return partial(compiled, case, runner)


def compiled(case: Case, engine: str) -> Session:
    """Return a session on the plan of an engine."""
    plan = case.qnet.compile(engine=engine, batch=case.batch)
    return Session(partial(plan, case.codes), np.asarray, plan.nbytes)
