"""Networks of layers that work place by place, softmax and mean: any rank, any broadcast."""

import numpy as np

from tinyq import Grid, Node, Rounding, layers
from tinyq.layers.functions import Function
from tinyq.network import QNetwork

SHARES, UNIT = Grid(1 / 256, -128), Grid(1 / 128, 0)  # what LOGISTIC and SOFTMAX make, and TANH
ENDS = {Function.LOGISTIC: SHARES, Function.TANH: UNIT}
KINDS = ("pair", "pair", "pair", "table", "rescale", "softmax", "clamp", "mean", "concat")
USED = {layers.QAdd, layers.QClamp, layers.QConcat, layers.QConstant, layers.QMean, layers.QMul}
USED |= {layers.QRescale, layers.QSoftmax, layers.QSub, layers.QTable}


class _Draw:
    """Draws layers one after the other, mostly on the newest tensor."""

    def __init__(self, seed: int, roundings: tuple[Rounding, ...], narrow: bool):
        self.rng, self.roundings, self.narrow = np.random.default_rng(seed), roundings, narrow
        self.shapes = {"input": tuple(self.rng.integers(2, 5, 1 + seed % 4).tolist())}
        self.grids, self.nodes = {"input": self.grid()}, []

    def network(self) -> QNetwork:
        for kind in self.rng.permutation(KINDS):
            names = [name for name in self.shapes if "QConstant" not in name]
            source = names[-1] if self.rng.random() < 0.75 else self.pick(names)
            getattr(self, str(kind))(source)
        return QNetwork(tuple(self.nodes), self.grids, {}, self.shapes["input"])

    def append(self, layer, *sources: str) -> str:
        name = f"{len(self.nodes)}_{type(layer).__name__}"
        self.nodes.append(Node(name, layer, sources))
        self.shapes[name] = layer.out_shape(*(self.shapes[source] for source in sources))
        self.grids[name] = layer.out_grid
        return name

    def grid(self) -> Grid:
        scale = float(np.exp(self.rng.uniform(-4, 0)))
        low, high = (-128, 127)
        if self.narrow and self.rng.random() < 0.3:
            low, high = sorted(self.rng.choice(np.arange(-128, 128), 2, replace=False).tolist())
        return Grid(scale, int(self.rng.integers(low, high + 1)), low, high)

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def pair(self, source: str) -> None:
        shape = self.shapes[source]
        others = [name for name, other in self.shapes.items() if fits(shape, other)]
        sides = [source, self.pick(others) if self.rng.random() < 0.5 else self.constant(shape)]
        sides = [sides[place] for place in self.rng.permutation(2)]
        kind = self.pick((layers.QAdd, layers.QMul, layers.QSub))
        grids = [self.grids[side] for side in sides]
        layer = kind.from_float(*grids, self.grid(), rounding=self.pick(self.roundings))
        self.append(layer, *sides)

    def constant(self, shape: tuple) -> str:
        """Codes that repeat along some of the axes, of as many axes."""
        sizes = tuple(self.pick((1, size)) for size in shape)
        grid = self.grid()
        codes = self.rng.integers(grid.qmin, grid.qmax + 1, sizes).astype(np.int8)
        return self.append(layers.QConstant(grid, codes))

    def table(self, source: str) -> None:
        function = self.pick(tuple(Function))
        alpha = 0.25 if function is Function.LEAKY_RELU else None
        ends = self.grids[source], ENDS.get(function) or self.grid()
        self.append(layers.QTable.of(function, *ends, alpha), source)

    def rescale(self, source: str) -> None:
        grids = self.grids[source], self.grid()
        self.append(layers.QRescale.from_float(*grids, self.pick(self.roundings)), source)

    def softmax(self, source: str) -> None:
        beta = float(self.rng.uniform(0.5, 2))
        self.append(layers.QSoftmax(self.grids[source], SHARES, beta), source)

    def clamp(self, source: str) -> None:
        self.append(layers.qrelu(self.grids[source]), source)

    def mean(self, source: str) -> None:
        """Over some axes: all that stay are of size 1, so that what follows repeats them."""
        rank = len(self.shapes[source])
        count = int(self.rng.integers(1, rank + 1))
        axes = tuple(self.rng.permutation(rank)[:count].tolist())
        keep = count == rank or bool(self.rng.integers(2))
        self.append(layers.QMean(self.grids[source], self.grid(), axes, keep), source)

    def concat(self, source: str) -> None:
        """Of two sizes."""
        axis, grid = int(self.rng.integers(len(self.shapes[source]))), self.grids[source]
        twice = self.append(layers.QConcat((grid, grid), axis), source, source)
        self.append(layers.QConcat((grid, grid), axis), twice, source)


def fits(shape: tuple, other: tuple) -> bool:
    """Whether two tensors of one rank broadcast."""
    pairs = zip(shape, other, strict=False)
    return len(shape) == len(other) and all(a == b or 1 in (a, b) for a, b in pairs)


def elementwise_qnet(seed: int, roundings=(Rounding.DOUBLE,), narrow=False) -> QNetwork:
    """A network of each of these layers, ranks 1 to 4; narrow: whether grids may lack codes."""
    return _Draw(seed, tuple(roundings), narrow).network()
