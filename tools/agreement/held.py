"""What is counted of one model on one runtime: tensors that are equal, bytes that are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyq.layers.nodes import INPUT
from tinyq.models.load_tflite import to_network
from tinyq.models.tflite import parse
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.models.understand_tflite import understand
from tools.agreement.inputs import KINDS

Codes = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Opened:
    """A model that tinyq opens: its network, and the name of the operator that makes each node."""

    content: bytes
    network: TFLiteNetwork
    makers: Mapping[str, str]

    def real(self, codes: Codes) -> NDArray:
        """Return what the file takes for codes: themselves, or the real numbers they stand for."""
        return self.network.grids[INPUT].dequantize(codes) if self.network.float_input else codes


def opened(content: bytes) -> Opened:
    """Return the model that a file holds.  Raises ValueError, with every refusal, a line each."""
    model = parse(content)
    network = to_network(model, understand(model))
    names = {operator.index: operator.name for operator in model.operators}
    makers = {name: names[index] for name, index in network.operator_indices.items()}
    return Opened(content, network, {INPUT: "QUANTIZE"} | makers)


@dataclass
class Counts:
    """What came of one runtime and one kind of input.

    tensors: compared with tinyq's trace under the runtime's rules, equal: those with every byte;
    bytes: of these tensors, differing: from the trace, from_micro: from TFLite Micro's own;
    other_answer: on how many inputs the largest output stands elsewhere than TFLite Micro's.
    """

    inputs: int = 0
    tensors: int = 0
    equal: int = 0
    bytes: int = 0
    differing: int = 0
    from_micro: int = 0
    other_answer: int = 0


@dataclass
class Held:
    """What came of one runtime.

    refused: why the runtime does not take the file; counts: by kind of input; operators: tensors
    compared and equal, by the name of the operator that makes them; wrong: the first byte that
    tinyq has otherwise; first: where the runtime parts from TFLite Micro first, and by which rules.
    """

    refused: str | None = None
    counts: dict[str, Counts] = field(default_factory=lambda: {kind: Counts() for kind in KINDS})
    operators: dict[str, list[int]] = field(default_factory=dict)
    wrong: dict | None = None
    first: dict | None = None


def compare(
    model: Opened,
    held: Held,
    kind: str,
    index: int,
    ours: Mapping[str, Codes],
    theirs: Mapping[int, Codes],
) -> None:
    """Count one input's tensors: ours by the name of the node, theirs by the file's index."""
    counts = held.counts[kind]
    counts.inputs += 1
    for name, tensor in model.network.tensor_indices.items():
        if tensor not in theirs:
            continue  # the input, where the file has codes there
        want, got = ours[name], theirs[tensor].reshape(ours[name].shape)
        unequal = int((got != want).sum())
        tally = held.operators.setdefault(model.makers[name], [0, 0])
        tally[0] += 1
        tally[1] += not unequal
        counts.tensors += 1
        counts.equal += not unequal
        counts.bytes += got.size
        counts.differing += unequal
        if unequal and held.wrong is None:
            place = tuple(map(int, np.argwhere(got != want)[0]))
            codes = {"runtime": int(got[place]), "tinyq": int(want[place])}
            held.wrong = {"input": [kind, index], "node": name, "tensor": tensor, "place": place}
            held.wrong |= codes


def apart(
    model: Opened, counts: Counts, micro: Mapping[int, Codes], other: Mapping[int, Codes]
) -> None:
    """Count the bytes in which a runtime's tensors are not TFLite Micro's, and the last one."""
    tensors = [index for index in model.network.tensor_indices.values() if index in micro]
    counts.from_micro += sum(int((micro[index] != other[index]).sum()) for index in tensors)
    last = model.network.tensor_indices[model.network.nodes[-1].name]
    counts.other_answer += bool(micro[last].argmax() != other[last].argmax())
