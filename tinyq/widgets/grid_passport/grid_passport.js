/* The grid passport: what each layer stamps on its grid, and what a needless stamp would cost. */
(() => {
  const { block, frame, gridPassportFigure, int8, kit, layers, quality, subject } =
    globalThis.tinyqWidgets;
  const { show } = kit;
  const STAMPS = ["none", "copy", "wider", "own"];

  function prepare(data) {
    const given = subject.prepare(data);
    const qnet = block.quantizeNet(given.net, given.ranges);
    const tensors = subject.remember((image) =>
      block.run(qnet, block.slice(given.images, image)));
    return { ...given, qnet, tensors, numbers: subject.gridNumbers(qnet.grids) };
  }

  /* ---- A requantizer where none is needed ---- */

  /* The grid that a stamp asks for: equal, of a range 1 % wider, or of the tensor's own range. */
  function stampedGrid(stamp, { scale, zero_point, qmin, qmax }, { lo, hi }) {
    if (stamp === "copy") return { scale, zero_point, qmin, qmax };
    if (stamp === "own") return int8.gridFromRange(lo, hi);
    const end = (code) => 1.01 * Math.fround(scale * (code - zero_point));
    return int8.gridFromRange(end(qmin), end(qmax));
  }

  /* A tensor's codes on another grid, equation (5.9). */
  function requantized({ data, shape, grid }, to) {
    const rescaler = int8.requantizerOf([grid.scale / to.scale]);
    const steps = Int32Array.from(data, (code) => code - grid.zero_point);
    const codes = int8.requantize(steps, rescaler, to, 1);
    return { tensor: { data: codes, shape, grid: to }, rescaler };
  }

  /* Only the layer that reads the new grid has new integers. */
  const linear = ({ weights, bias, stride, kind, layer }, [x]) =>
    layers.conv(x, x.grid === layer.inGrid ? layer
      : layers.linearLayer(weights.data, weights.shape, bias, x.grid, layer.outGrid,
        { stride, perChannel: kind === "conv" }));

  const RUN = {
    pad: ({ pads }, [x]) => layers.pad(x, pads),
    relu: (node, [x]) => layers.relu(x),
    maxPool: ({ kernel, stride }, [x]) => layers.maxPool(x, kernel, stride),
    globalAvgPool: (node, [x]) => layers.globalAvgPool(x),
    conv: linear,
    dense: linear,
    add: ({ layer }, both) =>
      layers.add(...both, { ...layer, inGrids: both.map((x) => x.grid) }),
  };

  /* The logits where the tensor of a stage is another; the layers behind it run again. */
  function logitsAfter({ nodes }, tensors, stage, name, tensor) {
    const now = { ...tensors, [name]: tensor };
    for (const node of nodes.slice(stage)) {
      now[node.name] = RUN[node.kind](node, node.inputs.map((input) => now[input]));
    }
    return now[nodes.at(-1).name];
  }

  /* ---- The numbers: the Python widget's value is the same dictionary ---- */

  const reals = ({ data, grid }) => int8.dequantize(grid, data);

  const worst = (tensor, floats) => reals(tensor).reduce((most, x, i) =>
    Math.max(most, Math.abs(Math.fround(x - floats[i]))), 0);

  /* A channel of a tensor of one image: { name, size, channel, codes }. */
  function channelOf(name, { data, shape: [, ...rest] }, wanted) {
    const [height, width, channels] = rest.length === 1 ? [1, rest[0], 1] : rest;
    const channel = Math.min(wanted, channels - 1);
    const codes = Array.from(data).filter((_, i) => i % channels === channel);
    return { name, size: [height, width], channel, channels, codes };
  }

  function costOf({ qnet, ranges, floats, tensors }, { stage, image, channel, stamp }, name) {
    const now = tensors(image);
    const tensor = now[name];
    const grid = stampedGrid(stamp, tensor.grid, ranges[name]);
    const { tensor: again, rescaler } = requantized(tensor, grid);
    const float = floats(image);
    const last = qnet.nodes.at(-1).name;
    const logits = logitsAfter(qnet, now, stage, name, again);
    return {
      scale: grid.scale, zero_point: grid.zero_point, products: tensor.data.length,
      multiplier: rescaler.multiplier[0], shift: rescaler.shift[0],
      changed: again.data.filter((code, i) => code !== tensor.data[i]).length,
      after: channelOf(name, again, channel).codes,
      db: [tensor, again].map((one) => quality.sqnr(float[name].data, reals(one))),
      worst: [now[last], logits].map((one) => worst(one, float[last].data)),
    };
  }

  function value(state, ctx) {
    const { qnet, tensors, numbers, count } = ctx;
    const { stage, image, channel, stamp } = state;
    if (!STAMPS.includes(stamp)) {
      throw new RangeError(`stamp must be one of ${STAMPS.join(", ")}.`);
    }
    subject.checkIndex("image", image, count);
    const now = tensors(image);
    const name = Object.keys(now)[stage];
    const { grid, data } = now[name];
    const inputs = stage ? qnet.nodes[stage - 1].inputs : [];
    const passes = inputs.some((input) => qnet.grids[input] === grid);
    const cost = stamp === "none" ? null : costOf(ctx, state, name);
    return {
      ...state, name, kind: stage ? qnet.nodes[stage - 1].kind : "input", passes,
      requantizes: stage > 0 && !passes, in_grids: inputs.map((input) => numbers[input]),
      grid: numbers[name], scale: grid.scale, zero_point: grid.zero_point, count: data.length,
      before: inputs.map((input) => channelOf(input, now[input], channel)),
      after: channelOf(name, now[name], channel),
      changed: cost && cost.changed, cost,
    };
  }

  /* ---- Words ---- */

  const WHY = {
    input: "The host quantizes the image once",
    pad: "A pad copies codes and fills with the zero_point",
    relu: "ReLU is a clamp at the zero_point",
    maxPool: "The largest code stands for the largest number",
    globalAvgPool: "The mean of the codes stands for the mean of the numbers",
    conv: "A convolution leaves 32-bit sums, which must come back to 8 bits anyway",
    dense: "A dense layer leaves 32-bit sums, which must come back to 8 bits anyway",
    add: "An add meets two grids and must bring them to one anyway",
  };

  const decibels = ([before, after]) =>
    (before === after ? `SQNR stays at ${quality.db(before)}`
      : `SQNR goes from ${quality.db(before)} to ${quality.db(after)}`);

  function sentence(v) {
    const verb = v.kind === "input" ? `issues grid ${v.grid}`
      : v.passes ? `passes grid ${v.grid} on` : `requantizes to grid ${v.grid}, its own`;
    const start = `${v.name} ${verb}. ${WHY[v.kind]}.`;
    if (!v.cost) {
      return v.passes ? `${start} ${v.count} codes an image go through without a requantizer.`
        : start;
    }
    const { products, changed, db, worst: [was, is] } = v.cost;
    const logits = was === is ? `the largest logit error stays at ${show(was, 3)}`
      : `the largest logit error goes from ${show(was, 3)} to ${show(is, 3)}`;
    return `${start} One requantizer more costs ${products} 64-bit products an image and changes ` +
      `${changed} of ${v.count} codes. ${decibels(db)}; ${logits}.`;
  }

  function formulas(v) {
    const grid = ["grid", `${v.grid}: scale ${show(v.scale)}, zero_point ${show(v.zero_point)}`];
    if (!v.cost) return [grid];
    const { scale, zero_point, multiplier, shift } = v.cost;
    return [grid,
      ["new grid", `scale ${show(scale)}, zero_point ${show(zero_point)}`],
      ["ratio", "scale / new scale", `${show(v.scale)} / ${show(scale)}`,
        `${multiplier} / 2^(31 + ${show(shift)})`, show(v.scale / scale)]];
  }

  const NEW = {
    copy: "tinyq.Grid(grid.scale, grid.zero_point)",
    wider: "tinyq.Grid.from_range(1.01 * grid.lo, 1.01 * grid.hi)",
    own: "qnet.ranges[row.name].grid()",
  };

  function call(v, ctx) {
    const start = `${subject.setup(ctx)}qnet = net.quantize(calibration)
row = qnet.ledger()[${v.stage}]
grid = row.out_grid
`;
    if (!v.cost) return `${start}row.name, grid.scale, grid.zero_point, row.requantizes, None`;
    return `import numpy as np
${start}new = ${NEW[v.stamp]}
codes = qnet.trace(images[[${v.image}]])[row.name]
steps = codes.astype(np.int32) - grid.zero_point
again = tinyq.Requantizer(grid.scale / new.scale).requantize(steps, new)
row.name, grid.scale, grid.zero_point, row.requantizes, int((again != codes).sum())`;
  }

  const hidden = (value, max) =>
    ({ kind: "hidden", value, min: 0, max, integer: true });
  const controls = {
    image: { kind: "number", value: 0, min: 0, step: 1, integer: true },
    channel: { kind: "number", value: 2, min: 0, max: 255, step: 1, integer: true },
    stamp: { kind: "choice", value: "none", label: "one requantizer more",
      options: [["none", "none"], ["copy", "equal grid"], ["wider", "1 % wider"],
        ["own", "own range"]] },
    stage: hidden(3, 13),
  };

  frame.define("grid-passport", { title: "Grid passport", controls, prepare, value, sentence,
    formulas, call, view: (root, api) => gridPassportFigure.view(root, api) });
})();
