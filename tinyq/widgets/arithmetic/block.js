/* The ResNet-18 stem and basic block: the seed, calibration, quantization, a run, the ledger.

   What tinyq/resnet.py, network.py and ledger.py do, with the same layer names and the same bytes.
   A tensor is { data, shape, grid }; weights are tensors by name, biases Float32Arrays by name. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8, layers, float32 } = ui;
  const f32 = Math.fround;
  const INPUT = "input";

  /* ---- The seed's sinusoids. The sine is float64, rounded once. ---- */

  function fill(shape, amplitude, frequency, phase) {
    const n = shape.reduce((count, axis) => count * axis, 1);
    const data = Float32Array.from({ length: n }, (_, i) => {
      const angle = f32(f32(f32(frequency) * f32(i / n)) + f32(phase));
      return f32(amplitude) * f32(Math.sin(angle));
    });
    return { data, shape };
  }

  function image(sample) {
    return Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => {
      const sine = f32(Math.sin(f32(f32(0.13) * (17 * sample + i))));
      const cosine = f32(Math.cos(f32(f32(0.4) * (sample + i))));
      return f32(f32(0.7) * sine) + f32(f32(0.3) * cosine);
    });
  }

  /* { weights, biases, images }: the same bits as tinyq.resnet.seed(). */
  function seed() {
    const weights = {
      stem: fill([8, 7, 7, 3], 0.1, 5.0, 0.1),
      block1: fill([8, 3, 3, 8], 0.06, 7.0, 0.5),
      block2: fill([8, 3, 3, 8], 0.06, 9.0, 1.1),
      dense: fill([4, 8], 0.15, 3.0, 0.2),
    };
    const biases = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) =>
      [name, new Float32Array(shape[0])]));
    const images = { data: new Float32Array(32 * 768), shape: [32, 16, 16, 3] };
    for (let sample = 0; sample < 32; sample += 1) images.data.set(image(sample), sample * 768);
    return { weights, biases, images };
  }

  /* The images start..end - 1 of a tensor, on the same memory. */
  function slice({ data, shape: [count, ...rest], grid }, start, end = start + 1) {
    const size = data.length / count;
    return { data: data.subarray(start * size, end * size), shape: [end - start, ...rest], grid };
  }

  /* ---- The layers, each in float and in int8, by kind ---- */

  const pass = (forward, run, qkind) =>
    ({ forward, run, qkind, quantize: (node, grids) => ({ inGrid: grids[0], outGrid: grids[0] }) });

  function quantizeLinear({ weights, bias, stride, kind }, [inGrid], outGrid, scheme) {
    const perChannel = scheme.perChannel && kind === "conv"; // dense: one scale for the tensor
    return layers.linearLayer(weights.data, weights.shape, bias, inGrid, outGrid,
      { stride, perChannel, bits: scheme.weightBits, rounding: scheme.rounding });
  }

  const KINDS = {
    pad: pass((node, x) => layers.pad(x, node.pads, 0), (node, x) => layers.pad(x, node.pads),
      "QPad2D"),
    relu: pass((node, x) => float32.relu(x), (node, x) => layers.relu(x), "QClamp"),
    maxPool: pass((node, x) => layers.maxPool(x, node.kernel, node.stride),
      (node, x) => layers.maxPool(x, node.kernel, node.stride), "QMaxPool2D"),
    globalAvgPool: pass((node, x) => float32.globalAvgPool(x),
      (node, x) => layers.globalAvgPool(x), "QGlobalAvgPool2D"),
    conv: {
      forward: (node, x) => float32.conv(x, node), run: (node, x) => layers.conv(x, node.layer),
      quantize: quantizeLinear, qkind: "QConv2D" },
    dense: {
      forward: (node, x) => float32.dense(x, node), run: (node, x) => layers.dense(x, node.layer),
      quantize: quantizeLinear, qkind: "QDense" },
    add: {
      forward: (node, a, b) => float32.add(a, b), run: (node, a, b) => layers.add(a, b, node.layer),
      quantize: (node, inGrids, outGrid, { rounding }) => {
        const layer = { inGrids, outGrid, leftShift: 20, rounding };
        return { ...layer, requantizers: layers.addRequantizers(layer) };
      },
      qkind: "QAdd" },
  };

  /* The float network { nodes, channels }. A node: { name, kind, inputs, observe, ... }; observe
     names the tensor whose range gives the node a grid of its own. */
  function stemBlock(weights, biases) {
    const conv = (name, part, input, stride) =>
      ({ name, kind: "conv", inputs: [input], observe: name, weights: weights[part],
        bias: biases[part], stride });
    const node = (name, kind, inputs, parts) => ({ name, kind, inputs, ...parts });
    const [classes, features] = weights.dense.shape;
    const dense = `dense_${features}x${classes}`;
    const nodes = [
      node("stem_pad", "pad", [INPUT], { pads: [3, 3, 3, 3] }),
      conv("stem_conv7x7_s2", "stem", "stem_pad", [2, 2]),
      node("stem_relu", "relu", ["stem_conv7x7_s2"]),
      node("stem_maxpool2x2", "maxPool", ["stem_relu"], { kernel: [2, 2], stride: [2, 2] }),
      node("block_pad1", "pad", ["stem_maxpool2x2"], { pads: [1, 1, 1, 1] }),
      conv("block_conv3x3_a", "block1", "block_pad1", [1, 1]),
      node("block_relu_a", "relu", ["block_conv3x3_a"]),
      node("block_pad2", "pad", ["block_relu_a"], { pads: [1, 1, 1, 1] }),
      conv("block_conv3x3_b", "block2", "block_pad2", [1, 1]),
      node("block_add", "add", ["block_conv3x3_b", "stem_maxpool2x2"],
        { observe: "block_relu_b" }),
      node("block_relu_b", "relu", ["block_add"]),
      node("global_avgpool", "globalAvgPool", ["block_relu_b"]),
      node(dense, "dense", ["global_avgpool"],
        { observe: dense, weights: weights.dense, bias: biases.dense }),
    ];
    return { nodes, channels: weights.stem.shape[3] };
  }

  /* Every float tensor by layer name, the images as "input". */
  function floatRun(net, images) {
    const tensors = { [INPUT]: images };
    for (const node of net.nodes) {
      const inputs = node.inputs.map((name) => tensors[name]);
      tensors[node.name] = KINDS[node.kind].forward(node, ...inputs);
    }
    return tensors;
  }

  /* The range { lo, hi } of every tensor over the images. */
  function calibrate(net, images) {
    const [count, , , channels] = images.shape;
    if (!(count >= 1) || channels !== net.channels) {
      throw new RangeError(
        `calibration needs images (N, H, W, ${net.channels}), N >= 1, got ${images.shape}`);
    }
    const range = (name, { data }) => {
      let [lo, hi] = [Infinity, -Infinity];
      for (let i = 0; i < data.length; i += 1) {
        if (!Number.isFinite(data[i])) {
          throw new RangeError(`layer '${name}': calibration data must be finite, got ${data[i]}`);
        }
        if (data[i] < lo) lo = data[i];
        if (data[i] > hi) hi = data[i];
      }
      return { lo, hi };
    };
    const tensors = Object.entries(floatRun(net, images));
    return Object.fromEntries(tensors.map(([name, tensor]) => [name, range(name, tensor)]));
  }

  /* The scheme of each layer: the network's, and over it what schemes[name] names. */
  function schemesOf(net, { perChannel = true, bits = 8, rounding = "DOUBLE", schemes = {} }) {
    const names = [INPUT, ...net.nodes.map((node) => node.name)];
    const unknown = Object.keys(schemes).find((name) => !names.includes(name));
    if (unknown !== undefined) throw new RangeError(`schemes names no layer: '${unknown}'`);
    const all = { weightBits: bits, activationBits: bits, perChannel, rounding };
    return Object.fromEntries(names.map((name) => [name, { ...all, ...schemes[name] }]));
  }

  function gridOf(range, bits) {
    int8.checkBits(bits);
    return int8.gridFromRange(range.lo, range.hi, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  }

  /* The int8 network { nodes, grids, ranges, channels } of a float one and its ranges.
     options: { perChannel, bits, rounding, schemes: { layer: { weightBits, activationBits,
     perChannel, rounding } } }; bits is both weightBits and activationBits. */
  function quantizeNet(net, ranges, options = {}) {
    const schemes = schemesOf(net, options);
    const grids = {
      [INPUT]: naming(INPUT, () => gridOf(ranges[INPUT], schemes[INPUT].activationBits)) };
    const nodes = net.nodes.map((node) => naming(node.name, () => {
      const scheme = schemes[node.name];
      const own = node.observe && gridOf(ranges[node.observe], scheme.activationBits);
      const inGrids = node.inputs.map((name) => grids[name]);
      const layer = KINDS[node.kind].quantize(node, inGrids, own, scheme);
      grids[node.name] = layer.outGrid;
      return { ...node, layer, scheme };
    }));
    return { nodes, grids, ranges, channels: net.channels };
  }

  /* Put the layer's name in front of a RangeError from inside. */
  function naming(name, make) {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`layer '${name}': ${error.message}`);
    }
  }

  /* Every tensor's codes by layer name. images: float32, or int8 taken as codes. */
  function run(qnet, { data, shape }) {
    if (shape.length !== 4 || shape[3] !== qnet.channels) {
      throw new RangeError(`images must have shape (N, H, W, ${qnet.channels}), got ${shape}`);
    }
    const grid = qnet.grids[INPUT];
    const codes = data instanceof Int8Array ? data : int8.quantize(grid, data);
    const tensors = { [INPUT]: { data: codes, shape, grid } };
    for (const node of qnet.nodes) {
      const inputs = node.inputs.map((name) => tensors[name]);
      tensors[node.name] = naming(node.name, () => KINDS[node.kind].run(node, ...inputs));
    }
    return tensors;
  }

  /* ---- The ledger ---- */

  function extent(arrays) {
    const numbers = arrays.flatMap((array) => Array.from(array));
    return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
  }

  /* A row for the input and each layer: tinyq's LedgerRow in camelCase, [least, largest] pairs. */
  function ledger(qnet, imageShape = [16, 16, qnet.channels]) {
    const size = imageShape.reduce((count, axis) => count * axis, 1);
    const tensors = run(qnet, {
      data: new Int8Array(size).fill(qnet.grids[INPUT].zero_point), shape: [1, ...imageShape] });
    const row = (name, kind, layer, inGrids) => {
      const requantizers = layer.requantizer ? [layer.requantizer]
        : Object.values(layer.requantizers ?? {});
      const outGrid = qnet.grids[name];
      return {
        name, kind, inGrids, outGrid,
        requantizes: inGrids.length > 0 && !inGrids.includes(outGrid),
        weightScale: extent(layer.weightScale ? [layer.weightScale] : []),
        multiplier: extent(requantizers.map((r) => r.multiplier)),
        shift: extent(requantizers.map((r) => r.shift)),
        weightBytes: (layer.weight?.byteLength ?? 0) + (layer.bias?.byteLength ?? 0),
        activationBytes: tensors[name].data.length,
      };
    };
    const kind = ({ kind, scheme }) =>
      KINDS[kind].qkind + (kind === "conv" && scheme.perChannel ? "PerChannel" : "");
    return [row(INPUT, "quantize", {}, []), ...qnet.nodes.map((node) =>
      row(node.name, kind(node), node.layer, node.inputs.map((name) => qnet.grids[name])))];
  }

  ui.block = { seed, slice, stemBlock, floatRun, calibrate, quantizeNet, run, ledger };
})();
