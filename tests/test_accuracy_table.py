"""The accuracy table: its figures against the networks themselves, and what it must show."""

from functools import partial

import numpy as np
import pytest
from test_digits import DIGITS, accuracies, accuracy

from tinyq.__main__ import main
from tinyq.analysis import accuracy_table as module
from tinyq.analysis.accuracy_table import METHODS, Row, format_table, table
from tinyq.layers.scheme import Scheme
from tinyq.methods.equalization import equalize_network
from tinyq.observers import MinMax

FIRST_TWO = METHODS[:2]


def percents(rows, network):
    return {row.method: row.percent for row in rows if row.network == network}


def test_min_max_rows_equal_what_the_networks_give():
    rows = table(bits=(8,), methods=FIRST_TWO)
    for network, name in (("trained", "net"), ("wide sibling", "wide_net")):
        want = dict(zip(["float", *(m.name for m in FIRST_TWO)], accuracies(name), strict=True))
        assert {method: p[8] for method, p in percents(rows, network).items()} == want


def test_a_method_quantizes_as_it_says():
    calibration = DIGITS.images[DIGITS.calibration]
    method = module.Method("", MinMax, per_channel=False, equalized=True)
    scheme = Scheme(4, 4, per_channel=False)
    want = equalize_network(DIGITS.wide_net).quantize(calibration, scheme=scheme)
    got = method.quantize(DIGITS.wide_net, calibration, bits=4)
    images = DIGITS.images[DIGITS.test]
    assert np.array_equal(got(images), want(images))


def test_each_plus_adds_to_the_line_before():
    for before, after in zip(METHODS, METHODS[1:], strict=False):
        if after.name.startswith("+"):
            assert after.observer is before.observer and after.per_channel == before.per_channel
            assert after.equalized and before.equalized == before.name.startswith("+")
    assert [m.repair is not None for m in METHODS if m.name.startswith("+")] == [False, True, True]


def test_the_text_has_a_block_a_network_and_a_column_a_width():
    rows = [Row("a", "float", {8: 99.24, 3: 99.24}), Row("a", "+ x", {8: 9.0, 3: 100.0})]
    lines = format_table([*rows, Row("b", "float", {8: 1.0, 3: 2.0})]).splitlines()
    assert [line.split() for line in lines] == [
        ["a", "8", "bits", "3", "bits"],
        ["float", "99.2", "99.2"],
        ["+", "x", "9.0", "100.0"],
        [],
        ["b", "8", "bits", "3", "bits"],
        ["float", "1.0", "2.0"],
    ]
    assert len({len(line) for line in lines if line}) == 1


def test_the_command_prints_the_table_on_stdout_and_its_progress_on_stderr(monkeypatch, capsys):
    small = partial(table, bits=(8,), methods=METHODS[:1])
    monkeypatch.setattr(module, "table", small)
    assert main(["accuracy"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("\n" + format_table(small()) + "\n")
    assert err.splitlines() == [
        "[1/2] trained, per-tensor min/max, 8 bits",
        "[2/2] wide sibling, per-tensor min/max, 8 bits",
    ]


@pytest.fixture(scope="module")
def rows():
    return table()


@pytest.mark.full
def test_int8_per_channel_keeps_the_trained_networks_accuracy(rows):
    trained = percents(rows, "trained")
    assert trained["per-channel min/max"][8] >= trained["float"][8] - 0.5


@pytest.mark.full
def test_one_scale_a_tensor_fails_on_the_wide_sibling_and_equalization_wins_it_back(rows):
    wide = percents(rows, "wide sibling")
    assert wide["per-tensor min/max"][8] <= wide["float"][8] - 10
    assert wide["+ equalization"][8] >= wide["float"][8] - 1


@pytest.mark.full
@pytest.mark.parametrize("network", ["trained", "wide sibling"])
def test_bias_correction_and_adaround_each_win_at_3_bits(rows, network):
    percent = percents(rows, network)
    names = ["+ equalization", "+ bias correction", "+ AdaRound"]
    least, middle, most = (percent[name][3] for name in names)
    assert middle >= least + 5 and most >= middle + 3


@pytest.mark.full
def test_the_float_rows_are_the_float_networks(rows):
    for network, net in (("trained", DIGITS.net), ("wide sibling", DIGITS.wide_net)):
        assert set(percents(rows, network)["float"].values()) == {accuracy(net)}
