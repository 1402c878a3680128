"""The operator contracts: each layer has one, whole, and each of its lines gives what it says."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from contract_rows import faults, rows
from layer_cases import LAYER_CASES

from tinyq import layers

PAGE = Path(__file__).resolve().parents[1] / "book" / "operator_contracts.md"
TEXT = PAGE.read_text()
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", TEXT, flags=re.M)[1:])


def test_every_example_and_every_message():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 42 and not result.failed


def test_every_layer_has_a_contract():
    assert sorted(SECTIONS) == sorted(set(layers.__all__) - {"same_pads"})  # which makes no layer


@pytest.mark.parametrize("name", SECTIONS)
def test_a_contract_says_what_the_layer_and_the_exporters_do(name):
    said = rows(SECTIONS[name])
    assert list(faults(said, LAYER_CASES[name])) == []
    assert said["contract"] == name
    assert ">>> " in SECTIONS[name] and name in SECTIONS[name].split("```python")[1]
    promised = not said["refuses"].startswith("nothing")
    assert ("Error: " in SECTIONS[name]) == promised, "an error that is promised must be shown"


def ranks(name: str) -> set[int]:
    """The ranks of the arrays that a contract says its layer takes."""
    takes = rows(SECTIONS[name])["takes"].split(";")[0]
    if other := re.match(r"as (\w+)", takes):
        return ranks(other[1])
    if takes == "a grid":  # qrelu and qrelu6 build it
        return ranks("QClamp")
    forms = re.findall(r"`(\(N, [^`]*\))`", takes)
    if "(N, ...)" in forms:  # as many axes as the layer was made for
        return {len(LAYER_CASES[name].shapes[0]) + 1}
    if any(form.startswith("(N, ..., ") for form in forms):
        return {2, 3, 4, 5}
    return {form.count(",") + 1 for form in forms}


@pytest.mark.parametrize("name", [name for name in SECTIONS if LAYER_CASES[name].shapes])
def test_a_layer_takes_the_ranks_that_its_contract_says_and_no_other(name):
    case, image = LAYER_CASES[name], (4, 4, LAYER_CASES[name].shapes[0][-1])
    assert ranks(name)
    for shape in (image, image[-1:], (2, *image)):
        codes = [np.full((2, *shape), 10, np.int8)] * len(case.shapes)
        if len(shape) + 1 in ranks(name):
            case.layer.forward(*codes)
        else:
            with pytest.raises(ValueError, match="must have shape|must read samples of rank"):
                case.layer.forward(*codes)
