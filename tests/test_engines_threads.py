"""How a plan shares its work: threads, stages, tiles, and the tensors they write."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from engine_networks import ENGINES, codes

from tinyq.engines import schedule
from tinyq.engines.crew import Crew
from tinyq.engines.steps import LayerStep
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import share, tiles
from tinyq.models import resnet

SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)


@pytest.fixture(scope="module")
def seed():
    return NET.quantize(SEED.images)


@pytest.fixture(autouse=True)
def shared(monkeypatch):
    """The seed is small, and its steps are shared none the less."""
    monkeypatch.setattr(schedule, "SHARE_FROM", 0)


# --- threads


@pytest.mark.parametrize("engine", ENGINES)
def test_two_threads_may_call_one_plan(engine, seed, monkeypatch):
    plan = seed.compile(engine, batch=2, threads=2)
    run = plan._crew.run

    def slow() -> None:  # between a run and the copy of its answer, long enough for the other
        run()
        time.sleep(0.01)

    monkeypatch.setattr(plan._crew, "run", slow)
    batches = [codes(seed, 2, seed=k) for k in range(8)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(plan, batches))
    for images, answer in zip(batches, answers, strict=True):
        assert np.array_equal(answer, seed(images))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_stage_begins_before_the_one_before_has_ended(workers):
    running, log, lock = [], [], threading.Lock()

    def step(worker: int, stage: int):
        def run() -> None:
            with lock:
                log.append(stage)
                running.append(stage)
                assert set(running) == {stage}
            time.sleep(0.001 * ((worker + stage) % 3))
            running.remove(stage)

        # at times a worker has no share of a stage
        return None if worker and (worker + stage) % 4 == 0 else run

    crew = Crew([[step(worker, stage) for stage in range(6)] for worker in range(workers)])
    for _ in range(3):
        log.clear()
        crew.run()
        assert log == sorted(log) and set(log) == set(range(6))


@pytest.mark.parametrize("at_fault", [0, 1, 2])
def test_an_error_in_a_worker_reaches_the_caller_when_all_have_ended(at_fault):
    ended = []

    def fail() -> None:
        raise OSError(f"worker {at_fault}")

    def slow() -> None:
        time.sleep(0.02)
        ended.append(threading.current_thread())

    crew = Crew([[fail if worker == at_fault else slow, slow] for worker in range(3)])
    with pytest.raises(OSError, match=f"worker {at_fault}"):
        crew.run()
    assert len(ended) == 4  # both steps of both others: nobody is at work any more


@pytest.mark.parametrize("in_caller", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_plan_works_after_a_step_that_raised(engine, in_caller, seed, monkeypatch):
    plan, images = seed.compile(engine, batch=4, threads=2), codes(seed, 4)
    run = LayerStep.__call__

    def fails(step) -> None:
        if (threading.current_thread() is threading.main_thread()) == in_caller:
            raise MemoryError("no room")
        run(step)

    with monkeypatch.context() as patch:
        patch.setattr(LayerStep, "__call__", fails)
        with pytest.raises(MemoryError, match="no room"):
            plan(images)
    assert np.array_equal(plan(images), seed(images))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_million_threads_are_as_many_as_there_are_rows(engine, seed):
    before = threading.active_count()
    plan = seed.compile(engine, batch=1, threads=10**6)
    assert np.array_equal(plan(SEED.images[:1]), seed(SEED.images[:1]))
    assert threading.active_count() - before < 16


# --- tiles and tensors


def test_tiles_cover_each_row_once():
    rng = np.random.default_rng(3)
    for images, rows, most in [(1, 1, 0), (5, 7, 0), (3, 4, 12), (3, 4, 11), (2, 9, 100)] + [
        tuple(rng.integers(1, 40, 3).tolist()) for _ in range(200)
    ]:
        cut = tiles(images, rows, most)
        covered = np.zeros((images, rows), int)
        for tile in cut:
            covered[tile.n0 : tile.n1, tile.r0 : tile.r1] += 1
            assert 1 <= tile.rows <= max(most, 1), (images, rows, most)
            # some whole images, or some rows of one
            assert (tile.r0, tile.r1) == (0, rows) or tile.n1 - tile.n0 == 1
        assert (covered == 1).all(), (images, rows, most)
        for workers in (1, 2, 3, 50):
            parts = share(cut, workers)
            assert [tile for part in parts for tile in part] == cut
            sizes = [len(part) for part in parts]
            assert len(parts) == min(workers, len(cut)) and max(sizes) - min(sizes) <= 1


def test_a_tensor_has_room_for_the_widest_pad_on_each_side():
    tensor = Tensor((2, 3, 4, 5), [(1, 0, 2, 0), (0, 4, 1, 3)], zero_point=-7)
    assert tensor.buffer.shape == (2, 1 + 3 + 4, 2 + 4 + 3, 5)
    tensor.codes[:] = 1
    assert (tensor.buffer == 1).sum() == tensor.codes.size == 120
    for pads in ((1, 0, 2, 0), (0, 4, 1, 3), (0, 0, 0, 0), (1, 4, 2, 3)):
        top, bottom, left, right = pads
        want = np.pad(tensor.codes, ((0, 0), (top, bottom), (left, right), (0, 0)))
        want[want == 0] = -7
        assert np.array_equal(tensor.padded(pads), want), pads


# --- what is worth sharing


@pytest.mark.parametrize("engine", ENGINES)
def test_small_steps_have_one_worker_and_large_ones_all(engine, monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    shapes = {"stem": (32, 7, 7, 3), "block1": (8, 3, 3, 32), "block2": (32, 3, 3, 8)}
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    weights["dense"] = rng.normal(size=(10, 32))
    biases = {name: np.zeros(len(weight)) for name, weight in weights.items()}
    net = resnet.stem_block(weights, biases)
    qnet = net.quantize(rng.normal(size=(1, 224, 224, 3)).astype(np.float32))
    first, second = qnet.compile(engine, threads=2)._crew._pipelines
    # the stem makes 59 million products, a layer of the block 7; none moves half a million codes
    assert [step is not None for step in second] == [True, False, False, False, False, False]
    assert None not in first
    assert len(NET.quantize(SEED.images).compile(engine, threads=2)._crew._pipelines) == 1
