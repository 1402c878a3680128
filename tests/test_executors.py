"""Calibration on executors: the same grids to the last bit, and no wrong ones when workers die."""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from reference import random_network

from tinyq import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.models import resnet
from tinyq.network import calibration

WEIGHTS, BIASES, IMAGES = random_network(seed=41, filters=2, inner=2, size=(6, 6), count=48)
NET = resnet.stem_block(WEIGHTS, BIASES)
LOUD_NET = resnet.stem_block(WEIGHTS | {"stem": WEIGHTS["stem"] * np.float32(100)}, BIASES)
PARTS = np.split(IMAGES, 12)
LOUD = [*PARTS[:3], PARTS[3] * np.float32(3e37), *PARTS[4:]]  # its stem overflows float32
OBSERVERS = {
    "minmax": MinMax,
    "average": partial(MovingAverage, 0.8),
    "percentile": partial(Percentile, 99.0),
    "mse": MSE,
    "entropy": Entropy,
}
FATAL = np.float32(1234.5)  # an image that holds it ends the process that watches it
WANTED = {name: NET.quantize(PARTS, observer=o).grids for name, o in OBSERVERS.items()}


class Mortal(MinMax):
    """Ends its process when it sees FATAL, as the kernel would when memory runs out."""

    def observe(self, batch):
        if (batch == FATAL).any():
            os._exit(1)
        return super().observe(batch)


class Counting(Executor):
    """Runs tasks when their results are asked for, and counts those that wait."""

    def __init__(self):
        self.waiting = self.most = self.cancelled = 0

    def submit(self, fn, /, *args, **kwargs):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        return Lazy(self, partial(fn, *args, **kwargs))


class Lazy(Future):
    def __init__(self, executor, task):
        super().__init__()
        self.executor, self.task = executor, task

    def result(self, timeout=None):
        self.executor.waiting -= 1
        return self.task()

    def cancel(self):
        self.executor.cancelled += 1
        return super().cancel()


def with_fatal(number: int) -> list:
    parts = [part.copy() for part in PARTS]
    parts[number][0, 0, 0, 0] = FATAL
    return parts


# ------------------------------------------------------------------ threads, and any executor


@pytest.mark.parametrize("name", OBSERVERS)
def test_threads_give_the_grids_of_one_process(name):
    with ThreadPoolExecutor(3) as pool:
        qnet = NET.quantize(iter(PARTS), observer=OBSERVERS[name], executor=pool)
    assert qnet.grids == WANTED[name]
    assert qnet.grids["stem_relu"] is qnet.grids["stem_conv7x7_s2"]


@pytest.mark.parametrize("name", OBSERVERS)
def test_results_that_come_out_of_order_are_merged_in_order(name):
    turn = threading.Barrier(len(PARTS))
    finished = []

    class Backwards(Executor):
        """Twelve threads; number n ends only after number n + 1 did."""

        def __init__(self):
            self.done = [threading.Event() for _ in range(len(PARTS) + 1)]
            self.done[-1].set()
            self.count, self.pool = 0, ThreadPoolExecutor(len(PARTS))

        def submit(self, fn, /, *args, **kwargs):
            number, self.count = self.count, self.count + 1

            def run():
                turn.wait()
                self.done[number + 1].wait()
                result = fn(*args, **kwargs)
                finished.append(number)
                self.done[number].set()
                return result

            return self.pool.submit(run)

    executor = Backwards()
    qnet = NET.quantize(iter(PARTS), observer=OBSERVERS[name], executor=executor)
    executor.pool.shutdown()
    assert finished == list(range(11, -1, -1))
    assert qnet.grids == WANTED[name]


@pytest.mark.parametrize("name", OBSERVERS)
def test_a_generator_may_refill_the_buffer_that_it_yields(name):
    """The tasks run when their results are asked for, and the buffer holds other images then."""
    buffer = np.empty_like(PARTS[0])

    def refilled():
        for part in PARTS:
            buffer[...] = part
            yield buffer

    assert NET.quantize(refilled(), observer=OBSERVERS[name]).grids == WANTED[name]
    late = NET.quantize(refilled(), observer=OBSERVERS[name], executor=Counting())
    assert late.grids == WANTED[name]


def test_one_result_handed_out_twice_is_counted_twice():
    class Remembering(Counting):
        """Answers equal tasks with one object, as a cache of results in this process would."""

        kept: dict = {}

        def submit(self, fn, net, observer, batch):
            key = batch.tobytes()
            if key not in self.kept:
                self.kept[key] = fn(net, observer, batch)
            future = Future()
            future.set_result(self.kept[key])
            return future

    twice = [PARTS[0], PARTS[1], PARTS[0], PARTS[0]]
    got = NET.calibrate(twice, observer=MSE, executor=Remembering())
    want = NET.calibrate(twice, observer=MSE)
    for name in want:
        assert got[name].counts.tolist() == want[name].counts.tolist(), name


def test_few_tasks_are_in_flight():
    executor, many = Counting(), PARTS * 8
    qnet = NET.quantize(iter(many), observer=MovingAverage, executor=executor)
    assert executor.most == calibration.IN_FLIGHT < len(many) and executor.waiting == 0
    assert qnet.grids == NET.quantize(many, observer=MovingAverage).grids


@pytest.mark.parametrize("number", [0, 5, 11])
def test_a_bad_batch_raises_as_in_one_process_and_cancels_the_rest(number):
    for spoil in (lambda x: x * np.nan, lambda x: x * np.float32(3e37), lambda x: x[..., :2]):
        bad = [spoil(p) if n == number else p for n, p in enumerate(PARTS)]
        with pytest.raises(ValueError) as here:
            LOUD_NET.quantize(bad)
        executor = Counting()
        with pytest.raises(ValueError) as there:
            LOUD_NET.quantize(bad, executor=executor)
        assert str(there.value) == str(here.value)
        assert str(here.value).startswith(f"batch {number}: ")
        assert executor.waiting == executor.cancelled


def test_an_executor_that_is_shut_down_is_reported():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="batch 0 was not calibrated, the executor failed"):
        NET.quantize(PARTS, executor=pool)


# ------------------------------------------------------------------ a pool of processes


@pytest.mark.slow
def test_processes_give_the_grids_of_one_process_and_its_errors():
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        for name, observer in OBSERVERS.items():
            got = NET.quantize(iter(PARTS), observer=observer, executor=pool).grids
            assert got == WANTED[name], name
        with pytest.raises(ValueError, match="batch 3: layer 'stem_conv7x7_s2': calibration data"):
            LOUD_NET.quantize(LOUD, executor=pool)
        # every batch that is not done breaks with the pool: the first of them is named
        with pytest.raises(RuntimeError, match=r"batch [0-5] was not .*: BrokenProcessPool"):
            NET.quantize(with_fatal(5), observer=Mortal, executor=pool)


# ------------------------------------------------------------------ a Dask cluster


@pytest.fixture(scope="module")
def client():
    """Two worker processes, each with a nanny that starts it anew when it dies."""
    distributed = pytest.importorskip("distributed")
    import dask

    settings = {"distributed.scheduler.allowed-failures": 2}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.full
@pytest.mark.parametrize("name", OBSERVERS)
def test_a_dask_cluster_gives_the_grids_of_one_process(client, name):
    executor = client.get_executor(pure=False)
    qnet = NET.quantize(iter(PARTS), observer=OBSERVERS[name], executor=executor)
    assert qnet.grids == WANTED[name]


@pytest.mark.full
def test_a_bad_batch_on_dask_raises_as_in_one_process(client):
    with pytest.raises(ValueError, match="batch 3: layer 'stem_conv7x7_s2': calibration data"):
        LOUD_NET.quantize(LOUD, executor=client.get_executor(pure=False))


@pytest.mark.full
def test_a_dask_worker_that_is_killed_in_the_middle_is_survived(client):
    workers = client.run(os.getpid)
    killed = []

    def stream():
        for number, part in enumerate(PARTS * 10):
            if number == 20:  # 20 batches are in flight
                killed.append(min(workers.values()))
                os.kill(killed[0], signal.SIGKILL)
            yield part

    qnet = NET.quantize(stream(), observer=MSE, executor=client.get_executor(pure=False))
    assert killed and qnet.grids == NET.quantize(PARTS * 10, observer=MSE).grids
    counts = Counter(client.run(os.getpid).values())
    assert killed[0] not in counts


@pytest.mark.full
def test_a_batch_that_kills_every_dask_worker_is_reported(client):
    # a batch that waited on the same workers may be named first
    with pytest.raises(RuntimeError, match=r"batch \d+ was not calibrated, .* KilledWorker"):
        NET.quantize(with_fatal(7), observer=Mortal, executor=client.get_executor(pure=False))
    assert NET.quantize(PARTS, executor=client.get_executor(pure=False)).grids == WANTED["minmax"]


@pytest.mark.full
def test_a_dask_client_that_is_closed_in_the_middle_is_reported(client):
    distributed = pytest.importorskip("distributed")
    second = distributed.Client(client.scheduler.address, set_as_default=False)

    def stream():
        for number, part in enumerate(PARTS):
            if number == 6:
                second.close()
            yield part

    with pytest.raises(RuntimeError, match=r"batch \d+ was not calibrated, the executor failed"):
        NET.quantize(stream(), executor=second.get_executor(pure=False))
