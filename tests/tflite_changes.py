"""Sound .tflite files in which one thing or two say something else: the flatbuffer stays sound."""

from collections.abc import Iterator

import numpy as np
import tflite_files as files
from ai_edge_litert import schema_py_generated as schema

NUMBERS = [-(2**31), -1, 0, 1, 2, 3, 5, 128, 2**31 - 1]
SCALES = [0.0, 1e-45, 1e-38, 1e-9, 0.5, 1.0, 1e9, 3e38]
CODES = [
    value for name, value in vars(schema.BuiltinOperator).items() if name[0] != "_" and value < 127
]


class Change:
    """One change of a model; each method makes one of its kind."""

    def __init__(self, model: schema.ModelT, rng: np.random.Generator):
        self.model, self.graph, self.rng = model, model.subgraphs[0], rng

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def index(self) -> int:
        return int(self.rng.integers(-1, len(self.graph.tensors)))

    def shape(self) -> None:
        tensor = self.pick(self.graph.tensors)
        sizes = list(tensor.shape)
        match self.rng.integers(3):
            case 0 if sizes:
                sizes[self.rng.integers(len(sizes))] = self.pick(NUMBERS[2:])
            case 1:
                sizes.insert(int(self.rng.integers(len(sizes) + 1)), 1)
            case _:
                self.rng.shuffle(sizes)
        tensor.shape = sizes

    def type(self) -> None:
        self.pick(self.graph.tensors).type = int(self.rng.integers(23))

    def grid(self) -> None:
        tensor = self.pick(self.graph.tensors)
        count = self.pick([0, 1, 1, 1, *tensor.shape[:1], *tensor.shape[-1:]])
        scales = [self.pick(SCALES) for _ in range(min(count, 64))]
        zero_points = [self.pick([0, 0, -128, 127, 128, 2**40]) for _ in scales]
        axis = self.pick([0, 0, 3, -1])
        tensor.quantization = files.quantization(scales, zero_points, axis)

    def zero_point(self) -> None:
        grid = self.pick(self.graph.tensors).quantization
        if grid is not None and grid.zeroPoint is not None:
            grid.zeroPoint = [self.pick([-128, 0, 1, 127, 128])] * len(grid.zeroPoint)

    def buffer(self) -> None:
        self.pick(self.graph.tensors).buffer = self.pick(range(len(self.model.buffers)))

    def constant(self) -> None:
        buffer = self.pick(self.model.buffers)
        if buffer.data is not None and len(buffer.data) >= 4:
            buffer.data = np.array(buffer.data, np.uint8)
            place = 4 * self.rng.integers(len(buffer.data) // 4)
            buffer.data[place : place + 4] = np.array([self.pick(NUMBERS)], "<i4").view(np.uint8)

    def wire(self) -> None:
        operator = self.pick(self.graph.operators)
        where = self.pick(["inputs", "inputs", "outputs"])
        wires = list(getattr(operator, where))
        match self.rng.integers(3):
            case 0 if wires:
                wires[self.rng.integers(len(wires))] = max(self.index(), where == "inputs")
            case 1 if wires:
                wires.pop()
            case _:
                wires.append(max(self.index(), 0))
        setattr(operator, where, wires)

    def order(self) -> None:
        self.rng.shuffle(self.graph.operators)

    def ends(self) -> None:
        setattr(self.graph, self.pick(["inputs", "outputs"]), [max(self.index(), 0)])

    def option(self) -> None:
        options = self.pick(self.graph.operators).builtinOptions
        numbers = [name for name, value in vars(options or self).items() if isinstance(value, int)]
        if options is not None and numbers:
            name = self.pick(numbers)
            enum = name in ("padding", "fusedActivationFunction", "weightsFormat")
            new = self.pick([0, 1, 2, 3, 4]) if enum else self.pick(NUMBERS)
            setattr(options, name, bool(new) if isinstance(getattr(options, name), bool) else new)

    def code(self) -> None:
        code = self.pick(self.model.operatorCodes)
        if self.rng.random() < 0.5:
            code.version = self.pick(NUMBERS)
        else:
            code.builtinCode = code.deprecatedBuiltinCode = self.pick(CODES)

    WAYS = [shape, type, grid, zero_point, buffer, constant, wire, order, ends, option, code]


def changed(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Files by what was changed in which, all kinds of change and all files in turn."""
    rng = np.random.default_rng(seed)
    sound = [(name, content) for name, content in files.contents() if len(content) < 60_000]
    turn = 0
    while count:
        name, content = sound[turn % len(sound)]
        change, done = Change(schema.ModelT.InitFromPackedBuf(content), rng), []
        for _ in range(1 + (rng.random() < 0.3)):
            way = Change.WAYS[turn % len(Change.WAYS) if not done else rng.integers(11)]
            way(change)
            done.append(way.__name__)
        turn += 1
        try:
            damaged = files.pack(change.model)
        except (TypeError, ValueError, OverflowError):  # the packer refuses it itself
            continue
        count -= 1
        yield f"{turn}: {name}: {', '.join(done)}", damaged
