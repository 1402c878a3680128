"""Tensors dumped from a device against a runtime's rules: the first that is wrong, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.checks.values import shown
from tinyq.layers.contract import Codes
from tinyq.layers.nodes import INPUT
from tinyq.network import QNetwork
from tinyq.runtimes.difference import (
    Difference,
    difference_at,
    ends_operator,
    tensor_indices,
)
from tinyq.runtimes.run import tensors
from tinyq.runtimes.table import Runtime, named
from tinyq.runtimes.whose import bytes_off_of, whose

DUMP = "the dump"


@dataclass(frozen=True)
class Comparison:
    """What a dump says; print shows it as text.

    compared: names of the tensors that were compared, up to the first that differs; skipped: of
    those that the dump does not have, up to there; unknown: the dump's keys that name no tensor of
    the network; found: the first difference, None where all that was compared is equal; bytes_off:
    how many bytes of the dumped tensor each runtime's rule would give otherwise, by runtime.
    """

    compared: tuple[str, ...]
    skipped: tuple[str, ...]
    unknown: tuple[str, ...]
    found: Difference | None
    bytes_off: Mapping[str, int]

    def __str__(self) -> str:
        lines = [str(self.found), "", whose(self.found, self.bytes_off)] if self.found else []
        if not self.found:
            lines = [f"every tensor that was compared is equal: {len(self.compared)}"]
        for names, what in ((self.skipped, "not in the dump"), (self.unknown, "in the dump alone")):
            if names:
                lines.append(f"{what}, skipped: {', '.join(names)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as dictionaries, lists, strings and numbers, as JSON has them."""
        return {
            "compared": list(self.compared),
            "skipped": list(self.skipped),
            "unknown": list(self.unknown),
            "found": self.found.to_dict() if self.found else None,
            "bytes_off": dict(self.bytes_off),
        }


@checked
def compare(
    model: QNetwork,
    x: NDArray[Any],
    dump: Mapping[Any, Codes],
    runtime: str | Runtime = "tflite-micro",
) -> Comparison:
    """Return the first operator whose inputs are right in a dump and whose output is not.

    Right is what runtime's rules give.  A tensor that the dump does not have is taken to be right,
    and is named; the difference may then be its own.

    model: an int8 network; x: float32 images, or int8 codes, (N, H, W, C), which the device had;
    dump: int8 codes (N, ...) by a tensor's index or name in the model's file, or by name, "input"
    too; an index may be a string, as in an .npz; runtime: a name in RUNTIMES, or a Runtime.
    Raises as trace does; TypeError for a dump that is no int8 array, ValueError for one of another
    shape, for one tensor under two keys, or where no key names a tensor of the network.

    >>> from tinyq import resnet
    >>> seed = resnet.seed()
    >>> model = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    >>> dump = model.trace(seed.images[:4])
    >>> dump["block_conv3x3_a"][3, 1, 2, 5] += 1
    >>> said = compare(model, seed.images[:4], dump)
    >>> said.found.node, said.found.place
    ('block_conv3x3_a', (3, 1, 2, 5))
    """
    rules = named(runtime)
    by_name, unknown = _by_name(model, dump)
    compared, skipped = list[str](), list[str]()
    made: dict[str, Codes] = {}
    for name, want in tensors(model, x, rules):
        made[name] = want
        if name not in by_name:
            skipped += [name] if ends_operator(model, name) and name != INPUT else []
            continue
        got = _checked(name, by_name[name], want)
        compared.append(name)
        if not np.array_equal(got, want):
            found = difference_at(model, name, made, (want, got), (rules.name, DUMP), (rules,))
            known = {seen: made[seen] for seen in (INPUT, *compared[:-1])}
            off = {} if name == INPUT else bytes_off_of(model, name, known, got)
            return Comparison(tuple(compared), tuple(skipped), unknown, found, off)
    return Comparison(tuple(compared), tuple(skipped), unknown, None, {})


def _by_name(
    model: QNetwork, dump: Mapping[Any, Codes]
) -> tuple[dict[str, Codes], tuple[str, ...]]:
    """Return a dump by the network's names, and its keys that name nothing there."""
    names = {name: name for name in (INPUT, *(node.name for node in model.nodes))}
    indices = {str(index): name for name, index in (tensor_indices(model) or {}).items()}
    found: dict[str, Codes] = {}
    unknown = list[str]()
    for key, codes in dump.items():
        name = names.get(key) or indices.get(str(key))
        if name is None:
            unknown.append(str(key))
        elif name in found:
            raise ValueError(f"dump must have a tensor once, got two of {name!r}")
        else:
            found[name] = codes
    if not found:
        known = ", ".join([*indices, *names])
        raise ValueError(f"dump must name tensors of the network ({known}), got {unknown}")
    return found, tuple(unknown)


def _checked(name: str, codes: Any, want: Codes) -> Codes:
    """Return a dumped tensor; raise TypeError or ValueError where it cannot be the one wanted."""
    if not isinstance(codes, np.ndarray):
        raise TypeError(f"dump[{name!r}] must be an int8 array, got {shown(codes)}")
    if codes.dtype != np.int8:
        raise TypeError(f"dump[{name!r}] must be int8, got {codes.dtype}")
    if codes.shape != want.shape:
        raise ValueError(f"dump[{name!r}] must have shape {want.shape}, got {codes.shape}")
    return codes
