"""One process a runtime: what it aborts on takes no other runtime along."""

import time
from argparse import Namespace
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context

from tinyq.runtimes import RUNTIMES
from tools.agreement import adapters, suite
from tools.agreement.cases import cases

NETWORKS = "networks"


@dataclass
class Result:
    """What came of one runtime.

    version: in words; pairs: one an operator; wholes: one a way to write a network;
    stopped: why there is not more.
    """

    runtime: str
    version: str = ""
    pairs: list[suite.Pair] = field(default_factory=list)
    wholes: list[suite.Whole] = field(default_factory=list)
    stopped: str | None = None


def version(runtime: str) -> str:
    """Return a runtime's version.  Raises ImportError where it is not there."""
    return adapters.load(runtime).version


def one_operator(runtime: str, operator: str, count: int, seed: int) -> suite.Pair:
    """Return the pair of a runtime and an operator."""
    run = adapters.load(runtime).run
    return suite.measure(runtime, operator, cases(operator, count, seed), run)


def networks(runtime: str, count: int, seed: int) -> list[suite.Whole]:
    """Return a runtime's whole networks, one a way to write them."""
    pipeline = adapters.load(runtime).pipeline
    return [
        suite.measure_network(runtime, variant, count, seed, pipeline)
        for variant in adapters.variants(runtime)
    ]


def measure_runtime(runtime: str, options: Namespace) -> Result:
    """Return what came of a runtime, printing a line an operator.

    options: operators (NETWORKS among them, or not), count, images, seed.
    """
    result, doing = Result(runtime), "its import"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            result.version = process.submit(version, runtime).result()
            for doing in options.operators:
                if doing != NETWORKS and not suite.measured(RUNTIMES[runtime], doing):
                    print(f"{runtime:17} {doing:20} tinyq declares no rule", flush=True)
                    continue
                start = time.monotonic()
                line = one_task(process, result, doing, options)
                seconds = time.monotonic() - start
                print(f"{runtime:17} {doing:20} {line}, {seconds:.1f} s", flush=True)
        except ImportError as error:
            result.stopped = f"not importable: {error}"
        except BrokenProcessPool:
            result.stopped = f"its process died in {doing}"
    return result


def one_task(process: ProcessPoolExecutor, result: Result, doing: str, options: Namespace) -> str:
    """Measure one operator, or the networks, into result; return the counts in words."""
    if doing == NETWORKS:
        task = process.submit(networks, result.runtime, options.images, options.seed)
        result.wholes = task.result()
        equal = ", ".join(str(whole.own) for whole in result.wholes)
        return f"{equal} of {result.wholes[0].images} images equal"
    task = process.submit(one_operator, result.runtime, doing, options.count, options.seed)
    result.pairs.append(task.result())
    return summary(result.pairs[-1])


def summary(pair: suite.Pair) -> str:
    """Return a pair's counts in words."""
    refused = f", {pair.refused} refused" if pair.refused else ""
    own = pair.rules[suite.OWN]
    worst = f", largest difference {own.largest}" if own.largest else ""
    return f"{own.equal} of {pair.cases} cases equal under {pair.setting}{worst}{refused}"
