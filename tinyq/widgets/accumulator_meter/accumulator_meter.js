/* The accumulator meter: how large a layer's sums get, on the scale of an int32. */
(() => {
  const { int8, layers, block, kit, frame, networks, subject, dragging,
    accumulatorMeterFigure } = globalThis.tinyqWidgets;
  const { show } = kit;
  const [INT16_MAX, INT32_MAX] = [2 ** 15 - 1, 2 ** 31 - 1];

  const integer = (x) => (x < 0 ? "\u2212" : "") + Math.abs(x).toLocaleString("en");

  /* A layer of the book's and the codes that the first image gives it. */
  const fed = subject.remember((key) => {
    const [network, part, weightBits] = key.split(" ");
    const { net, ranges, images } = networks.load(network);
    const all = net.nodes.map(({ name }) => [name, { weightBits: Number(weightBits) }]);
    const qnet = block.quantizeNet(net, ranges, { schemes: Object.fromEntries(all) });
    const node = networks.nodeOf(qnet, part);
    const tensors = block.run(qnet, block.slice(images, 0));
    return { layer: { stride: [1, 1], ...node.layer }, codes: tensors[node.inputs[0]] };
  });

  function prepare(data) {
    if (!data) return { own: null };
    const { weight, bias, codes, stride, zero_point, scale, qmin, qmax } = data;
    const inGrid = { zero_point, scale, qmin, qmax };
    return { own: { codes, layer: { weight: weight.data, weightShape: weight.shape,
      bias: bias.data, inGrid, stride } } };
  }

  const fedBy = ({ network, part, weight_bits }, { own }) =>
    own ?? fed(`${network} ${part} ${weight_bits}`);

  /* The same steps seen from another zero_point; what leaves the grid is clipped. */
  function moved({ layer, codes }, zero_point) {
    const inGrid = { ...layer.inGrid, zero_point };
    const far = zero_point - layer.inGrid.zero_point;
    const data = codes.data.map((code) =>
      int8.clamp(code + far, inGrid.qmin, inGrid.qmax));
    return { layer: { ...layer, inGrid }, codes: { data, shape: codes.shape, grid: inGrid } };
  }

  /* Call visit(sum) for each two neighbouring products of a channel, codes unsigned: U8S8. */
  function eachPair({ layer, codes }, channel, visit) {
    const flat = codes.shape.length === 2;
    const { data, shape } = flat ? layers.asImage(codes) : codes;
    const [, height, width, inputs] = flat ? [1, 1, 1, shape[3]] : layer.weightShape;
    const [size, run] = [height * width * inputs, width * inputs];
    const weight = layer.weight.subarray(channel * size, (channel + 1) * size);
    const out = layers.outputSize(shape, [height, width], layer.stride);
    layers.eachWindow(shape, out, layer.stride, (at, corner) => {
      let half = 0;
      for (let k = 0; k < size; k += 1) {
        const place = corner + Math.floor(k / run) * shape[2] * inputs + (k % run);
        const product = (data[place] + 128) * weight[k];
        if (k % 2 === 1 || k === size - 1) visit(half + product);
        half = k % 2 === 1 ? 0 : product;
      }
    });
  }

  /* The ends of a channel's sums on the image, the place of the largest, and its parts, (4.5). */
  function seen({ layer, codes }, channel) {
    const { data, shape } = layers.accumulate(codes, layer);
    const acc = Array.from(data).filter((_, i) => i % shape.at(-1) === channel);
    const sizes = acc.map(Math.abs);
    const place = sizes.indexOf(Math.max(...sizes));
    const size = layer.weight.length / shape.at(-1);
    const sum = layer.weight.subarray(channel * size, (channel + 1) * size)
      .reduce((total, w) => total + w, 0);
    const [bias, correction] = [layer.bias[channel], -layer.inGrid.zero_point * sum + 0];
    return { seen_least: Math.min(...acc), seen_largest: Math.max(...acc), bias, correction,
      acc: acc[place], products: acc[place] - correction - bias, place };
  }

  /* How many bits a signed integer of up to that size needs. */
  function bitsOf(size) {
    let bits = 1;
    while (2 ** (bits - 1) - 1 < size) bits += 1;
    return bits;
  }

  function value(state, ctx) {
    const { zero_point, kernel, inputs, weight_bits, channel } = state;
    const now = moved(fedBy(state, ctx), zero_point);
    const channels = now.layer.bias.length;
    if (channel >= channels) {
      throw new RangeError(`There is no channel ${show(channel)}: the layer has ${channels}, ` +
        `0 to ${channels - 1}.`);
    }
    const ends = layers.accumulatorRange(now.layer);
    const [least, largest] = [ends.least[channel], ends.largest[channel]];
    if (Math.min(...ends.least) < -INT32_MAX - 1 || Math.max(...ends.largest) > INT32_MAX) {
      throw new RangeError("With this zero_point the layer's sums could leave int32.");
    }
    const [step, weight_max] = [Math.max(127 - zero_point, zero_point + 128),
      2 ** (weight_bits - 1) - 1];
    const fan_in = kernel ** 2 * inputs;
    const bound = fan_in * step * weight_max;
    let [pairs, saturated] = [0, 0];
    eachPair(now, channel, (sum) => {
      pairs += 1;
      if (sum < -INT16_MAX - 1 || sum > INT16_MAX) saturated += 1;
    });
    return {
      ...state, fan_in, step, weight_max, bound, bits: bitsOf(bound),
      most_int16: Math.floor(INT16_MAX / (step * weight_max)),
      most_int32: Math.floor(INT32_MAX / (step * weight_max)), pair: 2 * 255 * weight_max,
      layer_fan_in: now.layer.weight.length / channels, least, largest,
      ...seen(now, channel), pairs, saturated,
    };
  }

  function sentence(v) {
    const fits = v.bound <= INT16_MAX ? "an int16 and an int32"
      : v.bound <= INT32_MAX ? "an int32, not an int16" : "neither an int16 nor an int32";
    const share = show((100 * v.saturated) / v.pairs, 3);
    return `${integer(v.fan_in)} products of up to ${v.step} \u00d7 ${v.weight_max}: sums of any ` +
      `such layer fit ${fits}. With this zero_point ${integer(v.most_int32)} products fit an ` +
      `int32. U8S8 holds two products in an int16: ${share}\u00a0% of this channel's pairs do ` +
      "not fit on this image.";
  }

  const signed = (x) => (x < 0 ? `(${integer(x)})` : integer(x));

  const formulas = (v) => [
    ["step", "max(127 \u2212 zero_point, zero_point + 128)", v.step],
    ["bound", "products \u00d7 step \u00d7 weight",
      `${integer(v.fan_in)} \u00d7 ${v.step} \u00d7 ${v.weight_max}`, integer(v.bound)],
    ["acc", "bias \u2212 zero_point \u00d7 \u03a3w + \u03a3wq",
      `${integer(v.bias)} + ${signed(v.correction)} + ${signed(v.products)}`, integer(v.acc)],
  ];

  function call({ network, part, zero_point, fan_in, weight_bits, channel }, { own }) {
    const index = networks.PARTS.findIndex(([name]) => name === part);
    const layer = own ? "# layer: your layer\n" : networks.imports(network)
      + networks.setup(network, { images: true })
      + `qnet = net.quantize(images, scheme=tinyq.Scheme(weight_bits=${weight_bits}))\n`
      + `layer = [n.layer for n in qnet.nodes if hasattr(n.layer, "weight")][${index}]\n`;
    return `from dataclasses import replace
import tinyq.weights
${layer}zero_point = ${zero_point}
layer = replace(layer, in_grid=replace(layer.in_grid, zero_point=zero_point))
least, largest = layer.accumulator_range()
step = max(127 - zero_point, zero_point + 128)
bound = ${fan_in} * step * tinyq.weights.weight_max(${weight_bits})
bound, int(least[${channel}]), int(largest[${channel}])`;
  }

  /* Another layer brings its own zero_point and form. */
  function adjust(part, state, typed, ctx) {
    if (!("network" in part || "part" in part)) return part;
    const { layer } = fedBy({ ...state, ...part }, ctx);
    const [channels, kernel, , inputs] = layer.weightShape.length === 2
      ? [layer.weightShape[0], 1, 1, layer.weightShape[1]] : layer.weightShape;
    return { zero_point: layer.inGrid.zero_point, kernel, inputs,
      channel: Math.min(state.channel, channels - 1), ...part };
  }

  function view(root) {
    const svg = dragging.imageSvg();
    root.append(svg.node);
    let last = 0;
    function paint(v, ctx, width) {
      last = fedBy(v, ctx).layer.bias.length - 1;
      const { height, body } = accumulatorMeterFigure.draw(v, width);
      svg.paint(`Sizes of sums as bars. ${sentence(v)}`, body, height);
    }
    return { paint, limits: () => ({ channel: { min: 0, max: last, step: 1 } }) };
  }

  const whole = (value, min, max, label) =>
    ({ kind: "number", value, min, max, step: 1, integer: true, label });
  const controls = {
    network: { kind: "choice", value: "seed", options: networks.OPTIONS },
    part: { kind: "choice", value: "stem", options: networks.PARTS, label: "layer" },
    zero_point: whole(-1, -128, 127, "zero_point"),
    kernel: whole(7, 1, 32),
    inputs: whole(3, 1, 100000, "input channels"),
    weight_bits: whole(8, 2, 8),
    channel: { ...whole(0, 0), max: undefined },
  };
  const widest = { kernel: 1, zero_point: -128, weight_bits: 8 };
  const presets = {
    "66,311 products": { ...widest, inputs: 66311 },
    "One more": { ...widest, inputs: 66312 },
    "7-bit weights": { weight_bits: 7 },
  };

  frame.define("accumulator-meter", { title: "Accumulator meter", controls, presets, prepare,
    value, sentence, call, formulas, adjust, view });
})();
