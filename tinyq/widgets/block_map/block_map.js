/* The block map: fourteen tensors coloured by grid; click one to see it in float and in int8. */
(() => {
  const { block, blockMapFigure: figure, frame, int8, kit, pixels, stages, subject } =
    globalThis.tinyqWidgets;
  const { h, show } = kit;

  /* The subject with its int8 run, each image once. */
  function prepare(data) {
    const found = subject.prepare(data);
    const qnet = block.quantizeNet(found.net, found.ranges);
    const codes = subject.remember((image) => block.run(qnet, block.slice(found.images, image)));
    return { ...found, qnet, codes, numbers: subject.gridNumbers(qnet.grids) };
  }

  /* Signal to noise in dB, equation (10.1), to two digits; null where it is not finite. */
  function sqnr(floats, errors) {
    const power = (xs) => xs.reduce((sum, x) => sum + x * x, 0);
    const decibels = 10 * Math.log10(power([...floats]) / power(errors));
    return Number.isFinite(decibels) ? Number(decibels.toFixed(2)) : null;
  }

  const nameAt = ({ codes }, { stage, image }) => Object.keys(codes(image))[stage];

  function value(state, ctx) {
    subject.checkIndex("image", state.image, ctx.count);
    const name = nameAt(ctx, state);
    const [floats, tensor] = [ctx.floats(state.image)[name].data, ctx.codes(state.image)[name]];
    const { grid, shape: [, ...shape], data } = tensor;
    const wanted = shape.length === 3 ? [state.row, state.column, state.channel] : [state.column];
    const place = wanted.map((index, axis) => Math.min(index, shape[axis] - 1));
    const [row, column, channel] = place.length === 1 ? [0, 0, place[0]] : place;
    const [, width, channels] = pixels.sizes(tensor.shape);
    const at = place.length === 1 ? channel : (row * width + column) * channels + channel;
    const dequantized = int8.dequantize(grid, data);
    const errors = Array.from(dequantized, (x, i) => x - floats[i]);
    const codes = place.length === 1 ? [...data] : [...data].filter((_, i) =>
      i % channels === channel);
    return {
      ...state, name, grid: ctx.numbers[name], shape, scale: grid.scale,
      zero_point: grid.zero_point, place, float: floats[at], code: data[at],
      dequantized: dequantized[at], error: errors[at], codes,
      largest: Math.max(...errors.map(Math.abs)) / grid.scale, sqnr: sqnr(floats, errors),
    };
  }

  /* What a layer does to its input, by kind. */
  const DOES = {
    input: "the image, put on its grid",
    pad: "a frame of zero around its input; no new grid",
    conv: "sums of products, brought back to a grid of their own",
    relu: "its input, nothing below zero; no new grid",
    maxPool: "the largest of each 2 by 2 numbers; no new grid",
    add: "the block plus the skip, on a grid of its own",
    globalAvgPool: "the mean of each channel; no new grid",
    dense: "the logits, on a grid of their own",
  };

  function sentence(v, { net }) {
    const kind = v.stage ? net.nodes[v.stage - 1].kind : "input";
    const clamped = kind === "add" && v.largest > 2
      ? " Sums below zero are clamped here; the ReLU drops them anyway." : "";
    const rate = v.sqnr === null ? "" : `, the SQNR ${show(v.sqnr, 3)} dB`;
    const where = subject.placeWords(v.place, v.shape.at(-1));
    return `${v.name}: ${DOES[kind]}. At ${where} the float ${show(v.float, 5)} is code ` +
      `${show(v.code)}, which stands for ${show(v.dequantized, 5)}. ` +
      `The largest error of the tensor is ${show(v.largest, 3)} steps${rate}.${clamped}`;
  }

  const call = (v, ctx) => `${subject.setup(ctx)}qnet = net.quantize(calibration)
image = images[${v.image}:${v.image + 1}]
floats, codes = net.trace(image)["${v.name}"], qnet.trace(image)["${v.name}"]
dequantized = qnet.grids["${v.name}"].dequantize(codes)
place = (0, ${v.place.join(", ")})
float(floats[place]), int(codes[place]), float(dequantized[place])`;

  const formulas = (v) => [
    ["dequantized", "scale \u00d7 (code \u2212 zero_point)",
      `${show(v.scale)} \u00d7 (${show(v.code)} \u2212 ` +
      `${v.zero_point < 0 ? `(${show(v.zero_point)})` : v.zero_point})`, show(v.dequantized)],
    ["error", "dequantized \u2212 float", show(v.error)],
  ];

  function view(root, api) {
    const { net, count, codes, numbers } = api.ctx;
    const shapes = Object.values(codes(0)).map(({ shape }) => shape.slice(1));
    const extras = shapes.map((shape) => [h("canvas", { "aria-hidden": "true" }),
      h("span", {}, shape.join("\u00d7"))]);
    const listed = stages.stageList("Tensors, from the image to the logits",
      (stage) => api.change({ stage }), stages.skipOf(net), ["tensor", "", "shape"]);
    const shown = figure.pictures((row, column) => api.change({ row, column }));
    const many = new Set(Object.values(numbers)).size;
    const legend = h("p", {}, `${shapes.length} tensors, ${many} grids: a colour is a grid. ` +
      "A diamond marks a requantizer, where a new grid begins; the line at the left is the skip.");
    root.append(listed.node, h("div", {}, shown.node, legend));

    function paint(v, ctx) {
      const tensors = Object.values(ctx.codes(v.image));
      const rows = Object.entries(ctx.codes(v.image)).map(([name, { grid, shape }], i) => {
        const owner = i > 0 && !net.nodes[i - 1].inputs.some((input) =>
          ctx.qnet.grids[input] === grid);
        const channel = Math.min(v.channel, pixels.sizes(shape)[2] - 1);
        pixels.paint(extras[i][0], tensors[i], channel, (code) =>
          pixels.grey((code - grid.qmin) / (grid.qmax - grid.qmin)));
        return { name, grid: ctx.numbers[name], requantizes: owner, extra: extras[i],
          words: `${name}, ${shapes[i].join(" by ")}, grid ${ctx.numbers[name]}` +
            `${owner ? ", requantizes" : ""}` };
      });
      listed.paint(rows, v.stage);
      shown.paint(v, ctx.floats(v.image)[v.name], ctx.codes(v.image)[v.name],
        `A channel of ${v.name} in float, in int8, and the error`);
    }

    /* The sliders end where the tensor does. */
    function limits() {
      const shape = shapes[api.state.stage] ?? shapes[0]; // a link may name any stage
      const [height, width, channels] = pixels.sizes([1, ...shape]);
      const upTo = (size) => ({ min: 0, max: size - 1, step: 1 });
      return { image: upTo(count), channel: upTo(channels), row: upTo(height),
        column: upTo(width) };
    }

    return { paint, limits };
  }

  const index = { kind: "number", min: 0, max: 255, step: 1, integer: true };
  const controls = {
    stage: { ...index, kind: "hidden", value: 2, max: 13 },
    image: { ...index, value: 0, max: undefined }, channel: { ...index, value: 6 },
    row: { ...index, value: 3 }, column: { ...index, value: 3 },
  };

  frame.define("block-map",
    { title: "Block map", controls, prepare, value, sentence, call, formulas, view });
})();
