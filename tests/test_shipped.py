"""A narrow ResNet-18 in every format, and the record that `make agreement` has of the whole."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tinyq.models import resnet
from tinyq.runtimes import RUNTIMES, trace
from tools.agreement import resnets, shipped

RECORD = json.loads((Path(__file__).resolve().parents[1] / shipped.RECORD).read_text())
SIZE = (33, 46)  # odd on one axis: SAME fits there alone


@cache
def narrow():
    """A network of 20 convolutions, and images as codes."""
    net = resnet.resnet18(resnets.state(2, (4, 6, 8, 10)))
    qnet = net.quantize(resnets.images(2, 4, SIZE))
    return qnet, qnet.grids["input"].quantize(resnets.images(3, 6, SIZE))


@pytest.mark.parametrize("way", shipped.WAYS, ids=lambda way: f"{way.format} on {way.runtime}")
def test_a_resnet_gives_its_bytes_in_every_format(way):
    row = shipped.shipped("narrow", *narrow(), way)
    if row.missing:
        pytest.skip(row.missing)
    assert row.equal == row.images == 6


def test_the_images_tell_rules_apart():
    """Else the test above could not fail: logits differ from image to image, and rule to rule."""
    qnet, codes = narrow()
    logits = qnet(codes)
    assert len(np.unique(logits, axis=0)) == len(codes)
    rules = {way.rules for way in shipped.WAYS}
    answers = {trace(qnet, codes, RUNTIMES[name])["fc"].tobytes() for name in rules}
    assert len(answers) >= 3


def test_a_wrong_byte_is_counted():
    qnet, codes = narrow()

    def off_by_one(qnet, codes, folder):
        logits = qnet(codes)
        logits[2, 3] ^= 1
        return logits

    way = shipped.Way("npz", "tinyq", "tflite-micro", off_by_one)
    row = shipped.shipped("narrow", qnet, codes, way)
    assert (row.equal, row.images, row.missing) == (5, 6, None)


def test_what_is_not_installed_is_said():
    def absent(qnet, codes, folder):
        raise ImportError("no runtime here")

    way = shipped.Way("npz", "tinyq", "tflite-micro", absent)
    assert shipped.shipped("narrow", *narrow(), way).missing == "no runtime here"


def test_the_record_has_every_network_format_and_runtime_with_all_bytes_equal():
    rows = RECORD["rows"]
    ways = {(way.format, way.runtime) for way in shipped.WAYS}
    images = {row["network"]: row["images"] for row in rows}
    assert images == {"seed": 2000, "digits": 1797, "ResNet-18, 64x64": shipped.SHOWN}
    assert {(row["network"], row["format"], row["runtime"]) for row in rows} == {
        (network, *way) for network in images for way in ways
    }
    assert all(row["equal"] == row["images"] and not row["missing"] for row in rows)
    assert set(RECORD) == {"seed", "date", "machine", "versions", "rows"}
    assert set(RECORD["versions"]) == {"cc"} | {r for _, r in ways} - {"tinyq", "cc -O1"}
