"""Networks for block.js and digits_data.js, and what tinyq makes of them: see int8_rows.py."""

from dataclasses import replace

import numpy as np
from int8_rows import Row, flat
from reference import random_network

from tinyq import Rounding
from tinyq.layers.scheme import Scheme
from tinyq.models import digits
from tinyq.models.resnet import seed, stem_block
from tinyq.network import QNetwork
from tools import widget_data


def block_row() -> Row:
    """The seed: every tensor of four images, float and int8, ranges, grids and the ledger."""
    data = seed()
    net = stem_block(data.weights, data.biases)
    qnet, images = net.quantize(data.images), data.images[:4]
    wanted = [
        {name: w.ravel().tolist() for name, w in data.weights.items()},
        flat(data.images),
        {name: {"lo": seen.lo, "hi": seen.hi} for name, seen in qnet.ranges.items()},
        {name: vars(grid) for name, grid in qnet.grids.items()},
        {name: flat(x) for name, x in net.trace(images).items()},
        {name: flat(codes) for name, codes in qnet.trace(images).items()},
        ledger_of(qnet),
    ]
    function = """cases => {
        const { weights, biases, images } = block.seed();
        const net = block.stemBlock(weights, biases);
        const ranges = block.calibrate(net, images);
        const qnet = block.quantizeNet(net, ranges);
        const four = block.slice(images, 0, 4);
        return [each(weights, (w) => list(w.data)), plain(images), ranges, qnet.grids,
          each(block.floatRun(net, four), plain), each(block.run(qnet, four), plain),
          ledgerOf(qnet)]; }"""
    return Row("the seed's block", function, [], wanted)


def random_scheme(rng: np.random.Generator) -> Scheme:
    bits = [int(b) for b in rng.choice([8, 8, 7, 5, 4, 3, 2], 2)]
    return Scheme(*bits, bool(rng.integers(2)), list(Rounding)[rng.integers(5)])


def camel(scheme: Scheme) -> dict:
    """Return a scheme as block.js takes it."""
    return {
        "weightBits": scheme.weight_bits,
        "activationBits": scheme.activation_bits,
        "perChannel": scheme.per_channel,
        "rounding": scheme.rounding.name,
    }


def ledger_of(qnet: QNetwork) -> list:
    """Return the ledger as lists; a grid is its number among the grids that differ by `is`."""
    grids = [row.out_grid for row in qnet.ledger()]
    number = {id(grid): i for i, grid in enumerate({id(grid): grid for grid in grids}.values())}
    return [
        [
            row.name,
            row.kind,
            [number[id(grid)] for grid in row.in_grids],
            number[id(row.out_grid)],
            row.requantizes,
            row.weight_scale,
            row.multiplier,
            row.shift,
            row.weight_bytes,
            row.activation_bytes,
        ]
        for row in qnet.ledger()
    ]


def network_row(rng: np.random.Generator, count: int) -> Row:
    """Networks and images that no sinusoid made, of other sizes, a random scheme for each layer."""
    cases, wanted = [], []
    for seed_ in rng.integers(0, 1000, count).tolist():
        filters, inner, classes, channels = (int(n) for n in rng.integers(1, 6, 4))
        size = (int(rng.integers(4, 12)), int(rng.integers(4, 12)))
        w, b, images = random_network(seed_, filters, inner, classes, channels, size, count=3)
        net = stem_block(w, b)
        names = ["input", *(node.name for node in net.nodes)]
        schemes = {name: random_scheme(rng) for name in names if rng.integers(2)}
        scheme = random_scheme(rng)
        scheme = replace(scheme, activation_bits=scheme.weight_bits)
        qnet = net.quantize(images, scheme=scheme, schemes=schemes)
        options = {
            "perChannel": scheme.per_channel,
            "bits": scheme.weight_bits,
            "rounding": scheme.rounding.name,
            "schemes": {name: camel(given) for name, given in schemes.items()},
        }
        cases.append(
            [
                {name: flat(x) for name, x in w.items()},
                {name: x.tolist() for name, x in b.items()},
                flat(images),
                options,
            ]
        )
        wanted.append(
            [
                {name: vars(grid) for name, grid in qnet.grids.items()},
                {name: flat(x) for name, x in qnet.trace(images).items()},
                ledger_of(qnet),
                qnet.nodes[9].layer.rescale_sum.rounding.name,
            ]
        )
    function = """cases => cases.map(([w, b, [shape, pixels], options]) => {
        const images = tensor(shape, pixels, undefined, Float32Array);
        const net = block.stemBlock(each(w, ([s, data]) => tensor(s, data, null, Float32Array)),
          each(b, (bias) => Float32Array.from(bias)));
        const qnet = block.quantizeNet(net, block.calibrate(net, images), options);
        const tensors = block.run(qnet, images);
        for (const [name, { grid }] of Object.entries(tensors)) {
          if (grid !== qnet.grids[name]) throw new Error(`another grid at ${name}`);
        }
        return [qnet.grids, each(tensors, plain), ledgerOf(qnet, shape.slice(1)),
          qnet.nodes[9].layer.requantizers.sum.rounding]; })"""
    return Row("networks with schemes", function, cases, wanted)


def digits_row() -> Row:
    """The trained digits: weights, scans, and the logits of both networks under its ranges."""
    trained = digits.load()
    indices = widget_data.chosen(trained)
    images, wanted = trained.images[indices], []
    for net, parts in ((trained.net, trained.folded()), (trained.wide_net, trained.widened())):
        qnet = net.quantize(trained.images[trained.calibration])
        weights_, biases = (
            {name: np.float32(x).ravel().tolist() for name, x in part.items()} for part in parts
        )
        wanted.append([weights_, biases, flat(qnet(images)), flat(net(images))])
    wanted += [flat(images), trained.labels[indices].tolist()]
    function = """() => {
        const { net, wideNet, ranges, wideRanges, images, labels } = digits.load();
        const part = { stem_conv7x7_s2: "stem", block_conv3x3_a: "block1",
          block_conv3x3_b: "block2", dense_8x10: "dense" };
        const params = (net, pick) => Object.fromEntries(net.nodes.filter((n) => n.weights)
          .map((n) => [part[n.name], list(pick(n))]));
        const look = (net, ranges) => [params(net, (n) => n.weights.data),
          params(net, (n) => n.bias),
          plain(block.run(block.quantizeNet(net, ranges), images).dense_8x10),
          plain(block.floatRun(net, images).dense_8x10)];
        return [look(net, ranges), look(wideNet, wideRanges), plain(images), labels]; }"""
    return Row("digits", function, [], wanted)
