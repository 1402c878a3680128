"""`make bench-engines`: its record, statistics and targets, and that each runner runs what it says.

No test here looks at a clock.
"""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyq.engines import ENGINES
from tinyq.models import resnet
from tinyq.runtimes import RUNTIMES, trace
from tools.bench_engines import __main__ as command
from tools.bench_engines import cases, quiet, rates, report, runners, schedule, targets, worker
from tools.bench_engines.growth import AXES
from tools.bench_engines.growth import RUNNERS as GROWING
from tools.bench_engines.jobs import WARM_MS, Job, Outcome, digits, quartiles
from tools.bench_engines.progress import Progress
from tools.bench_engines.session import Session, signed, unsigned
from tools.bench_engines.tables import agreement

RECORD = Path(__file__).resolve().parents[1] / "book" / "engines.json"
SEED_MAC = 8 * 8 * 8 * 147 + 2 * 4 * 4 * 8 * 72 + 8 * 4
IMAGES = 256  # so many that the runtimes' rules are told apart


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(RECORD.read_text())


@pytest.fixture(scope="module")
def seed() -> cases.Case:
    return cases.seed_case(IMAGES)


# --- the record


def test_the_record_has_every_runner_on_every_case(record):
    assert record["missing"] == {}
    assert [*record["versions"]] == [*runners.RUNNERS]
    assert [(r["network"], r["batch"], r["runner"], r["threads"]) for r in record["runs"]] == [
        (*place, name, threads)
        for place in cases.CASES
        for name, source in runners.RUNNERS.items()
        for threads in source.threads
    ]
    for run in record["runs"]:
        assert 0 < run["q1"] <= run["us"] <= run["q3"], run
        assert run["rounds"] == schedule.planned([run["us"]], record["rounds"]), run
        assert isinstance(run["peak_bytes"], int) and run["peak_bytes"] > 0, run
        assert (run["plan_bytes"] is not None) == (run["runner"] in runners.ENGINES), run


def test_the_record_has_every_point_of_growth(record):
    assert [(r["axis"], r["value"], r["runner"]) for r in record["growth"]] == [
        (axis, value, name)
        for axis, (values, _) in AXES.items()
        for value in values
        for name in GROWING
    ]


def test_each_engine_has_the_bytes_of_the_layers_in_the_record(record, capsys):
    assert report.complain([*record["runs"], *record["growth"]]) == 0, capsys.readouterr().err


def test_the_ratios_are_those_of_the_medians(record):
    assert record["ratios"] == targets.ratios(record["runs"], record["networks"])
    places = sum(len(target.places) for target in targets.TARGETS)
    plans = sum(run["runner"] in runners.ENGINES for run in record["runs"])
    assert len(record["ratios"]) == places + plans


def test_the_record_counts_the_products(record):
    # height * width * filters * fan-in of each layer, by hand
    block = 112 * 112 * 64 * 147 + 2 * 56 * 56 * 64 * 576 + 64 * 1000
    want = {cases.SEED: SEED_MAC, cases.BLOCK: block}
    assert {row["network"]: row["mac"] for row in record["networks"]} == want
    for run in record["runs"]:
        rate = want[run["network"]] * run["batch"] / run["us"] / 1e3
        assert run["gmac_per_s"] == pytest.approx(rate, rel=1e-3), run
    assert [(r["network"], r["batch"]) for r in record["roofline"]["networks"]] == [*cases.CASES]
    for row in record["roofline"]["networks"]:
        assert row["mac_per_byte"] == pytest.approx(row["mac"] / row["bytes"], rel=1e-3)


def test_the_record_has_the_limits_of_the_machine(record):
    limits = record["roofline"]
    assert {(r["kernel"], r["threads"]) for r in limits["rates"]} == {
        (kernel, threads) for kernel in (runners.BLAS, runners.INTEGER) for threads in (1, 2)
    }
    assert [row["threads"] for row in limits["copy"]] == [1, 2]
    assert all(row["gmac_per_s"] > 0 for row in limits["rates"])


def test_the_record_is_small_and_names_no_machine(record):
    assert RECORD.stat().st_size < 60_000
    assert {*record["machine"]} == {"architecture", "processor", "features", "cores"}
    assert record["call"] == report.CALL


# --- cases


def test_the_first_images_are_the_seed_s_own():
    assert np.array_equal(cases.seed_images(32), resnet.seed().images)


def test_moved_bytes_leave_out_what_is_fused(seed):
    # input and output of stem, pool, conv, conv, add (two inputs), mean, dense
    stem, pool = 8 * 8 * 8, 4 * 4 * 8
    want = (768 + stem) + (stem + pool) + 2 * (pool + pool) + 3 * pool + (pool + 8) + (8 + 4)
    work = cases.work(seed.qnet)
    assert (work.moved_bytes, work.mac) == (want, SEED_MAC)


def test_codes_are_shifted_without_wrapping():
    codes = np.arange(-128, 128).astype(np.int8)
    assert unsigned(codes).tolist() == [*range(256)]
    assert np.array_equal(signed(unsigned(codes)), codes)


# --- statistics


def test_quartiles_are_those_of_numpy():
    times = np.random.default_rng(1).uniform(1, 9, 11).tolist()
    got = quartiles(times)
    want = np.percentile(times, [50, 25, 75])
    assert [got["us"], got["q1"], got["q3"]] == pytest.approx(want.tolist(), rel=1e-3)
    assert quartiles([3.0]) == {"us": 3.0, "q1": 3.0, "q3": 3.0}
    assert [digits(x) for x in (1234567.0, 0.0123456)] == [1235000.0, 0.01235]


def test_a_round_is_the_median_of_the_calls_that_fill_it(monkeypatch):
    clock, lengths = [0], iter([1_000_000, 7_000_000, 3_000_000, 5_000_000, 9_000_000, 2_000_000])
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: clock[0])

    def call() -> None:
        clock[0] += next(lengths)

    assert worker.a_round(call, 0, 10) == 3000.0  # 1, 7 and 3 ms are the first to reach 10
    assert worker.a_round(call, 5, 3) == 9000.0  # the 5 ms are the warm-up
    assert worker.a_round(call, 1, 1) == 2000.0  # there is no other


def test_slow_calls_get_a_few_rounds():
    assert schedule.planned([], 11) == schedule.planned([schedule.SLOW_US], 11) == 11
    assert schedule.planned([schedule.SLOW_US + 1], 11) == schedule.SLOW_ROUNDS
    assert schedule.planned([schedule.SLOW_US + 1], 2) == 2
    one, two = (Job("numpy", threads, [0]) for threads in (1, 2))
    each = schedule.ROUND_MS / 1e3 + worker.REST_SECONDS
    assert schedule.seconds_left(one, [10.0] * 4, 11) == pytest.approx(7 * each)
    assert schedule.seconds_left(two, [], 1) == pytest.approx(each + WARM_MS / 1e3)
    assert schedule.seconds_left(one, [1e6] * 3, 11) == 0


def test_rest_waits_for_spinning_threads(monkeypatch):
    work = [0.004, 0.003, 0.0001]
    clock, looks = [0.0], []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        clock[0] += work[min(len(looks), len(work)) - 1]

    monkeypatch.setattr(worker.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(worker.time, "sleep", sleep)
    worker.rest()
    assert looks == [worker.REST_SECONDS] * 3
    work[:] = [0.004]
    with pytest.raises(RuntimeError, match="a thread keeps the processor busy"):
        worker.rest()


# --- processes


class Pipe:
    """Gives one answer after another and keeps what was sent."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.sent = [*answers], []

    def send(self, what: object) -> None:
        self.sent.append(what)

    def recv(self) -> object:
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


def test_rounds_are_interleaved():
    order = []

    class Noting(Pipe):
        def send(self, what: object) -> None:
            order.append((self.name, what[0]))

    there = []
    for name in "ab":
        pipe = Noting(*[(5.0, 9.0)] * 4)
        pipe.name = name
        there.append((Outcome(Job(name, 1, [0, 1]), [[], []]), pipe))
    for number in range(2):
        schedule.one_round(there, number, 2, Progress(1))
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)] * 2
    assert [outcome.rounds for outcome, _ in there] == [[[5.0, 5.0], [5.0, 5.0]]] * 2


def test_a_disturbed_round_is_run_again(monkeypatch):
    clock = iter([10.0, 10.5, 20.0, 20.2, 30.0, 30.5, 40.0, 40.5, 50.0, 50.5, 60.0, 60.5])
    monkeypatch.setattr(quiet, "worked", lambda: next(clock))
    monkeypatch.setattr(schedule.time, "sleep", lambda seconds: None)
    job = Job("numpy", 2, [0])
    # others worked 0.3 s, then 0 s: the second counts
    assert schedule.undisturbed(Pipe((1.0, 0.2), (2.0, 0.2), (3.0, 0.2)), job, 0) == 2.0
    # always 0.3 s: the last of four
    assert schedule.undisturbed(Pipe(*((k, 0.2) for k in range(9))), job, 0) == schedule.TRIES - 1


@pytest.mark.skipif(not quiet.STAT.exists(), reason="only Linux tells how long its cores worked")
def test_work_of_others_is_seen():
    watch, ours = quiet.Watch(), time.process_time()
    while time.process_time() - ours < 0.2:
        pass
    assert not watch.quiet(0.0)  # as if another process had done it


def test_a_worker_answers_until_it_is_told_to_end(monkeypatch):
    asked, called = [], []

    def prepare(subject: int, runner: str, threads: int):
        asked.append((subject, runner, threads))

        def call() -> np.ndarray:
            called.append(subject)
            return np.int8([[subject]])

        return lambda: Session(call, np.negative, plan_bytes=subject)

    monkeypatch.setattr(worker, "load", lambda module: prepare)
    pipe = Pipe((0, 0, 0), None)
    worker.serve(pipe, "ours", [3, 4], "numpy", 2)
    first, (microseconds, own), grown = pipe.sent
    assert own > 0
    assert asked == [(3, "numpy", 2), (4, "numpy", 2)]
    assert called == [3, 4, 3]
    assert [(codes.tolist(), plan) for codes, plan in first] == [([[-3]], 3), ([[-4]], 4)]
    assert microseconds > 0
    assert grown is None or 0 <= grown < 2**24 and isinstance(grown, int)


def test_a_missing_package_is_told_and_a_dead_process_named(monkeypatch):
    def load(module: str):
        raise ImportError(f"no module of {module}")

    monkeypatch.setattr(worker, "load", load)
    pipe = Pipe()
    worker.serve(pipe, "torch_int8", [0], "pytorch-int8", 1)
    assert pipe.sent == ["no module of torch_int8"]
    with pytest.raises(RuntimeError, match="the process of pytorch-int8, 2 threads died"):
        schedule.answer(pipe, Job("pytorch-int8", 2, [0]))


def test_a_process_of_its_own_answers():
    jobs = [Job(runners.COPY, threads, [rates.Block(2**16)]) for threads in (1, 2)]
    outcomes = schedule.measure(jobs, 2, Progress(1))
    assert [len(outcome.rounds[0]) for outcome in outcomes] == [2, 2]
    for outcome in outcomes:
        assert min(outcome.rounds[0]) > 0 and not outcome.missing
        assert (outcome.peak_bytes is not None) == worker.RESET.exists()


def test_an_engine_s_workers_share_the_threads():
    assert [Job(name, 2, []).pool for name in runners.ENGINES] == [1, 1]
    assert [Job(name, 2, []).pool for name in ("pytorch-int8", runners.BLAS)] == [2, 2]


def test_threads_are_told_to_the_child_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = dict(os.environ)
    with schedule.environment({"OMP_NUM_THREADS": "2", "TINYQ_NEW": "1"}):
        assert (os.environ["OMP_NUM_THREADS"], os.environ["TINYQ_NEW"]) == ("2", "1")
    assert dict(os.environ) == before


@pytest.mark.skipif(not worker.RESET.exists(), reason="only Linux tells the peak of memory")
def test_the_peak_is_that_of_the_memory_held_since():
    np.ones(2**25)  # 256 MB, gone before
    before = worker.reset_peak()
    np.ones(2**23)  # 64 MB, gone after
    # Linux adds up the pages of each thread now and then: some hundred kilobytes may be missing
    assert 2**26 - 2**20 < worker.peak() - before < 2**27


# --- targets


def made_up(**slower: float) -> list[dict]:
    """Return runs that meet every target; slower: by how much a runner takes longer."""
    us = {
        runners.REFERENCE: 2000.0,
        runners.OPTIMIZED: 200.0,
        runners.XNNPACK: 100.0,
        "numpy": 200.0,
        "vnni": 100.0,
    }
    return [
        {
            "network": network,
            "batch": batch,
            "threads": threads,
            "runner": name,
            "us": time * slower.get(name, 1.0),
            "plan_bytes": 3 * (5 + 7 * batch) if name in runners.ENGINES else None,
        }
        for network, batch in cases.CASES
        for threads in (1, 2)
        for name, time in us.items()
    ]


SIZES = [
    {"network": name, "weight_bytes": 5, "activation_bytes": 7}
    for name in (cases.SEED, cases.BLOCK)
]


def missed(rows: list[dict]) -> set[tuple]:
    return {(row["slow"], row["fast"], row["target"]) for row in rows if not row["met"]}


def test_made_up_times_meet_every_target():
    rows = targets.ratios(made_up(), SIZES)
    assert missed(rows) == set()
    assert "MISSED" not in report.ratios_table(rows)


@pytest.mark.parametrize(
    ("slower", "want"),
    [
        ({"numpy": 1.01}, {(runners.REFERENCE, "numpy", 10.0)}),
        ({"vnni": 1.01}, {(runners.OPTIMIZED, "vnni", 2.0), ("vnni", runners.XNNPACK, 1.0)}),
        ({"litert-xnnpack": 0.6}, {("vnni", runners.XNNPACK, 1.0), ("vnni", runners.XNNPACK, 1.5)}),
        ({"litert-optimized": 0.39}, {("numpy", runners.OPTIMIZED, 2.5)}),
    ],
)
def test_a_missed_target_is_told(slower, want):
    rows = targets.ratios(made_up(**slower), SIZES)
    assert missed(rows) >= want
    assert report.ratios_table(rows).count("MISSED") == sum(not row["met"] for row in rows) > 0


def test_a_busy_machine_is_told():
    quiet = {"q1": 4.0, "q3": 5.0}
    assert report.restless([quiet]) == []
    (line,) = report.restless([quiet, {"q1": 4.0, "q3": 5.1}])
    assert line == "1 of 2 times have quartiles 1.25 times apart: was the machine busy?"


def test_a_plan_that_is_too_large_is_told():
    rows = made_up()
    rows[3]["plan_bytes"] += 1
    assert missed(targets.ratios(rows, SIZES)) == {("numpy plan", targets.SUM, targets.MEMORY)}


# --- bytes


def test_a_wrong_byte_is_counted_and_fails_the_run(seed, monkeypatch, tmp_path, capsys):
    wrong = seed.logits.copy()
    wrong[1, 2] += 1
    row = {"network": cases.SEED, "batch": IMAGES, "threads": 1, "runner": "numpy"}
    row |= agreement(seed, wrong)
    assert (row["equal_images"], row["equal_logits"]) == (IMAGES - 1, seed.logits.size - 1)
    assert report.complain([{**row, "runner": runners.XNNPACK}]) == 0
    monkeypatch.setattr(command, "RECORD", tmp_path / "engines.json")
    monkeypatch.setattr(report, "printed", lambda record: "")
    monkeypatch.setattr(command, "measured", lambda rounds: {"runs": [row], "growth": []})
    assert command.main([]) == 1
    assert "WRONG BYTES: numpy: seed, batch 256, x1: 1023 of 1024 logits" in capsys.readouterr().err
    assert not command.RECORD.exists()


def test_a_whole_run_is_written_and_no_other(monkeypatch, tmp_path):
    record = {"runs": [], "growth": [], "missing": {"vnni": "no numba"}}
    monkeypatch.setattr(command, "RECORD", tmp_path / "engines.json")
    monkeypatch.setattr(report, "printed", lambda record: "")
    monkeypatch.setattr(command, "measured", lambda rounds: record)
    assert command.main([]) == 0 and not command.RECORD.exists()
    record["missing"] = {}
    assert command.main(["--rounds", "2"]) == 0 and not command.RECORD.exists()
    assert command.main([]) == 0 and command.RECORD.exists()
    with pytest.raises(SystemExit):
        command.main(["--rounds", "0"])


def logits(runner: str, case: cases.Case, package: str) -> np.ndarray:
    pytest.importorskip(package)
    session = runners.load(runners.RUNNERS[runner].module)(case, runner, 1)()
    made = session.call()
    return made if session.codes is None else session.codes(made)


@pytest.mark.parametrize(
    "runner", [runners.REFERENCE, runners.OPTIMIZED, runners.XNNPACK, "onnxruntime-int8"]
)
def test_a_runtime_that_is_timed_has_the_bytes_of_its_rules(runner, seed):
    package = "onnxruntime" if runner == "onnxruntime-int8" else "ai_edge_litert"
    rules = RUNTIMES[runner.removesuffix("-int8")]
    want = trace(seed.qnet, seed.codes, rules)[seed.qnet.nodes[-1].name]
    assert np.array_equal(logits(runner, seed, package), want)


def test_pytorch_that_is_timed_has_the_bytes_of_its_rules(seed):
    want = trace(seed.qnet, seed.codes, RUNTIMES["pytorch"])[seed.qnet.nodes[-1].name]
    assert np.array_equal(logits("pytorch-int8", seed, "torch"), want)


def test_the_float_network_that_is_timed_is_the_float_network(seed):
    images = seed.qnet.grids["input"].dequantize(seed.codes)
    got = logits("onnxruntime-float32", seed, "onnxruntime")
    assert got == pytest.approx(seed.net(images), abs=1e-4)


class Compiling:
    """A network that is its own plan, and keeps what it was asked for."""

    nbytes = 7

    def compile(self, **asked: object) -> "Compiling":
        self.asked = asked
        return self

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        return codes


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_asked_for_by_name(engine, seed):
    pytest.importorskip("numba" if engine == "vnni" else "numpy")
    case = replace(seed, qnet=Compiling())
    session = runners.load("ours")(case, engine, 2)()
    assert session.plan_bytes == 7 and session.call() is case.codes
    assert case.qnet.asked == {"engine": engine, "batch": IMAGES}


def test_an_engine_that_is_timed_has_the_layers_bytes(seed):
    for runner in ("numpy", runners.LAYERS):
        assert np.array_equal(logits(runner, seed, "numpy"), seed.logits)
