"""Other people's models against the runtimes: the record, a small run, planted faults."""

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from export_networks import random_qnet  # noqa: E402
from test_cmsis_shapes import softmax  # noqa: E402
from tflite_files import OTHERS  # noqa: E402

from tinyq import Requantizer, Rounding  # noqa: E402
from tinyq.export.tflite_file import of_network  # noqa: E402
from tinyq.layers.linear import Linear  # noqa: E402
from tinyq.models.tflite_sizes import MAKERS  # noqa: E402
from tools.agreement import found, hold, inputs, opened, opened_rows, wheels  # noqa: E402
from tools.agreement.every_tensor import RUNTIMES  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
RECORD = json.loads((ROOT / opened.RECORD).read_text())
ROWS = {row["name"]: row for row in RECORD["models"]}
OPENED = {name: row for name, row in ROWS.items() if not row["refusals"]}
OWN = of_network(random_qnet(3, (Rounding.DOUBLE,), (8,)), 1)


# --- the record


def test_the_record_has_what_it_was_measured_with():
    assert {*RECORD["versions"]} == {*RUNTIMES} and RECORD["count"] == opened.MOST
    pinned = [
        {"name": wheel.name, "version": wheel.version, "sha256": wheel.sha256}
        for wheel in wheels.PINNED
    ]
    assert RECORD["wheels"] == pinned
    assert len(ROWS) == len(RECORD["models"]) == len({row["sha256"] for row in ROWS.values()})
    assert len(OPENED) > 20 and len(ROWS) - len(OPENED) > 10


@pytest.mark.parametrize("name", list(ROWS))
def test_a_row_names_its_file(name):
    row = ROWS[name]
    assert len(row["sha256"]) == 64 and row["size"] > 1000 and row["origins"] and row["licence"]
    assert row["operators"] and all(row["operators"].values())
    assert ("runtimes" in row) != bool(row["refusals"]) and "stopped" not in row


@pytest.mark.parametrize("name", list(OPENED))
def test_every_tensor_is_equal_under_each_runtime_that_takes_the_file(name):
    held = OPENED[name]["runtimes"]
    assert [*held] == [*RUNTIMES] and not held["tflite-micro"]["refused"]
    for one in held.values():
        assert one["wrong"] is None
        if not one["refused"]:
            tensors = 0
            for counts in one["counts"].values():
                assert counts["inputs"] == RECORD["count"]
                assert counts["equal"] == counts["tensors"] > 0 == counts["differing"]
                tensors += counts["tensors"]
            assert sum(number for number, _ in one["operators"].values()) == tensors
            assert all(number == equal for number, equal in one["operators"].values())
            apart = sum(counts["from_micro"] for counts in one["counts"].values())
            assert bool(one["first"]) == bool(apart)


def test_only_the_file_that_litert_refuses_is_refused():
    refused = {
        (name, runtime)
        for name, row in OPENED.items()
        for runtime, held in row["runtimes"].items()
        if held["refused"]
    }
    assert refused == {("tflm_person_detect", runtime) for runtime in RUNTIMES[1:]}


def test_the_example_is_the_one_that_was_worked_by_hand():
    by_side = {row["sides"][1]: row for row in RECORD["example"]}
    assert by_side["litert-reference"]["node"] is None
    row = by_side["litert-xnnpack"]
    facts = row["explanation"]["facts"]
    assert (row["tensor"], row["place"], row["codes"]) == (22, [0, 2, 16, 9], [-107, -108])
    assert (facts["accumulator"], facts["bias"]) == (15392, 5800)
    assert (facts["multiplier"], facts["shift"]) == (1464338136, 9)
    assert facts["exact"] == "20.499185..."
    rounded = {step["rule"]: step["rounded"] for step in row["explanation"]["steps"]}
    assert rounded == {"DOUBLE": 21, "FLOAT32 by linear.xnnpack": 20}
    assert [row["differing"], row["bytes"], row["size"]] == [13, 13, 16384]
    assert all(row["measured"] == row["codes"] for row in RECORD["example"] if row["node"])


def test_a_first_difference_can_be_computed_again():
    """By the exact rational: its two neighbours are what the two sides rounded to."""
    seen = 0
    for row in OPENED.values():
        for name, held in row["runtimes"].items():
            facts = ((held["first"] or {}).get("explanation") or {}).get("facts", {})
            if "accumulator" in facts and "multiplier" in facts:
                pair = facts["multiplier"], facts["shift"]
                got = Requantizer.from_pair(*pair).rescale([facts["accumulator"]])[0]
                steps = held["first"]["explanation"]["steps"]
                (micro,) = (s["rounded"] for s in steps if "tflite-micro" in s["runtimes"])
                (other,) = (s["rounded"] for s in steps if name in s["runtimes"])
                assert micro == got and abs(other - got) == 1
                seen += 1
    assert seen > 20


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_what_the_record_says_of_a_file_is_so(path):
    """Else the record is of an older tinyq: make it again."""
    rows = {row["sha256"]: row for row in ROWS.values()}
    model = found.Found(path.read_bytes(), path.stem)
    if model.sha256 not in rows:
        pytest.skip(f"{path.name} is not in the record")
    told, now = rows[model.sha256], opened_rows.described(model)
    assert bool(now["refusals"]) == bool(told["refusals"])
    assert (now["operators"], now["size"]) == (told["operators"], told["size"])


# --- a run


def test_every_tensor_of_a_small_network_is_held():
    held = hold.hold(OWN, count=3, seed=5)
    network = hold.opened(OWN).network
    for one in held.values():
        assert one["wrong"] is None and one["refused"] is None
        for counts in one["counts"].values():
            assert counts["inputs"] == 3 and counts["differing"] == 0
            assert counts["equal"] == counts["tensors"] == 3 * (len(network.tensor_indices) - 1)
    assert held["litert-xnnpack"]["counts"]["random"]["from_micro"] > 0


def test_a_flipped_weight_is_found_in_the_tensor_that_it_makes(monkeypatch):
    model = hold.opened(OWN)
    spot = next(i for i, node in enumerate(model.network.nodes) if isinstance(node.layer, Linear))
    node = model.network.nodes[spot]
    weight = node.layer.weight.copy()
    weight[weight == weight.max()] *= -1
    nodes = list(model.network.nodes)
    nodes[spot] = replace(node, layer=replace(node.layer, weight=weight))
    planted = replace(model, network=replace(model.network, nodes=tuple(nodes)))
    monkeypatch.setattr(hold, "opened", lambda content: planted)
    for one in hold.hold(OWN, count=2, seed=5).values():
        counts = one["counts"]["random"]
        assert 0 < counts["differing"] < counts["bytes"] and counts["equal"] < counts["tensors"]
        assert one["wrong"]["node"].startswith(node.name.partition(".")[0])
        assert one["wrong"]["tinyq"] != one["wrong"]["runtime"]
    row = {"name": "own", "sha256": "a", "refusals": [], "runtimes": {"tflite-micro": one}}
    assert len(opened_rows.faults([row], [], whole=False)) == 1


def test_a_runtime_that_refuses_the_file_is_named(monkeypatch):
    def refusing(name, content, model):
        if name == "litert-xnnpack":
            raise RuntimeError("Axis 3.Tensor 5 is bad.\n")
        return asker(name, content, model)

    asker = hold.asker
    monkeypatch.setattr(hold, "asker", refusing)
    held = hold.hold(OWN, count=1, seed=1)
    assert held["litert-xnnpack"]["refused"] == "Axis 3"
    assert held["litert-xnnpack"]["counts"]["random"]["inputs"] == 0
    assert held["litert-optimized"]["counts"]["random"]["inputs"] == 1


def test_a_model_that_ends_its_process_ends_no_other():
    """A row of 800 codes that all weigh about 1: gemmlowp asserts that its shift fits."""
    row = opened_rows.measured(found.Found(softmax((1, 800), 0.001).content(), "long"), 1, 1)
    assert row["stopped"] == "its process died" and "runtimes" not in row
    assert opened_rows.faults([row], [], whole=False) == ["long: its process died"]


def test_the_command_writes_the_record_only_where_it_is_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(opened, "RECORD", tmp_path / "record.json")
    monkeypatch.setattr(opened, "BUILT", tmp_path / "built.json")
    monkeypatch.setattr(opened, "SHARED", tmp_path / "none")
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "small.tflite").write_bytes(OWN)
    (folder / "broken.tflite").write_bytes(OWN[:200])
    asked = ["--models", str(folder), "--no-wheels", "--count", "1"]
    assert opened.main(asked) == 0
    said = capsys.readouterr().out
    assert "left out: " in said and "none has no .tflite" in said and "broken: refused" in said
    assert "litert-xnnpack" in said and "tensors equal" in said
    assert not opened.RECORD.exists()
    assert opened.main([*asked, "--record"]) == 0
    record = json.loads(opened.RECORD.read_text())
    assert {row["name"]: bool(row["refusals"]) for row in record["models"]} == {
        "small": False,
        "broken": True,
    }
    (folder / "small.tflite").unlink()
    before = opened.RECORD.read_bytes()
    assert opened.main([*asked, "--record"]) == 1
    assert "FAULT: small is not here" in capsys.readouterr().err
    assert opened.RECORD.read_bytes() == before


# --- where models are found


def packed(**files: bytes) -> bytes:
    held = io.BytesIO()
    with ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def test_an_archive_in_an_archive_is_read():
    inner = packed(**{"deep.tflite": b"2", "other.txt": b"3"})
    outer = packed(**{"a/one.tflite": b"1", "b.mltk.zip": inner})
    assert list(wheels.in_archive(outer)) == [
        ("a/one.tflite", b"1"),
        ("b.mltk.zip/deep.tflite", b"2"),
    ]


def test_a_model_that_lies_in_two_places_is_one_and_two_of_one_name_are_two(tmp_path):
    for place, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "net.tflite").write_bytes(content)
    folders = [tmp_path / name for name in ("a", "b", "c", "absent")]
    models, absent = found.everything(folders, [])
    assert [model.origins for model in models] == [["a: net.tflite", "b: net.tflite"],
                                                   ["c: net.tflite"]]  # fmt: skip
    assert [model.name for model in models] == ["net 6b86b2", "net d4735e"]
    assert absent == [f"{tmp_path / 'absent'} has no .tflite"]


def test_a_wheel_is_taken_by_its_hash_alone(tmp_path, monkeypatch):
    said = "WARNING: x\nERROR: no such file\n"
    monkeypatch.setattr(wheels, "WHEELS", tmp_path)
    ran = SimpleNamespace(stderr=said)
    monkeypatch.setattr(wheels.subprocess, "run", lambda *arguments, **how: ran)
    content = packed(**{"w-1.dist-info/METADATA": b"License: MIT\n", "m/net.tflite": b"1"})
    wheel = wheels.Wheel("w", "1", found.Found(content, "").sha256, ())
    assert found.everything([], [wheel]) == ([], ["w 1: ERROR: no such file"])
    (tmp_path / "w" / "other.whl").write_bytes(b"another")
    assert found.everything([], [wheel])[1]
    (tmp_path / "w" / "w.whl").write_bytes(content)
    (model,), absent = found.everything([], [wheel])
    assert (model.origins, model.licence, absent) == (["w 1: m/net.tflite"], "MIT", [])


# --- inputs


@pytest.mark.parametrize("shape", [(1, 640), (1, 32, 32, 3), (1, 49, 10, 1), (1, 1), (1, 2, 5)])
def test_smooth_inputs_are_smooth_and_random_ones_are_not(shape):
    drawn = {kind: draw(np.random.default_rng(2), shape) for kind, draw in inputs.KINDS.items()}
    assert all((codes.shape, codes.dtype) == (shape, np.int8) for codes in drawn.values())
    for axis, size in enumerate(shape):
        if size >= 10:  # from one of KNOTS to the next, 255 at most
            step = 255 * (inputs.KNOTS - 1) / (size - 1) + 1
            smooth, rough = (np.abs(np.diff(drawn[kind].astype(int), axis=axis)).max()
                             for kind in ("smooth", "random"))  # fmt: skip
            assert smooth <= step < rough


def test_the_operators_of_the_record_are_those_of_the_runtimes():
    """Every operator of an opened file is held, but for those that make no codes."""
    for row in OPENED.values():
        held = Counter(row["runtimes"]["tflite-micro"]["operators"].keys())
        assert {*held} == {*row["operators"]} - {"DEQUANTIZE", *MAKERS}
