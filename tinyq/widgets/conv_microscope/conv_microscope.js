/* The conv microscope: one output pixel of a convolution, its window, every product, its code. */
(() => {
  const { int8, layers, block, digits, kit, frame, convMicroscopeFigure } =
    globalThis.tinyqWidgets;
  const { show } = kit;
  const LAYERS = ["stem_conv7x7_s2", "block_conv3x3_a", "block_conv3x3_b"];

  const PADS = ["zero_point", "0"];

  /* Each convolution of the trained digits network: { x, pads, layer }, x its input unpadded. */
  function digitsConvs() {
    const { net, ranges, images } = digits.load();
    const qnet = block.quantizeNet(net, ranges);
    const tensors = block.run(qnet, images);
    const nodes = Object.fromEntries(qnet.nodes.map((node) => [node.name, node]));
    return Object.fromEntries(LAYERS.map((name) => {
      const pad = nodes[nodes[name].inputs[0]];
      return [name, { x: tensors[pad.inputs[0]], pads: pad.pads, layer: nodes[name].layer }];
    }));
  }

  /* The same from Python: see ConvMicroscope. */
  function givenConv({ codes, pads, stride, weight, bias, in_grid, out_grid, requantizer }) {
    const { ratio, multiplier, shift, rounding } = requantizer;
    return {
      x: { ...codes, grid: in_grid }, pads,
      layer: { weight: weight.data, weightShape: weight.shape, bias: bias.data, stride,
        inGrid: in_grid, outGrid: out_grid, requantizer: { ratio: ratio.data,
          multiplier: multiplier.data, shift: shift.data, rounding } },
    };
  }

  function prepare(data) {
    if (!data) return { convs: digitsConvs(), given: false };
    const convs = Object.entries(data).map(([name, one]) => [name, givenConv(one)]);
    return { convs: Object.fromEntries(convs), given: true };
  }

  /* How far each field goes in a layer: { image: 19, ... }. */
  function ends({ x, pads, layer }) {
    const [images, height, width] = x.shape;
    const [filters, kh, kw, channels] = layer.weightShape;
    const padded = [images, pads[0] + height + pads[1], pads[2] + width + pads[3], channels];
    const [rows, columns] = layers.outputSize(padded, [kh, kw], layer.stride);
    return { image: images - 1, filter: filters - 1, channel: channels - 1, row: rows - 1,
      column: columns - 1 };
  }

  function checkEnds(state, conv) {
    if (!PADS.includes(state.pad)) throw new RangeError(`pad must be one of ${PADS.join(", ")}.`);
    for (const [field, end] of Object.entries(ends(conv))) {
      if (state[field] > end) throw new RangeError(`${field} must be from 0 to ${end} here.`);
    }
  }

  /* One image through the convolution, padded with a code: { padded, acc, codes }. */
  function through({ x, pads, layer }, image, code) {
    const padded = layers.pad(block.slice(x, image), pads, code);
    const acc = layers.accumulate(padded, layer);
    const channels = layer.weightShape[0];
    const codes = int8.requantize(acc.data, layer.requantizer, layer.outGrid, channels);
    return { padded, acc: acc.data, codes };
  }

  /* The window of the chosen pixel: code, weight, product and place of each tap, channel by
     channel, and whether the tap lies outside the image. */
  function taps({ x, pads, layer }, { row, column, filter }, { data, shape }) {
    const [, kh, kw, channels] = layer.weightShape;
    const [top, left] = [row * layer.stride[0], column * layer.stride[1]];
    return Array.from({ length: kh * kw * channels }, (_, i) => {
      const [ky, kx, c] = [Math.floor(i / (kw * channels)), Math.floor(i / channels) % kw,
        i % channels];
      const code = data[((top + ky) * shape[2] + left + kx) * channels + c];
      const weight = layer.weight[filter * kh * kw * channels + i];
      const [y, across] = [top + ky - pads[0], left + kx - pads[2]];
      const outside = y < 0 || across < 0 || y >= x.shape[1] || across >= x.shape[2];
      return { c, code, weight, outside, product: weight * (code - layer.inGrid.zero_point) };
    });
  }

  function value(state, { convs }) {
    const { image, channel, row, column, filter } = state;
    const conv = convs[state.layer];
    checkEnds(state, conv);
    const { layer } = conv;
    const [filters, kh, kw, channels] = layer.weightShape;
    const { zero_point } = layer.inGrid;
    const seen = through(conv, image, state.pad === "0" ? 0 : zero_point);
    const right = through(conv, image, zero_point);
    const all = taps(conv, state, seen.padded);
    const own = all.filter(({ c }) => c === channel);
    const of = (codes) => Array.from(codes).filter((_, i) => i % filters === filter);
    const [map, right_map] = [of(seen.codes), of(right.codes)];
    const [columns, rescaler] = [ends(conv).column + 1, layer.requantizer];
    const at = row * columns + column;
    const ratioAt = rescaler.ratio.length === 1 ? 0 : filter;
    const acc = of(seen.acc)[at];
    return {
      ...state, size: [kh, kw], zero_point,
      codes: own.map(({ code }) => code), weights: own.map(({ weight }) => weight),
      products: own.map(({ product }) => product),
      outside: own.map(({ outside }) => outside),
      sums: Array.from({ length: channels }, (_, c) =>
        all.reduce((sum, one) => sum + (one.c === c ? one.product : 0), 0)),
      bias: layer.bias[filter], acc, right_acc: of(right.acc)[at],
      multiplier: rescaler.multiplier[ratioAt], shift: rescaler.shift[ratioAt],
      rescaled: int8.rescaleBy(acc, rescaler, ratioAt), out_zero_point: layer.outGrid.zero_point,
      code: map[at], right_code: right_map[at], columns, map, right_map,
      wrong: map.filter((code, i) => code !== right_map[i]).length,
    };
  }

  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  function sentence(v) {
    const { row, column, code, zero_point } = v;
    const out = v.outside.filter(Boolean).length;
    const where = `Output row ${row}, column ${column} has code ${show(code)}`;
    const [pixels, its] = [plural(out, "pixel"), `${out} of its ${v.outside.length} pixels`];
    if (!out) {
      const rest = v.wrong ? ` Still, ${v.wrong} of ${v.map.length} codes of this filter are ` +
        "wrong, all at the border." : "";
      return `${where}. Its window lies inside the image, so no pad touches it.${rest}`;
    }
    if (v.pad === "zero_point") {
      return `${where}. ${its} lie outside the image, where the pad is ` +
        `${show(zero_point)}, the code of real 0: their products are 0.`;
    }
    const fate = code === v.right_code ? "which happens to be right"
      : `but ${show(v.right_code)} is right`;
    const missing = v.acc === v.right_acc ? "and leaves the accumulator as it was"
      : `and moves the accumulator by ${show(v.acc - v.right_acc)}`;
    const side = zero_point < 0 ? "above" : "below";
    return `${where}, ${fate}. Code 0 in ${pixels} outside stands for ` +
      `${plural(Math.abs(zero_point), "step")} ${side} real 0 ${missing}. ` +
      `${v.wrong} of ${v.map.length} codes of this filter are wrong.`;
  }

  const signed = (x) => (x < 0 ? `(${show(x)})` : show(x));

  function formulas(v) {
    const total = `acc \u00d7 multiplier / 2^(31 + shift)`;
    const raw = v.rescaled + v.out_zero_point;
    return [
      ["acc", "bias + sum of (code \u2212 zero_point) \u00d7 weight, channel by channel",
        [v.bias, ...v.sums].map(signed).join(" + "), show(v.acc, 10)],
      ["rescaled", total, `${signed(v.acc)} \u00d7 ${v.multiplier} / 2^(31 + ${show(v.shift)})`,
        show(v.rescaled)],
      ["code", "clamp(rescaled + zero_point)",
        `clamp(${show(v.rescaled)} + ${signed(v.out_zero_point)})`,
        ...(raw === v.code ? [] : [`clamp(${show(raw)})`]), show(v.code)],
    ];
  }

  const DIGITS = ({ image }) => `import numpy as np
from tinyq import digits
data = digits.load()
qnet = data.net.quantize(data.images[data.calibration])
index = data.test[data.labels[data.test] == ${Math.floor(image / 2)}][${image % 2}]
images = data.images[[index]]`;

  function call(v, { convs, given }) {
    const { pads: [top, bottom, left, right] } = convs[v.layer];
    const filled = v.pad === "0" ? "0" : "conv.in_grid.zero_point";
    const yours = `import numpy as np  # qnet and images are yours
images = images[${v.image}:${v.image + 1}]`;
    const start = given ? yours : DIGITS(v);
    return `${start}
nodes = {node.name: node for node in qnet.nodes}
node = nodes["${v.layer}"]
conv, pad = node.layer, nodes[node.inputs[0]]
codes = qnet.trace(images)[pad.inputs[0]]
padded = np.pad(codes, ((0, 0), (${top}, ${bottom}), (${left}, ${right}), (0, 0)), \
constant_values=${filled})
at = 0, ${v.row}, ${v.column}, ${v.filter}
int(conv.accumulate(padded)[at]), int(conv.forward(padded)[at])`;
  }

  /* Another layer has other sizes: it starts at its first pixel. */
  const adjust = (part, state) => ("layer" in part && part.layer !== state.layer
    ? { filter: 0, channel: 0, row: 0, column: 0, ...part } : part);

  const whole = (value) => ({ kind: "number", value, min: 0, step: 1, integer: true });
  const controls = {
    image: whole(4),
    layer: { kind: "choice", value: LAYERS[0], options: LAYERS },
    filter: whole(2),
    channel: whole(0),
    pad: { kind: "hidden", value: "zero_point" },
    row: { kind: "hidden", value: 1, min: 0, integer: true },
    column: { kind: "hidden", value: 3, min: 0, integer: true },
  };

  const presets = { "Pad with the zero_point": { pad: "zero_point" },
    "Pad with code 0": { pad: "0" } };

  frame.define("conv-microscope", { title: "Conv microscope", controls, presets, prepare, value,
    sentence, formulas, call, adjust,
    view: (root, api) => convMicroscopeFigure.view(root, api, { ends, through }) });
})();
