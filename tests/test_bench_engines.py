"""`make bench-engines`: bytes before times, a record that only RECORD=1 writes, an end in time.

No test here looks at a clock.
"""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from tinyq import export
from tinyq.models import resnet
from tinyq.runtimes import RUNTIMES, trace
from tools.bench_engines import __main__ as command
from tools.bench_engines import cases, measure, opened, rates, runners, tables, worker
from tools.bench_engines.growth import AXES
from tools.bench_engines.growth import RUNNERS as GROWING
from tools.bench_engines.measure import Team, digits, quartiles
from tools.bench_engines.session import Session, signed, unsigned

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
    assert {(r["network"], r["batch"], r["runner"]) for r in record["runs"]} == {
        (*place, name) for place in cases.CASES for name in runners.RUNNERS
    }
    assert len(record["runs"]) == len(cases.CASES) * len(runners.RUNNERS)
    for run in record["runs"]:
        assert run["rounds"] == measure.planned([run["us"]], record["rounds"]), run
        assert isinstance(run["peak_bytes"], int) and run["peak_bytes"] > 0, run
        assert (run["plan_bytes"] is not None) == (run["runner"] in runners.ENGINES), run


def test_the_record_has_every_point_of_growth(record):
    assert [(r["axis"], r["value"], r["runner"]) for r in record["growth"]] == [
        (axis, value, name)
        for axis, (values, _) in AXES.items()
        for value in values
        for name in GROWING
    ]


def test_the_record_counts_the_products(record):
    # height * width * filters * fan-in of each layer, by hand
    block = 112 * 112 * 64 * 147 + 2 * 56 * 56 * 64 * 576 + 64 * 1000
    want = {cases.SEED: SEED_MAC, cases.BLOCK: block}
    assert {row["network"]: row["mac"] for row in record["networks"]} == want
    assert [(r["network"], r["batch"]) for r in record["roofline"]["networks"]] == [*cases.CASES]
    for row in record["roofline"]["networks"]:
        assert row["mac_per_byte"] == pytest.approx(row["mac"] / row["bytes"], rel=1e-3)


def test_the_record_has_the_limits_of_the_machine(record):
    limits = record["roofline"]
    assert {row["kernel"] for row in limits["rates"]} == {runners.BLAS, runners.INTEGER}
    assert all(row["gmac_per_s"] > 0 for row in limits["rates"])
    assert [row["gb_per_s"] > 0 for row in limits["copy"]] == [True]


def test_the_record_is_small_and_names_no_machine(record):
    assert RECORD.stat().st_size < 60_000
    assert {*record["machine"]} == {"architecture", "processor", "features", "cores"}


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
    clock, lengths = [0], iter([10, 30, 20, 60])
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: clock[0])

    def call() -> None:
        clock[0] += next(lengths) * 1_000_000

    assert worker.a_round(call) == 20_000.0  # 10, 30 and 20 ms are the first to reach 50
    assert worker.a_round(call) == 60_000.0


def test_slow_calls_get_a_few_rounds():
    assert measure.planned([measure.SLOW_US], 11) == 11
    assert measure.planned([measure.SLOW_US + 1], 11) == measure.SLOW_ROUNDS
    assert measure.planned([measure.SLOW_US + 1], 2) == 2


# --- processes


class Pipe:
    """Gives one answer after another, then none; keeps what was sent."""

    def __init__(self, *answers: object, dead: bool = False) -> None:
        self.answers, self.dead, self.sent = [*answers], dead, []

    def send(self, what: object) -> None:
        self.sent.append(what)

    def poll(self, seconds: float) -> bool:
        return bool(self.answers) or self.dead

    def recv(self) -> object:
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


def team(seconds: float = 1e6, **pipes: Pipe) -> Team:
    """Return a team whose processes are these pipes, as if they were ready."""
    made = Team([*pipes], [], time.monotonic() + seconds)
    made._pipes, made.first = pipes, dict.fromkeys(pipes)
    return made


def test_rounds_are_interleaved_and_each_runner_comes_when_it_has_its_own():
    order = []

    class Noting(Pipe):
        def send(self, what: object) -> None:
            order.append((self.name, what))

    pipes = {"a": Noting(1.0, 2.0, 3.0, 4.0), "slow": Noting(*[1e6] * 4)}
    for name, pipe in pipes.items():
        pipe.name = name
    assert [*team(**pipes).times(7, 4)] == [("slow", [1e6] * 3), ("a", [1.0, 2.0, 3.0, 4.0])]
    assert order == [("a", 7), ("slow", 7)] * 3 + [("a", 7)]


def test_a_runner_that_turns_out_to_be_slow_after_a_few_rounds_is_done():
    swaying = [measure.SLOW_US + d for d in (-1.0, 1.0, -1.0, 1.0, 1.0, 1.0)]
    assert [*team(one=Pipe(*swaying)).times(0, 5)] == [("one", swaying[:5])]


def test_who_is_cut_off_keeps_its_rounds_and_the_others_go_on():
    one = team(late=Pipe(1.0), dead=Pipe(2.0, dead=True), never=Pipe(), well=Pipe(3.0, 4.0))
    assert [*one.times(0, 2)] == [("late", [1.0]), ("dead", [2.0]), ("well", [3.0, 4.0])]
    assert one.missing == {
        "never": measure.NO_TIME,
        "late": measure.NO_TIME,
        "dead": "its process died",
    }


def test_nobody_is_asked_after_the_deadline():
    pipe = Pipe(1.0)
    assert [*team(seconds=-1, numpy=pipe).times(0, 1)] == [] and not pipe.sent


def test_each_part_may_take_half_of_the_time_that_is_left(monkeypatch):
    monkeypatch.setattr(measure.time, "monotonic", lambda: 20.0)
    assert measure.half_way(50.0) == 35.0


def test_a_worker_answers_first_and_then_when_it_is_asked(monkeypatch):
    asked, called = [], []

    def prepare(subject: int, runner: str):
        asked.append((subject, runner))

        def call() -> np.ndarray:
            called.append(subject)
            return np.int8([[subject]])

        return lambda: Session(call, np.negative, plan_bytes=subject)

    monkeypatch.setattr(worker, "load", lambda module: prepare)
    monkeypatch.setattr(worker, "ROUND_MS", 0.0001)
    pipe = Pipe(1)
    with pytest.raises(EOFError):
        worker.serve(pipe, "ours", [3, 4], "numpy")
    (first, grown), microseconds = pipe.sent
    assert asked == [(3, "numpy"), (4, "numpy")]
    assert called[:3] == [3, 4, 4] and 3 not in called[2:]
    assert [(codes.tolist(), plan) for codes, plan in first] == [([[-3]], 3), ([[-4]], 4)]
    assert microseconds > 0
    assert grown is None or 0 <= grown < 2**24 and isinstance(grown, int)


def test_a_missing_package_is_told(monkeypatch):
    def load(module: str):
        raise ImportError(f"no module of {module}")

    monkeypatch.setattr(worker, "load", load)
    pipe = Pipe()
    worker.serve(pipe, "torch_int8", [0], "pytorch-int8")
    assert pipe.sent == ["no module of torch_int8"]
    with pytest.raises(measure.NoAnswer, match="no module of torch_int8"):
        team(torch=Pipe(*pipe.sent))._answer("torch", time.monotonic())


@pytest.mark.full
def test_a_process_of_its_own_answers_on_one_thread():
    before = dict(os.environ)
    with Team([runners.COPY], [rates.Block(2**16)], time.monotonic() + 600) as one:
        assert [len(times) for _, times in one.times(0, 2)] == [2]
        (process,) = one._processes.values()
        told = Path(f"/proc/{process.pid}/environ")  # Linux alone has it
        assert not told.exists() or b"\0OMP_NUM_THREADS=1\0" in b"\0" + told.read_bytes()
    assert not one.missing and dict(os.environ) == before
    assert not process.is_alive()
    assert (one.peak_bytes[runners.COPY] is not None) == worker.RESET.exists()


def test_a_process_that_is_not_ready_in_time_is_ended():
    with Team([runners.COPY], [rates.Block(2**16)], time.monotonic()) as one:
        (process,) = one._processes.values()
        assert [*one.times(0, 2)] == []
    assert one.missing == {runners.COPY: measure.NO_TIME} and not process.is_alive()


@pytest.mark.skipif(not worker.RESET.exists(), reason="only Linux tells the peak of memory")
def test_the_peak_is_that_of_the_memory_held_since():
    np.ones(2**25)  # 256 MB, gone before
    before = worker.reset_peak()
    np.ones(2**23)  # 64 MB, gone after
    # Linux adds up the pages of each thread now and then: some hundred kilobytes may be missing
    assert 2**26 - 2**20 < worker.peak() - before < 2**27


# --- bytes before times


class Answered:
    """A team that has the first answers, and must not be timed."""

    def __init__(self, **codes: np.ndarray) -> None:
        self.first = {runner: [(answer, None)] for runner, answer in codes.items()}
        self.missing = {}

    def times(self, place: int, rounds: int):
        raise AssertionError("timed before its bytes were compared")


def test_a_wrong_byte_of_an_engine_ends_the_run_before_anything_is_timed(seed):
    logits = seed.qnet(seed.codes)
    wrong = logits.copy()
    wrong[1, 2] += 1
    for engine in runners.ENGINES:
        answered = Answered(**{runners.LAYERS: logits, engine: wrong})
        with pytest.raises(tables.WrongBytes, match=f"{engine}: seed, batch 256: 1023 of 1024"):
            tables.timed(seed, cases.work(seed.qnet), answered, 9)
    # a runtime that rounds otherwise is no error, and a float network has no bytes
    others = Answered(layers=logits, floats=None, **{runners.XNNPACK: wrong})
    (agreed,) = tables.agreements([seed], others)
    counts = {name: (row["equal_images"], row["equal_logits"]) for name, row in agreed.items()}
    assert counts == {
        runners.LAYERS: (IMAGES, logits.size),
        runners.XNNPACK: (IMAGES - 1, logits.size - 1),
        "floats": (None, None),
    }


def test_without_the_layers_bytes_nothing_is_timed(seed, capsys):
    assert tables.timed(seed, cases.work(seed.qnet), Answered(numpy=seed.codes), 9) == []
    assert "nothing to compare" in capsys.readouterr().out


class Timed(Answered):
    """A team in which XNNPACK is done first."""

    peak_bytes = {"numpy": 4_000_000, runners.XNNPACK: None}

    def times(self, place: int, rounds: int):
        yield runners.XNNPACK, [1000.0] * rounds
        yield "numpy", [1000.0, 2000.0, 4000.0]


def test_a_run_is_printed_when_it_is_there_and_kept_in_order(seed, record, capsys):
    logits = seed.qnet(seed.codes)
    timed = Timed(**dict.fromkeys(["numpy", runners.LAYERS, runners.XNNPACK], logits))
    rows = tables.timed(seed, cases.work(seed.qnet), timed, 3)
    assert [(row["runner"], row["us"]) for row in rows] == [("numpy", 2e3), (runners.XNNPACK, 1e3)]
    assert rows[0]["gmac_per_s"] == pytest.approx(SEED_MAC * IMAGES / 2e6, rel=1e-3)
    assert {*map(tuple, rows)} == {*map(tuple, record["runs"])}, "another format than the record's"
    first, second, *ratios = capsys.readouterr().out.splitlines()
    assert "litert-xnnpack" in first and "1,000 us (1,000 to 1,000)" in first
    assert "2,000 us (1,500 to 3,000)" in second and "4.0 MB  100.00% of the logits" in second
    assert [line.split() for line in ratios] == [
        ["times", "numpy"],
        ["numpy", "1"],
        ["litert-xnnpack", "0.5"],
    ]


@pytest.fixture
def written(monkeypatch, tmp_path):
    """The record and the build that a run would write, in a folder of the test's own."""
    for name in ("RECORD", "BUILT", "OPENED"):
        monkeypatch.setattr(command, name, tmp_path / f"{name}.json")
    monkeypatch.setattr(command, "measured", lambda rounds, end, models: {"missing": {}})
    return lambda: {path.stem for path in tmp_path.iterdir()}


def test_only_record_writes_the_record(written):
    assert command.main([]) == 0 and written() == {"BUILT"}
    command.BUILT.unlink()
    assert command.main(["--record"]) == 0 and written() == {"RECORD"}


def test_a_folder_s_models_are_no_record(written, tmp_path):
    assert command.main(["--models", str(tmp_path)]) == 0 and written() == {"OPENED"}
    with pytest.raises(SystemExit):
        command.main(["--record", "--models", str(tmp_path)])


def test_what_is_not_whole_is_no_record(written, monkeypatch, capsys):
    part = {"missing": {"vnni": "no numba"}}
    monkeypatch.setattr(command, "measured", lambda rounds, end, models: part)
    assert command.main(["--record"]) == 1 and written() == {"BUILT"}
    assert "not measured to the end: vnni: no numba" in capsys.readouterr().err
    for few in (["--rounds", "0"], ["--record", "--rounds", str(command.ROUNDS - 1)]):
        with pytest.raises(SystemExit):
            command.main(few)
    assert command.main(["--rounds", "3"]) == 0 and written() == {"BUILT"}


def test_wrong_bytes_are_told_and_nothing_is_written(written, monkeypatch, capsys):
    def fails(rounds: int, end: float, models: None) -> dict:
        raise tables.WrongBytes("numpy: seed")

    monkeypatch.setattr(command, "measured", fails)
    assert command.main(["--record"]) == 1 and written() == set()
    assert "WRONG BYTES: numpy: seed" in capsys.readouterr().err


# --- each runner runs what it says


def logits(runner: str, case: cases.Case, package: str) -> np.ndarray:
    pytest.importorskip(package)
    session = runners.load(runners.RUNNERS[runner].module)(case, runner)()
    return session.call() if session.codes is None else session.answer()


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


@pytest.mark.parametrize("runner", [runners.LAYERS, *runners.ENGINES])
def test_tinyq_that_is_timed_is_the_runner_of_that_name(runner, seed):
    pytest.importorskip("numba" if runner == "vnni" else "numpy")
    session = runners.load("ours")(seed, runner)()
    assert np.array_equal(session.answer(), seed.qnet(seed.codes))
    if runner == runners.LAYERS:
        assert session.call.func is seed.qnet and session.plan_bytes is None
    else:
        plan = session.call.func
        assert (plan.engine, plan.nbytes) == (runner, session.plan_bytes)


# --- models that other people made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of one sample a call, and a file that is none."""
    pytest.importorskip("ai_edge_litert", exc_type=ImportError)
    path = tmp_path_factory.mktemp("models")
    export.tflite(cases.seed_case(1).qnet, path / "seed.tflite", fuse_relu=True, fuse_pad=True)
    (path / "broken.tflite").write_bytes(b"TFL3")
    return path


@pytest.mark.parametrize("runner", [runners.LAYERS, "numpy", *runners.FILES])
def test_a_runner_of_an_opened_model_has_the_bytes_of_its_rules(runner, folder):
    if runner == runners.MICRO:
        pytest.importorskip("tflite_micro", exc_type=ImportError)
    one, several = opened.cases_of(folder / "seed.tflite")
    assert (one.batch, several.batch) == opened.BATCHES
    rules = RUNTIMES[runner if runner in runners.FILES else "tflite-micro"]
    for case in (one, several):
        want = trace(case.qnet, case.codes, rules)[case.qnet.nodes[-1].name]
        module = (runners.RUNNERS | runners.FILES)[runner].module
        assert np.array_equal(runners.load(module)(case, runner)().answer(), want)


class NoTeam(Answered):
    """A team of nobody."""

    def __init__(self, *subjects: object) -> None:
        super().__init__()

    def __enter__(self) -> "NoTeam":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_a_file_that_is_no_model_and_one_that_a_runtime_refuses_are_said(folder, monkeypatch):
    monkeypatch.setattr(opened, "Team", NoTeam)
    found = opened.opened(folder, 1, time.monotonic() + 600)
    assert found["missing"].keys() == {"broken"} and found["networks"][0]["mac"] == SEED_MAC
    pipe, case = Pipe(0), cases.Case("none", None, None, np.zeros((1, 1), np.int8), b"no model")
    worker.serve(pipe, "litert", [case], runners.REFERENCE)
    assert pipe.sent[0].startswith("LiteRT refuses the file: ")
