"""`import tinyq` loads what every program needs; the rest comes when it is first asked for."""

import subprocess
import sys

import pytest

import tinyq

# What takes long to import: the extras, what starts processes, and tinyq's own larger parts.
HEAVY = ["IPython", "anywidget", "ipywidgets", "matplotlib", "numba", "onnx", "onnxruntime"]
HEAVY += ["scipy", "torch", "traitlets", "asyncio", "concurrent.futures.process", "decimal"]
HEAVY += ["multiprocessing", "subprocess", "zipfile", "tinyq.analysis", "tinyq.models"]
HEAVY += ["tinyq.export", "tinyq.mutants", "tinyq.plots", "tinyq.runtimes"]
HEAVY += ["tinyq.widgets", "tinyq.exercise.worksheet"]


def loaded(code: str) -> set[str]:
    """What `code` loads in a fresh Python that has NumPy already."""
    lines = ["import sys, numpy", "before = set(sys.modules)", code]
    lines += ["print(*set(sys.modules) - before)"]
    command = [sys.executable, "-c", "\n".join(lines)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_import_loads_nothing_heavy():
    found = loaded("import tinyq")
    assert "tinyq.layers.conv" in found
    assert found.isdisjoint(HEAVY), sorted(found & set(HEAVY))


@pytest.mark.parametrize("name", list(tinyq.LATER))
def test_what_comes_later_comes_by_each_way_of_asking(name):
    for code in (f"import tinyq; tinyq.{name}", f"from tinyq import {name}"):
        assert tinyq.LATER[name] in loaded(code), code


def test_every_public_name_is_there_and_listed():
    names: dict = {}
    exec("from tinyq import *", names)
    assert set(tinyq.__all__) <= set(names) & set(dir(tinyq))
    assert names["load_torch"] is tinyq.models.torch_resnet.load_torch
    assert names["resnet"] is sys.modules["tinyq.models.resnet"]


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="module 'tinyq' has no attribute 'widget'"):
        tinyq.widget  # noqa: B018


def test_a_moved_module_is_the_same_by_its_old_name():
    lines = [
        f"import {old} as one, {new} as two; assert one is two and one.__spec__.name == '{new}'"
        for old, new in tinyq.MOVED.items()
    ]
    assert set(tinyq.MOVED.values()) <= loaded("\n".join(lines))
