"""The command line: what it prints, what it returns, what it refuses."""

import subprocess
import sys

import pytest
from reference import GOLDEN, GRIDS, RANGES

from tinyq.__main__ import main

# The seed's row names, in its order.
BENCH_ROWS = [
    "stem_pad",
    "stem_conv7x7_s2",
    "stem_relu",
    "stem_maxpool2x2",
    "block_pad1",
    "block_conv3x3_a",
    "block_relu_a",
    "block_pad2",
    "block_conv3x3_b",
    "block_add",
    "block_relu_b",
    "global_avgpool",
    "dense_8x4",
]


def test_golden(capsys):
    assert main(["golden"]) == 0
    assert capsys.readouterr().out == GOLDEN


def test_run_prints_ranges_grids_and_pass(capsys):
    assert main(["run"]) == 0
    out = capsys.readouterr().out
    for scale, zero_point in GRIDS.values():
        assert any(line.split()[-2:] == [scale, str(zero_point)] for line in out.splitlines())
    for span in RANGES.values():
        assert span in out
    assert "0.01943, 0.5% of the logit range (tolerance 40%)" in out
    assert out.endswith("PASS\n")


def test_run_fails_below_its_error(capsys):
    assert main(["run", "--tolerance", "0.005"]) == 1
    assert capsys.readouterr().out.endswith("FAIL\n")
    assert main(["run", "--tolerance", "0.006"]) == 0


@pytest.mark.parametrize("tolerance", ["-1", "nan", "much"])
def test_run_refuses_a_bad_tolerance(tolerance, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", f"--tolerance={tolerance}"])
    assert stop.value.code == 2
    assert f"must be a number >= 0, got '{tolerance}'" in capsys.readouterr().err


def test_bench_rows(capsys):
    assert main(["bench"]) == 0
    out, err = capsys.readouterr()
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert header == ["name", "weight_bytes", "activation_bytes", "ns"]
    assert [row[0] for row in rows] == BENCH_ROWS
    assert all(int(row[3]) > 0 for row in rows)
    assert err.splitlines()[-1] == "[13/13] dense_8x4"


def test_ledger_prints_a_line_a_layer(capsys):
    assert main(["ledger"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "input", *BENCH_ROWS]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot_writes_the_same_file_twice_and_nothing_else(suffix, tmp_path, capsys):
    first, second = tmp_path / f"deep/a.{suffix}", tmp_path / f"deep/b.{suffix}"
    for path in (first, second):
        assert main(["plot", "--out", str(path)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")
    assert sorted(path.name for path in first.parent.iterdir()) == [first.name, second.name]
    assert capsys.readouterr().out == f"{first}\n{second}\n"


def test_plot_keeps_a_file_unless_force(tmp_path, capsys):
    path = tmp_path / "a.svg"
    path.write_text("mine")
    assert main(["plot", "--out", str(path)]) == 1
    message = f"python -m tinyq plot: error: {path} exists and is kept: force replaces it\n"
    assert capsys.readouterr() == ("", message) and path.read_text() == "mine"
    assert main(["plot", "--out", str(path), "--force"]) == 0
    assert path.read_bytes()[:5] == b"<?xml" and list(tmp_path.iterdir()) == [path]


def test_plot_refuses_another_format(capsys):
    with pytest.raises(SystemExit):
        main(["plot", "--out", "parity.pdf"])
    assert "must end in .png or .svg, got 'parity.pdf'" in capsys.readouterr().err


def test_the_module_runs_and_matplotlib_stays_out():
    code = "import sys, tinyq.__main__ as m; m.main(['golden']); print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == GOLDEN + "False\n"
    done = subprocess.run([sys.executable, "-m", "tinyq"], capture_output=True, text=True)
    assert done.returncode == 2 and "usage: python -m tinyq" in done.stderr


def test_a_reader_that_stops_early_sees_no_traceback():
    command = f"'{sys.executable}' -m tinyq ledger | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("layer") and done.stderr == ""
