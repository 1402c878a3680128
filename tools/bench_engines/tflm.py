"""TensorFlow Lite Micro, on the file that a network was opened from, a sample at a time."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro.runtime import Interpreter

from tools.bench_engines.cases import Case
from tools.bench_engines.session import Session

ARENA = 1 << 22


def prepare(case: Case, runner: str) -> Callable[[], Session]:
    """Return what builds a session."""
    return partial(session, case.content, case.codes)


def session(model: bytes, codes: NDArray[np.int8]) -> Session:
    """Return a session on a .tflite."""
    interpreter = Interpreter.from_bytes(model, arena_size=ARENA)

    def call() -> NDArray[np.int8]:
        made = []
        for sample in codes:
            interpreter.set_input(sample[None], 0)
            interpreter.invoke()
            made.append(interpreter.get_output(0))
        return np.concatenate(made)

    return Session(call, np.asarray)
