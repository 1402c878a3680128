"""The page about shipping: each command runs, each example holds, each size is measured again."""

import doctest
import json
import re
import shlex
from math import prod
from pathlib import Path

import pytest
from c_compilers import ARM, needs, run
from reference import GOLDEN

from tinyq import export
from tinyq.__main__ import main
from tinyq.export import FORMATS
from tinyq.export.arena import arena
from tinyq.export.c_fields import RESCALES
from tinyq.export.c_source import c_files
from tinyq.models import digits, resnet

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "shipping.md"
TEXT = PAGE.read_text()
FLAT = " ".join(TEXT.split())
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", TEXT, flags=re.M)[1:])
ROWS = ["contract", "writes", "takes", "gives", "needs", "refuses"]
COMPILER = re.search(r"by arm-none-eabi-gcc (\S+) with `(.+?)`", TEXT)
SIZES = re.findall(r"^\| (seed|digits) \| ([\w-]+) \|(.+)\|$", TEXT, re.M)
# What a format needs to be written, beside NumPy.
PACKAGES = {"tflite": ["ai_edge_litert", "flatbuffers"], "onnx": ["onnx"]}
SEED = resnet.seed()
DIGITS = digits.load()
NETWORKS = {
    "seed": resnet.stem_block(SEED.weights, SEED.biases).quantize(SEED.images),
    "digits": DIGITS.net.quantize(DIGITS.images[DIGITS.calibration]),
}


def commands(path: Path) -> list[list[str]]:
    """Return the export commands of a page, as lists of words behind the name of the package."""
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.M | re.S)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words[3:] for words in lines if words[:4] == ["python", "-m", "tinyq", "export"]]


PAGES = [PAGE, ROOT / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_format_has_a_command(page):
    assert {words[words.index("--format") + 1] for words in commands(page)} == set(FORMATS)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", FORMATS)
def test_every_command_runs(page, kind, tmp_path, monkeypatch):
    for package in PACKAGES.get(kind, ()):
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    for words in commands(page):
        if words[words.index("--format") + 1] in (kind, "npz"):
            assert main([*words, "--force"]) == 0, words
            assert Path(words[words.index("--out") + 1]).exists()


def test_every_example_and_every_message():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 30 and not result.failed


def test_every_format_has_a_contract():
    assert [name for name in SECTIONS if name in FORMATS] == list(FORMATS)
    for name in FORMATS:
        rows = dict(re.findall(r"^\| ([\w ]+) \| (.+) \|$", SECTIONS[name], re.M))
        assert list(rows)[: len(ROWS)] == ROWS and rows["contract"] == name
        assert "Error: " in SECTIONS[name], "an error that is promised must be shown"


def test_the_roundings_that_c_takes_are_said():
    names = [rounding.name for rounding in RESCALES]
    assert f"rounded by {', '.join(names[:-1])} or {names[-1]}" in SECTIONS["c"]


def test_the_program_prints_what_the_page_shows(tmp_path):
    shown = re.search(r"```text\ncc (.+?) && (.+?)\n(.*?)```", SECTIONS["c"], re.S)
    assert shown[3].splitlines() == GOLDEN.splitlines()[2:]
    needs("cc")
    export.c(NETWORKS["seed"], tmp_path, images=SEED.images[:4])
    run("cc", *shown[1].split(), cwd=tmp_path)
    assert run(shown[2], cwd=tmp_path) == shown[3]


@pytest.mark.parametrize(("name", "core", "cells"), SIZES, ids=[" ".join(s[:2]) for s in SIZES])
def test_rom_and_ram(name, core, cells, tmp_path):
    constants, code, rom, ram = (int(cell.replace(",", "")) for cell in cells.split("|"))
    assert constants + code == rom
    files = c_files(NETWORKS[name])
    assert f"static int8_t arena[{ram}];" in files["network.c"]
    needs(ARM)
    version = run(ARM, "-dumpfullversion", cwd=tmp_path).strip()
    if version != COMPILER[1]:
        pytest.skip(f"the table is of {ARM} {COMPILER[1]}, here is {version}")
    export.c(NETWORKS[name], tmp_path)
    run(ARM, "-std=c99", f"-mcpu={core}", *COMPILER[2].split(), "-c", "network.c", cwd=tmp_path)
    rows = run("arm-none-eabi-size", "-A", "network.o", cwd=tmp_path)
    sizes = {section: int(size) for section, size in re.findall(r"^\.(\w+)\S* +(\d+)", rows, re.M)}
    assert (sizes["rodata"], sizes["text"]) == (constants, code)
    assert sizes["data"] + sizes["bss"] == ram


def test_the_readme_and_the_chapter_have_the_tables_bytes():
    rom, ram = next(cells.split("|")[2:] for *row, cells in SIZES if row == ["seed", "cortex-m4"])
    readme = " ".join((ROOT / "README.md").read_text().split())
    said = f"On a Cortex-M4 the network takes {rom.strip()} bytes of ROM and {ram.strip()} of RAM."
    assert said in readme
    chapter = (ROOT / "notebooks" / "13_prove_it_and_ship_it.py").read_text()
    most = re.search(r"Cortex-M4 all of it fits into (\d+) kB of ROM and (\d+) kB of RAM", chapter)
    for size, limit in zip((rom, ram), most.groups(), strict=True):
        assert int(size.replace(",", "")) <= 1000 * int(limit)


def test_the_table_has_both_networks_and_both_cores():
    assert [row[:2] for row in SIZES] == [
        (name, core) for name in NETWORKS for core in ("cortex-m0", "cortex-m4")
    ]


def test_what_was_run_is_the_record():
    record = json.loads((ROOT / "book" / "shipped.json").read_text())["rows"]
    section = re.findall(r"^\| (.+) \|$", SECTIONS["What was run"], re.M)
    (*_, first, second, third), *lines = (line.split(" | ") for line in section)
    shown = {
        (network, kind, runtime): count
        for kind, runtime, *counts in lines
        for network, count in zip((first, second, third), counts, strict=True)
    }
    assert shown == {
        (row["network"], row["format"], row["runtime"]): f"{row['equal']:,} of {row['images']:,}"
        for row in record
    }
    assert all(row["equal"] == row["images"] > 0 for row in record)


def test_the_bytes_in_the_prose():
    qnet = NETWORKS["seed"]
    shapes = qnet.shapes()
    first, *between, last = map(prod, shapes.values())
    weights = sum(row.weight_bytes for row in qnet.ledger())
    pad, conv = between[:2]
    for said in (
        f"{weights:,} bytes are weights and biases",
        f"the padded image, {pad:,} bytes, and the stem's convolution, {conv:,}.",
        f"one after another would take {sum(between):,}.",
        f"The input's {first:,} bytes and the output's {last:,} belong",
    ):
        assert said in FLAT
    assert pad + conv == arena(qnet, shapes).size
