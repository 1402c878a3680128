"""Stored vectors: small cases and what each runtime answered, for machines without its wheel.

The file has two arrays: "codes", every int8 number of every case one after another, and "meta",
JSON that says what they are, which versions gave them, when, and from which seed.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyq import Grid, Requantizer, layers
from tinyq.export.files import rewrite
from tinyq.layers.contract import Layer
from tinyq.layers.functions import Function
from tinyq.layers.linear import Linear
from tinyq.models import resnet
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, QMean
from tools.agreement import networks
from tools.agreement.adapters import Adapter
from tools.agreement.cases import OPERATORS, Case, Refused, cases
from tools.agreement.suite import own_codes

Codes = NDArray[np.int8]
POOL, TOLD, CASES = 20_000, 5, 40
SMALL = 150
PLAIN_FIELDS = ("stride", "kernel", "pads", "low", "high", "axes", "keep_dims", "dilation")
PLAIN_FIELDS += ("depth_multiplier", "alpha", "beta")
FROM_FLOAT = (layers.QAdd, layers.QMul, layers.QRescale, layers.QSub)


@dataclass(frozen=True)
class Vector:
    """A case and the codes that each runtime gave for it, None where it refused."""

    case: Case
    answers: dict[str, Codes | None]


def seed_network(mean: bool) -> tuple[QNetwork, Codes]:
    """Return the seed's int8 network, with MEAN for its pool if mean, and its images as codes."""
    seed = resnet.seed()
    qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    images = qnet.grids["input"].quantize(seed.images)
    return (networks.with_mean(qnet) if mean else qnet), images


def chosen(adapters: dict[str, Adapter], operator: str, seed: int) -> list[Vector]:
    """Return CASES small cases of an operator, the first of which tell the runtimes apart.

    Any two runtimes that differ at all in the pool do so in TOLD of them, or as often as they can.
    """
    telling, others, told = [], [], Counter()
    for case in small(operator, seed):
        answers = emulated(case)
        new = {
            pair
            for pair in combinations(answers, 2)
            if answers[pair[0]] != answers[pair[1]] and told[pair] < TOLD
        }
        if not new and len(others) >= CASES:
            continue
        vector = asked(adapters, case)
        new &= set(combinations(answering(vector), 2))
        told.update(new)
        (telling if new else others).append(vector)
    return telling + others[: CASES - len(telling)]


def small(operator: str, seed: int) -> Iterator[Case]:
    """Yield those of an operator's first POOL cases that have at most SMALL codes and weights."""
    for case in cases(operator, POOL, seed):
        weight = case.layer.weight.size if isinstance(case.layer, Linear) else 0
        if sum(codes.size for codes in case.inputs) + weight <= SMALL:
            yield case


def emulated(case: Case) -> dict[str, bytes]:
    """Return tinyq's codes under each runtime that has a rule for the case."""
    answers = {}
    for name, runtime in RUNTIMES.items():
        with suppress(Refused):  # PyTorch's mean keeps its grid
            answers[name] = own_codes(case, runtime).tobytes()
    return answers


def collect(adapters: dict[str, Adapter], seed: int) -> list[Vector]:
    """Return every operator's chosen cases with the answers of the runtimes themselves."""
    return [vector for operator in OPERATORS for vector in chosen(adapters, operator, seed)]


def asked(adapters: dict[str, Adapter], case: Case) -> Vector:
    """Return a case with what each runtime answers."""
    return Vector(case, {name: answer(adapter, case, name) for name, adapter in adapters.items()})


def answering(vector: Vector) -> list[str]:
    """Return the runtimes that took the case, in the order of RUNTIMES."""
    return [name for name in RUNTIMES if vector.answers.get(name) is not None]


def answer(adapter: Adapter, case: Case, runtime: str) -> Codes | None:
    """Return a runtime's codes for a case, in tinyq's shape; None where it or tinyq refuses."""
    try:
        own_codes(case, RUNTIMES[runtime])
        return adapter.run(case).reshape(case.layer.forward(*case.inputs).shape)
    except Refused:
        return None


def save(path: Path, about: dict, vectors: Sequence[Vector], logits: dict[str, list]) -> None:
    """Write the vectors; about: provenance; logits: of `seed_network`, by runtime."""
    blob: list[Codes] = []
    meta = {**about, "logits": logits, "cases": [encode(vector, blob) for vector in vectors]}
    codes = np.concatenate([part.ravel() for part in blob])
    file = io.BytesIO()
    np.savez_compressed(file, codes=codes, meta=np.array(json.dumps(meta)))
    rewrite(path, file.getvalue())


def encode(vector: Vector, blob: list[Codes]) -> dict:
    """Return a vector as JSON holds it, its int8 arrays appended to blob, equal answers once."""
    case = vector.case
    different: list[Codes] = []
    answers: dict[str, int | None] = {}
    for name, codes in vector.answers.items():
        same = [i for i, other in enumerate(different) if np.array_equal(other, codes)]
        if codes is not None and not same:
            different.append(codes)
            same = [len(different) - 1]
        answers[name] = same[0] if same else None
    layer = encode_layer(case.layer, blob)
    blob += [*case.inputs, *different]
    return {
        "case": [case.operator, case.kind, case.seed, case.index],
        "layer": layer,
        "inputs": [codes.shape for codes in case.inputs],
        "different": [codes.shape for codes in different],
        "answers": answers,
    }


def encode_layer(layer: Layer, blob: list[Codes]) -> dict:
    """Return a layer as JSON holds it; an int8 weight goes to blob and leaves its shape."""
    grids = [[grid.scale, grid.zero_point] for grid in (*layer.in_grids, layer.out_grid)]
    fields = {name: getattr(layer, name) for name in PLAIN_FIELDS if hasattr(layer, name)}
    if isinstance(layer, Linear):
        blob.append(layer.weight)
        fields["weight"] = layer.weight.shape
        fields["bias"], fields["weight_scale"] = layer.bias.tolist(), layer.weight_scale.tolist()
    if isinstance(layer, layers.QTable):
        fields["function"] = layer.function.name
    return {"type": type(layer).__name__, "grids": grids, **fields}


def load(path: Path) -> tuple[dict, list[Vector]]:
    """Return (provenance and logits, vectors) of a stored file."""
    with np.load(path) as stored:
        meta, blob = json.loads(str(stored["meta"])), stored["codes"]
    start = 0

    def take(shape: Sequence[int]) -> Codes:
        nonlocal start
        start += (size := int(np.prod(shape)))
        return blob[start - size : start].reshape(shape)

    vectors = []
    for entry in meta.pop("cases"):
        layer = decode_layer(entry["layer"], take)
        inputs = tuple(take(shape) for shape in entry["inputs"])
        different = [take(shape) for shape in entry["different"]]
        answers = {n: None if i is None else different[i] for n, i in entry["answers"].items()}
        vectors.append(Vector(Case(*entry["case"], layer, inputs), answers))
    return meta, vectors


def decode_layer(fields: dict, take) -> object:
    """Return the layer that `encode_layer` wrote; take(shape) gives its int8 weight."""
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    kind = getattr(layers, fields["type"], QMean)
    *in_grids, out_grid = (Grid(*pair) for pair in fields.pop("grids"))
    fields.pop("type")
    if kind in FROM_FLOAT:
        return kind.from_float(*in_grids, out_grid)
    if kind is layers.QTable:
        function, alpha = Function[fields["function"]], fields["alpha"]
        return kind.of(function, *in_grids, out_grid, alpha)
    if kind in (QMean, layers.QSoftmax):
        return kind(*in_grids, out_grid, **fields)
    if issubclass(kind, Linear):
        fields["weight"] = take(fields["weight"])
        fields["bias"] = np.array(fields["bias"], np.int32)
        fields["weight_scale"] = np.array(fields["weight_scale"], np.float32)
        scales = in_grids[0].scale, fields["weight_scale"], out_grid.scale
        return kind(*in_grids, out_grid, **fields, requantizer=Requantizer.from_scales(*scales))
    return kind(*in_grids, **fields)
