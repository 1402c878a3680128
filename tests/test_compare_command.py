"""`python -m tinyq compare` and `requantize`: what they print, as text and as JSON, and refuse."""

import json
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from export_networks import random_codes, random_qnet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyq import Grid, Requantizer, Rounding, export, loops
from tinyq.__main__ import main
from tinyq.commands import models
from tinyq.models import digits, resnet
from tinyq.runtimes import RUNTIMES, first_difference, trace

QNET = random_qnet(3, (Rounding.DOUBLE,), bits=(8,))
CODES = random_codes(QNET, 6)


@pytest.fixture
def files(tmp_path):
    """A network, its input, and what XNNPACK makes of it, as files."""
    export.npz(QNET, tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", CODES)
    np.savez(tmp_path / "device.npz", **trace(QNET, CODES, "litert-xnnpack"))
    return tmp_path


def run(capsys, *arguments):
    """Run a command: its exit status, its output, its errors."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("other", RUNTIMES)
def test_compare_prints_the_first_difference_of_two_runtimes(other, files, capsys):
    found = first_difference(QNET, CODES, "tflite-micro", other)
    command = ["compare", files / "net.npz", "--input", files / "x.npy"]
    command += ["--between", "tflite-micro", other]
    status, out, err = run(capsys, *command)
    nothing = f"every tensor is equal under tflite-micro and {other}"
    assert (status, err) == (1 if found else 0, "")
    assert out == f"input: {files / 'x.npy'}\n{found or nothing}\n"
    status, out, err = run(capsys, *command, "--json")
    told = json.loads(out)
    assert (status, err) == (1 if found else 0, "")
    assert told["found"] == (found.to_dict() if found else None)
    assert told["between"] == ["tflite-micro", other]


def test_compare_explains_a_dump(files, capsys):
    command = ["compare", files / "net.npz", "--input", files / "x.npy"]
    command += ["--dump", files / "device.npz"]
    status, out, err = run(capsys, *command)
    assert (status, err) == (1, "") and "tflite-micro and the dump differ first in " in out
    assert re.search(r"the dump's bytes are those of .*litert-xnnpack", out)
    status, out, err = run(capsys, *command, "--json")
    assert status == 1 and json.loads(out)["bytes_off"]["litert-xnnpack"] == 0
    status, out, err = run(capsys, *command, "--runtime", "litert-xnnpack")
    assert (status, err) == (0, "") and "every tensor that was compared is equal" in out


def test_without_an_input_random_codes_are_taken_and_named(files, capsys):
    status, out, _ = run(capsys, "compare", "digits", "--between", "tflite-micro", "onnxruntime")
    data = digits.load()
    model = data.net.quantize(data.images[data.calibration])
    grid = model.grids["input"]
    codes = np.random.default_rng(0).integers(grid.qmin, grid.qmax + 1, (8, *model.image_shape))
    found = first_difference(model, codes.astype(np.int8), "tflite-micro", "onnxruntime")
    assert (status, out) == (1, f"input: 8 inputs of random codes, seed 0\n{found}\n")
    status, out, _ = run(capsys, "compare", "seed", "--between", "tflite-micro", "litert-xnnpack")
    assert status == 0 and out.endswith("equal under tflite-micro and litert-xnnpack\n")


def test_what_cannot_be_compared_ends_in_one_sentence(files, capsys):
    (files / "text.npy").write_text("hello")
    (files / "empty.npz").write_bytes(b"")
    (files / "damaged.npz").write_bytes((files / "device.npz").read_bytes()[:-40])
    np.save(files / "none.npy", CODES[:0])
    np.save(files / "objects.npy", np.array([None]), allow_pickle=True)
    np.save(files / "wrong.npy", CODES[:, 1:])
    net, x, between = files / "net.npz", files / "x.npy", ["--between", "tflite-micro", "pytorch"]
    for arguments, message in (
        ([files / "gone.npz", *between], "No such file"),
        ([files / "x.npy", *between], "is not a network that tinyq can load"),
        ([net, *between, "--input", files / "gone.npy"], "No such file"),
        ([net, *between, "--input", files / "text.npy"], "is no .npy or .npz that NumPy can read"),
        ([net, *between, "--input", files / "none.npy"], "must hold one array that is not empty"),
        ([net, *between, "--input", files / "device.npz"], "must hold one array"),
        ([net, *between, "--input", files / "objects.npy"], "is no .npy or .npz"),
        ([net, *between, "--input", files / "wrong.npy"], "images must have shape"),
        ([net, "--dump", files / "device.npz"], "--dump needs --input, what the device had"),
        ([net, "--input", x, "--dump", x], "must hold arrays by name"),
        ([net, "--input", x, "--dump", files / "empty.npz"], "is no .npy or .npz"),
        ([net, "--input", x, "--dump", files / "damaged.npz"], "is no .npy or .npz"),
    ):
        status, out, err = run(capsys, "compare", *arguments)
        assert (status, out) == (2, "") and message in err, arguments
        assert err.startswith("python -m tinyq compare: error: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "seed"],
        ["compare", "seed", "--between", "tflite-micro"],
        ["compare", "seed", "--between", "tflite-micro", "xnnpack"],
        ["compare", "seed", "--between", "tflite-micro", "pytorch", "--dump", "x"],
        ["requantize", "--acc", "1"],
        ["requantize", "--scales", "1", "1", "1"],
        ["requantize", "--acc", "1.5", "--scales", "1", "1", "1"],
        ["requantize", "--acc", "1", "--scales", "1", "1"],
        ["requantize", "--acc", "1", "--scales", "1", "1", "1", "--multiplier", "3"],
        ["requantize", "--acc", "1", "--multiplier", "3", "--shift", "1", "--sign", "ours"],
    ],
)
def test_wrong_use_is_the_parsers(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: python -m tinyq" in capsys.readouterr().err


def test_a_tflite_is_opened(tmp_path):
    images = resnet.seed().images
    qnet = resnet.stem_block(*resnet.seed()[:2]).quantize(images)
    export.tflite(qnet, tmp_path / "net.tflite")
    opened = models.open_model(str(tmp_path / "net.tflite"))
    assert (opened(images[:2]) == qnet(images[:2])).all()


def load_tflite(name):
    """Stand in for the loader."""
    return QNET


SCALES = st.floats(2.0**-12, 8, width=32)


@given(st.integers(-(2**24), 2**24), SCALES, SCALES, SCALES, st.integers(-128, 127))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_requantize_is_the_loop_nests_arithmetic(capsys, acc, s_in, s_w, s_out, zero_point):
    scales = [s_in, s_w, s_out]
    status, out, err = run(
        capsys,
        *("requantize", "--acc", acc, "--zero-point", zero_point, "--json", "--scales", *scales),
    )
    told = json.loads(out)
    steps = {step["rule"]: step for step in told["steps"]}
    pair = loops.quantize_multiplier(s_in * s_w / s_out)
    pair32 = loops.float32_multiplier(loops.float32(loops.float32(s_in * s_w) / s_out))
    pair64 = loops.float64_multiplier(s_in * s_w / s_out)
    want = {
        "DOUBLE": loops.multiply_by_quantized_multiplier(acc, *pair),
        "UP": loops.rescale_up(acc, *pair),
        "SINGLE": loops.rescale_single(acc, *pair),
        "FLOAT32": loops.rescale_float32(acc, *pair32),
        "FLOAT64": loops.rescale_float64(acc, *pair64),
    }
    assert (status, err) == (0, "") and list(steps) == list(want)
    exact = acc * Fraction(s_in) * Fraction(s_w) / Fraction(s_out)
    assert abs(Fraction(told["exact"].removesuffix("...")) - exact) < Fraction(1, 10**6)
    assert (told["multiplier"], told["shift"], told["shift (TFLite)"]) == (*pair, -pair[1])
    codes = set()
    for rule, rounded in want.items():
        assert steps[rule]["rounded"] == rounded
        if abs(rounded) < 2**30:
            assert steps[rule]["with_zero_point"] == rounded + zero_point
            assert steps[rule]["code"] == min(max(rounded + zero_point, -128), 127)
        codes.add(steps[rule]["code"])
    assert told["agree"] == (len(codes) == 1)


def test_requantize_prints_a_table(capsys):
    numbers = ["--acc", "7984", "--multiplier", "1583594044"]
    for pair in (["--shift", "9"], ["--shift", "-9", "--sign", "tflite"]):
        status, out, err = run(capsys, "requantize", *numbers, *pair, "--zero-point", "-3")
        assert (status, err) == (0, "")
        assert "shift           9\nshift (TFLite)  -9\n" in out
        assert re.search(r"^DOUBLE +high 5888, shifted 11.500000 +12 +9 +9$", out, re.MULTILINE)
        assert out.endswith("they disagree: 9 by DOUBLE, UP; 8 by SINGLE, FLOAT32, FLOAT64\n")
    out = run(capsys, "requantize", "--acc", "5523", *numbers[2:3], "2026365287", "--shift", "6")[1]
    assert out.endswith("the five agree: 81\n")
    grid, ratio = Grid(1.0, -3), Requantizer.from_pair(1583594044, 9)
    assert ratio.requantize([7984], grid).tolist() == [9]


def test_requantize_refuses_in_one_sentence(capsys):
    scales = ["--scales", "1", "1", "1"]
    for arguments, message in (
        (["--acc", 2**31, *scales], "--acc must be an integer in -2147483648..2147483647"),
        (["--acc", "1", *scales, "--zero-point", "128"], "zero_point must be an integer in"),
        (["--acc", "1", *scales, "--shift", "1"], "--shift and --sign go with --multiplier"),
        (["--acc", "1", *scales, "--sign", "tflite"], "--shift and --sign go with --multiplier"),
        (["--acc", "1", "--scales", "1", "0", "1"], "scale must be a finite float32"),
        (["--acc", "1", "--scales", "1", "nan", "1"], "scale must be a finite number"),
        (["--acc", "1", "--scales", "1e9", "1e9", "1"], "ratio must be in 0..2"),
        (["--acc", "1", "--multiplier", "5"], "--multiplier needs --shift"),
        (["--acc", "1", "--multiplier", "5", "--shift", "1"], "multiplier must be 0 or in"),
        (["--acc", "1", "--multiplier", 2**30, "--shift", "40"], "shift must lie in -30..31"),
    ):
        status, out, err = run(capsys, "requantize", *arguments)
        assert (status, out) == (2, "") and message in err, (arguments, err)
        assert err.startswith("python -m tinyq requantize: error: ") and err.count("\n") == 1


def test_the_module_gives_the_exit_status():
    command = [sys.executable, "-m", "tinyq", "compare", "seed", "--between", "tflite-micro"]
    done = subprocess.run([*command, "litert-optimized"], capture_output=True, text=True)
    assert done.returncode == 1 and "stem_conv7x7_s2" in done.stdout and done.stderr == ""
