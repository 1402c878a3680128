"""`python -m tinyq export`: what it writes, what it prints, what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest
from c_compilers import needs, run
from reference import GOLDEN

import tinyq
from tinyq import export
from tinyq.__main__ import main
from tinyq.export.archive import to_bytes
from tinyq.models import digits, resnet


def seed_network():
    weights, biases, images = resnet.seed()
    return resnet.stem_block(weights, biases).quantize(images)


def test_npz_of_the_seed_is_the_default_and_loads(tmp_path, capsys):
    path = tmp_path / "seed.npz"
    assert main(["export", "--format", "npz", "--out", str(path)]) == 0
    assert capsys.readouterr() == (f"{path}\n", "")
    assert path.read_bytes() == to_bytes(seed_network())


def test_digits(tmp_path):
    data = digits.load()
    path = tmp_path / "digits.npz"
    assert main(["export", "--format", "npz", "--net", "digits", "--out", str(path)]) == 0
    images = data.images[data.test]
    assert (export.load(path)(images).argmax(1) == data.labels[data.test]).mean() > 0.95


def test_c_of_the_seed_prints_the_golden(tmp_path):
    needs("cc")
    assert main(["export", "--format", "c", "--out", str(tmp_path / "seed")]) == 0
    run("cc", "network.c", "main.c", cwd=tmp_path / "seed")
    assert run("./a.out", cwd=tmp_path / "seed").splitlines() == GOLDEN.splitlines()[2:]


def test_c_of_a_file_is_the_same_network_without_a_program(tmp_path):
    path, folder = tmp_path / "seed.npz", tmp_path / "c"
    export.npz(seed_network(), path)
    assert main(["export", "--format", "c", "--net", str(path), "--out", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["network.c", "network.h", "network_data.h"]
    export.c(seed_network(), tmp_path / "direct")
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "direct" / file.name).read_bytes()


def test_an_existing_file_is_kept_unless_force(tmp_path, capsys):
    path = tmp_path / "seed.npz"
    path.write_bytes(b"mine")
    command = ["export", "--format", "npz", "--out", str(path)]
    assert main(command) == 1
    message = f"python -m tinyq export: error: {path} exists and is kept: force replaces it\n"
    assert capsys.readouterr() == ("", message)
    assert path.read_bytes() == b"mine"
    assert main([*command, "--force"]) == 0
    assert path.read_bytes() == to_bytes(seed_network())


def test_a_model_that_other_tools_converted_becomes_c(tmp_path):
    path = Path(__file__).resolve().parents[1] / "book" / "own_model" / "digits_int8.tflite"
    folder = tmp_path / "c"
    assert main(["export", "--format", "c", "--net", str(path), "--out", str(folder)]) == 0
    export.c(tinyq.load_tflite(path), tmp_path / "direct")
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "direct" / file.name).read_bytes()


@pytest.mark.parametrize("name", ["none.npz", "text.npz"])
def test_a_network_that_cannot_be_loaded_is_an_error(name, tmp_path, capsys):
    (tmp_path / "text.npz").write_text("hello")
    out = tmp_path / "out"
    assert main(["export", "--format", "c", "--net", str(tmp_path / name), "--out", str(out)]) == 1
    assert capsys.readouterr().err.startswith("python -m tinyq export: error: ")
    assert not out.exists()


def test_an_unknown_format_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--format", "gguf", "--out", "x"])
    assert stop.value.code == 2 and "invalid choice: 'gguf'" in capsys.readouterr().err


def test_importing_export_needs_numpy_alone():
    code = "import sys, tinyq.export; print(*{'onnx', 'flatbuffers', 'google'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
