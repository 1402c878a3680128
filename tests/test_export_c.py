"""The C of a network: compiled, run, and held against tinyq byte by byte."""

import re
import subprocess
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from c_compilers import (
    ARM,
    BOARDS,
    QEMU,
    SANITIZE,
    WARNINGS,
    assert_same_bytes,
    codes_from,
    compile_cortex_m,
    compile_host,
    needs,
    run,
    section_sizes,
)
from export_networks import ELSEWHERE, INTEGER, KINDS, edge_qnet, random_codes, random_qnet
from reference import GOLDEN

from tinyq import Grid, Rounding, Scheme, export, layers
from tinyq.export.c_source import c_files
from tinyq.layers.nodes import Node
from tinyq.models import digits, resnet
from tinyq.network import QNetwork

IMAGES = resnet.seed().images
SEED = resnet.stem_block(*resnet.seed()[:2]).quantize(IMAGES)
CODES = random_codes(SEED, 1000)
SEEDS = range(8)
# What a compiler may call on its own, on any machine: copying, clearing, 64-bit products.
COMPILERS_OWN = re.compile(r"_?(memcpy|memmove|memset|__aeabi_\w+)|_GLOBAL_OFFSET_TABLE_")


@pytest.fixture(scope="module")
def logits() -> bytes:
    return SEED(CODES).tobytes()


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("options", [["-O0"], ["-O3"], ["-O1", *SANITIZE]], ids=" ".join)
def test_a_thousand_images_under_each_compiler(compiler, options, logits, tmp_path):
    needs(compiler)
    export.c(SEED, tmp_path)
    command = compile_host(compiler, tmp_path, *options)
    assert codes_from(command, CODES, tmp_path) == logits


def test_a_thousand_scans_of_digits(tmp_path):
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration[:32]])
    codes = qnet.grids["input"].quantize(data.images[-1000:])
    assert_same_bytes(qnet, codes, tmp_path, "-O2")


def test_the_border_of_a_max_pool_never_wins(tmp_path):
    grid = Grid(0.05, -7)
    pool = layers.QMaxPool2D(grid, (3, 4), (2, 3), (1, 2, 3, 0))
    nodes = (Node("pool", pool, ("input",)),)
    qnet = QNetwork(nodes, {"input": grid, "pool": grid}, {}, (7, 6, 2))
    codes = np.random.default_rng(0).integers(-128, -7, (50, 7, 6, 2)).astype(np.int8)
    assert_same_bytes(qnet, codes, tmp_path, *SANITIZE)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_wiring_size_bits_and_rounding(seed, tmp_path):
    qnet = random_qnet(seed)
    assert_same_bytes(qnet, random_codes(qnet, 50), tmp_path, "-O1", *SANITIZE)


def test_the_networks_above_have_every_layer_rounding_and_direction_of_shift():
    used = [node.layer for seed in SEEDS for node in random_qnet(seed).nodes]
    assert {type(layer) for layer in used} == KINDS - ELSEWHERE
    requantizers = [layer.requantizer for layer in used if hasattr(layer, "requantizer")]
    assert {r.rounding for r in requantizers} == set(INTEGER)
    shifts = np.concatenate([r.shift for r in requantizers])
    assert shifts.min() < 0 < shifts.max()


@pytest.mark.parametrize("rounding", INTEGER)
def test_the_ends_of_accumulator_and_ratio(rounding, tmp_path):
    qnet = edge_qnet(rounding)
    every = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1, 1, 1)
    acc = qnet.nodes[0].layer.accumulate(every)
    assert (acc.min(), acc.max()) == (-(2**31), 2**31 - 1)
    assert_same_bytes(qnet, every, tmp_path, "-O1", *SANITIZE)


@pytest.mark.parametrize("rounding", INTEGER)
def test_the_add_at_its_headroom(rounding, tmp_path):
    grid, out = Grid(0.1, -128), Grid(0.15, 3)
    add = layers.QAdd.from_float(grid, grid, out, left_shift=23, rounding=rounding)
    relu = layers.qrelu(grid)
    nodes = (Node("relu", relu, ("input",)), Node("add", add, ("input", "relu")))
    qnet = QNetwork(nodes, {"input": grid, "relu": grid, "add": out}, {}, (1, 1, 1))
    every = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1, 1, 1)
    assert_same_bytes(qnet, every, tmp_path, "-O1", *SANITIZE)


def test_a_code_off_a_narrow_grid_is_refused_before_the_run(tmp_path):
    needs("cc")
    weights, biases, images = resnet.seed()
    narrow = {"input": Scheme(activation_bits=4)}
    qnet = resnet.stem_block(weights, biases).quantize(images, schemes=narrow)
    export.c(qnet, tmp_path)
    command = compile_host("cc", tmp_path, "-O1")
    codes = random_codes(qnet, 2)
    assert codes_from(command, codes, tmp_path) == qnet(codes).tobytes()
    for stray in (-9, 8):
        codes[1, 15, 15, 2] = stray
        with pytest.raises(AssertionError, match="host: 3"):
            codes_from(command, codes, tmp_path)


def test_main_prints_the_golden(tmp_path):
    needs("cc")
    export.c(SEED, tmp_path, images=IMAGES[:4])
    run("cc", *WARNINGS, "network.c", "main.c", "-o", "main", cwd=tmp_path)
    assert run("./main", cwd=tmp_path).splitlines() == GOLDEN.splitlines()[2:]


def test_the_header_serves_cpp(tmp_path):
    needs("c++")
    export.c(SEED, tmp_path)
    app = '#include "network.h"\nint main() { return tinyq_run(nullptr, nullptr); }\n'
    (tmp_path / "app.cpp").write_text(app)
    run("c++", "-Wall", "-Wextra", "-Werror", "-c", "app.cpp", cwd=tmp_path)


# ------------------------------------------------------------------------------ what it is made of


def test_no_float_no_library_no_heap():
    qnet = random_qnet(seed=1)
    for name, text in c_files(qnet).items():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(float|double)\b|\d\.\d|\.\d|\de-?\d", code), name
        includes = set(re.findall(r"#include (\S+)", code))
        assert includes <= {"<stdint.h>", '"network.h"', '"network_data.h"'}, name


def test_the_object_needs_nothing_from_outside(tmp_path):
    needs("cc", "nm")
    export.c(random_qnet(seed=1), tmp_path)
    run("cc", *WARNINGS, "-O2", "-ffreestanding", "-c", "network.c", cwd=tmp_path)
    foreign = [line.split()[-1] for line in run("nm", "-u", "network.o", cwd=tmp_path).splitlines()]
    assert [name for name in foreign if not COMPILERS_OWN.fullmatch(name)] == []


def test_only_the_functions_in_use_are_written():
    text = c_files(SEED)["network.c"]
    assert "rescale_double(" in text and "max_pool2d(" in text
    assert "rescale_up(" not in text and "rescale_single(" not in text


def test_no_line_is_longer_than_a_c99_compiler_must_read():
    for name, text in c_files(SEED).items():
        assert max(map(len, text.splitlines())) <= 100, name


def test_any_layer_name_makes_an_identifier(tmp_path):
    names = ["*/ int x; /*", "1.0", "ünï", "while", "a" * 300, "a" * 299 + "b", "\n#error", ""]
    grid = Grid(0.5, -3)
    sources = ["input", *names[:-1]]
    nodes = [
        Node(name, layers.QClamp(grid, -100 + i, 100 - i), (source,))
        for i, (name, source) in enumerate(zip(names, sources, strict=True))
    ]
    qnet = QNetwork(tuple(nodes), dict.fromkeys(["input", *names], grid), {}, (2, 3, 1))
    assert_same_bytes(qnet, random_codes(qnet, 20), tmp_path)


@pytest.mark.parametrize("rounding", [r for r in Rounding if r not in INTEGER])
def test_a_rounding_in_floats_is_refused_with_the_layer(rounding, tmp_path):
    weights, biases, images = resnet.seed()
    schemes = {"block_add": Scheme(rounding=rounding)}
    qnet = resnet.stem_block(weights, biases).quantize(images, schemes=schemes)
    want = f"'block_add': C without floats must round as DOUBLE, UP, SINGLE, got {rounding.name}"
    with pytest.raises(ValueError, match=want):
        export.c(qnet, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one layer, got none"):
        export.c(replace(SEED, nodes=()), tmp_path)
    conv = replace(SEED.nodes[1], inputs=("input",))
    with pytest.raises(ValueError, match=r"kernel \(7, 7\) must fit the image"):
        export.c(replace(SEED, nodes=(conv,), image_shape=(4, 4, 3)), tmp_path)
    with pytest.raises(ValueError, match="images must hold at least one"):
        export.c(SEED, tmp_path, images=IMAGES[:0])
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept_unless_force(tmp_path):
    (tmp_path / "network_data.h").write_text("mine")
    with pytest.raises(FileExistsError, match="network_data.h exists and is kept"):
        export.c(SEED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network_data.h"]
    export.c(SEED, tmp_path, force=True)
    assert (tmp_path / "network_data.h").read_text() == c_files(SEED)["network_data.h"]


# ---------------------------------------------------------------------------------------- Cortex-M


@pytest.mark.full
@pytest.mark.parametrize("core", BOARDS)
def test_a_thousand_images_on_an_emulated_cortex_m(core, logits, tmp_path):
    needs(ARM, QEMU)
    export.c(SEED, tmp_path)
    command = compile_cortex_m(core, tmp_path)
    assert codes_from(command, CODES, tmp_path) == logits


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_any_network_on_an_emulated_cortex_m(seed, tmp_path):
    needs(ARM, QEMU)
    qnet = random_qnet(seed)
    export.c(qnet, tmp_path)
    codes = random_codes(qnet, 50)
    command = compile_cortex_m("cortex-m4", tmp_path)
    assert codes_from(command, codes, tmp_path) == qnet(codes).tobytes()


@pytest.mark.full
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_rom_and_ram(core, tmp_path, capsys):
    needs(ARM)
    export.c(SEED, tmp_path)
    run(ARM, *WARNINGS, f"-mcpu={core}", "-mthumb", "-Os", "-c", "network.c", cwd=tmp_path)
    text, data, bss = section_sizes("arm-none-eabi-size", tmp_path / "network.o")
    with capsys.disabled():
        print(f"\n{core}, -Os: ROM {text} bytes, RAM {data + bss} bytes")
    # the constants are in ROM, and nothing but the arena is in RAM
    weights = sum(row.weight_bytes for row in SEED.ledger())
    assert weights < text < weights + 4096 and (data, bss) == (0, 1964)


@pytest.mark.parametrize("ends", [(-128, -100), (90, 127), (-8, 7), (-128, 127)])
def test_codes_off_the_input_grid_are_refused_by_c_without_a_warning(ends, tmp_path):
    needs("cc")
    grid = Grid(0.1, ends[0], *ends)
    node = Node("pad", layers.QPad2D(grid, (1, 0, 0, 1)), ("input",))
    qnet = QNetwork((node,), {"input": grid, "pad": grid}, {}, (2, 2, 1))
    codes = np.random.default_rng(5).integers(ends[0], ends[1] + 1, (20, 2, 2, 1), dtype=np.int8)
    assert_same_bytes(qnet, codes, tmp_path)


def test_a_program_of_another_network_does_not_stay(tmp_path):
    export.c(SEED, tmp_path, images=IMAGES[:1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="has main.c and images.h of another export"):
        export.c(SEED, tmp_path, force=True)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    export.c(SEED, tmp_path, images=IMAGES[:2], force=True)


# ----------------------------------------------------------------------------- files of one export


def test_files_of_two_exports_do_not_compile_together(tmp_path):
    needs("cc")
    shorter = replace(SEED, nodes=SEED.nodes[:-1])
    ours, theirs = c_files(SEED, IMAGES[:1]), c_files(shorter, IMAGES[:1])
    command = ["cc", "-std=c99", "-Wundef", "-fsyntax-only", "network.c", "main.c"]
    for chosen in product([ours, theirs], repeat=len(ours)):
        for name, files in zip(ours, chosen, strict=True):
            (tmp_path / name).write_text(files[name])
        done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
        if chosen.count(ours) in (0, len(ours)):
            assert done.returncode == 0, done.stderr
        else:
            assert done.returncode and "are of two networks: export again" in done.stderr


def test_an_id_is_of_the_network_alone():
    identity = re.compile("TINYQ_NETWORK_[0-9A-F]{16}")

    def ids(*arguments) -> dict[str, set[str]]:
        return {name: {*identity.findall(text)} for name, text in c_files(*arguments).items()}

    (seed,) = ids(SEED)["network.h"]
    assert ids(SEED, IMAGES[:2]) == dict.fromkeys(c_files(SEED, IMAGES), {seed})
    assert c_files(SEED, IMAGES[:1]).items() > c_files(SEED).items()
    others = [ids(random_qnet(n))["network.h"] for n in SEEDS]
    assert len(set.union({seed}, *others)) == 1 + len(SEEDS)
