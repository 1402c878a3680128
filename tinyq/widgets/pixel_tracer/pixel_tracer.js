/* The pixel tracer: drag any of the six ranges and the whole int8 block runs again; follow a logit
   back to its pixels. */
(() => {
  const { block, frame, int8, kit, layers, pixels, pixelTrace, pixelTracerFigure: figure,
    stages, subject } = globalThis.tinyqWidgets;
  const { h, show } = kit;
  const { GRIDS, prepare, checkIndex, placeWords } = subject;

  /* ---- The numbers: the Python widget's value is the same dictionary ---- */

  /* The calibrated ranges, and over them the six of the state. */
  function rangesOf(state, { ranges, observed }) {
    const own = GRIDS.map((grid, i) => {
      const [lo, hi] = [state[`${grid}_lo`], state[`${grid}_hi`]];
      if (lo <= hi) return [observed[i], { lo, hi }];
      throw new RangeError(`${grid}: lo = ${show(lo)} is above hi = ${show(hi)}. ` +
        "Lower lo or raise hi.");
    });
    return { ...ranges, ...Object.fromEntries(own) };
  }

  /* int8 on ranges, its refusals as sentences. */
  function quantized(net, ranges) {
    try {
      return block.quantizeNet(net, ranges);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`No int8 network has these ranges: ${error.message}.`);
    }
  }

  const extent = (arrays) => {
    const numbers = arrays.flatMap((array) => [...array]);
    return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
  };

  /* [name, grid number, scale, zero_point, requantizes, multiplier, shift] a tensor. */
  function ledgerOf({ nodes, grids }) {
    const numbers = subject.gridNumbers(grids);
    const layers = Object.fromEntries(nodes.map((node) => [node.name, node]));
    return Object.entries(grids).map(([name, { scale, zero_point }]) => {
      const { inputs = [], layer = {} } = layers[name] ?? {};
      const own = inputs.length > 0 && !inputs.some((input) => grids[input] === grids[name]);
      const scaled = layer.requantizer ? [layer.requantizer]
        : Object.values(layer.requantizers ?? {});
      return [name, numbers[name], scale, zero_point, own,
        extent(scaled.map((one) => one.multiplier)), extent(scaled.map((one) => one.shift))];
    });
  }

  /* The accumulator and the requantizer of the code at place, for a layer with weights. */
  function stepOf({ kind, inputs, layer }, tensors, place) {
    if (!place || !["conv", "dense"].includes(kind)) return null;
    const [channel, { multiplier, shift }] = [place.at(-1), layer.requantizer];
    const which = multiplier.length > 1 ? channel : 0;
    const acc = pixelTrace.codeAt(layers.accumulate(tensors[inputs[0]], layer), place);
    return { acc, multiplier: multiplier[which], shift: shift[which] };
  }

  /* Every tensor of the image at hand, besides what value shows. */
  function rerun(state, ctx) {
    const qnet = quantized(ctx.net, rangesOf(state, ctx));
    const tensors = block.run(qnet, block.slice(ctx.images, state.image));
    return { qnet, tensors };
  }

  let latest = null; // the tensors of the value that was computed last, for the pictures

  function value(state, ctx) {
    const last = ctx.net.nodes.at(-1);
    checkIndex("image", state.image, ctx.count);
    checkIndex("logit", state.logit, last.bias.length);
    const { qnet, tensors } = rerun(state, ctx);
    const { places, boxes, via } = pixelTrace.trace(qnet, tensors, state.logit);
    const names = Object.keys(tensors);
    const codes = [...tensors[last.name].data];
    const dequantized = [...int8.dequantize(qnet.grids[last.name], codes)];
    const floats = [...ctx.floats(state.image)[last.name].data];
    const errors = floats.map((float, i) => Math.abs(Math.fround(dequantized[i] - float)));
    const node = qnet.nodes[state.stage - 1] ?? {};
    const v = {
      ...state, ledger: ledgerOf(qnet), codes, dequantized, floats, worst: Math.max(...errors), via,
      road: names.map((name) => (places[name]
        ? [places[name], pixelTrace.codeAt(tensors[name], places[name])] : [null, null])),
      boxes: names.map((name) => boxes[name]),
      step: stepOf(node, tensors, places[names[state.stage]]),
    };
    latest = { v, tensors };
    return v;
  }

  /* ---- The words ---- */

  const list = (numbers, digits = 4) => numbers.map((x) => show(x, digits)).join(", ");

  function sentence(v, { net }) {
    const [pixel, code] = v.road[0];
    const end = pixel ? `pixel ${placeWords(pixel, net.channels)}, code ${show(code)}`
      : "the border, where there is no pixel";
    const steps = show(v.worst / v.ledger.at(-1)[2], 2);
    return `Image ${v.image}: the int8 logits ${list(v.codes)} stand for ${list(v.dequantized)}. ` +
      `The largest error is ${show(v.worst, 3)}, ${steps} steps of their grid. ` +
      `Logit ${v.logit} leads back through the ${v.via} to ${end}.`;
  }

  function call(v, ctx) {
    const { ranges, observed } = ctx;
    const moved = GRIDS.map((grid, i) => [observed[i], v[`${grid}_lo`], v[`${grid}_hi`]])
      .filter(([name, lo, hi]) => lo !== ranges[name].lo || hi !== ranges[name].hi)
      .map(([name, lo, hi]) =>
        `ranges["${name}"] = tinyq.MinMax(${kit.pyFloat(lo)}, ${kit.pyFloat(hi)})\n`);
    return `${subject.setup(ctx)}ranges = net.calibrate(calibration)
${moved.join("")}qnet = net.quantize_on(ranges, images.shape[1:])
found = tinyq.parity.compare(net, qnet, images[${v.image}:${v.image + 1}])
found.codes[0], found.worst`;
  }

  const KIND_WORDS = {
    pad: "the same code, inside a frame of zero_point",
    relu: "max(code, zero_point)",
    maxPool: "the largest code of a window",
    add: "block + skip, each rescaled, and the sum again",
    globalAvgPool: "the mean of a channel's codes",
  };

  function formulas(v, { net }) {
    const [name, , scale, zero_point] = v.ledger[v.stage];
    const [place, code] = v.road[v.stage];
    if (!place) return [[name, "a code of the border: the road ends before"]];
    const result = show(code);
    if (!v.stage) return [[name, "clamp(round(x / scale) + zero_point)", result]];
    if (!v.step) return [[name, KIND_WORDS[net.nodes[v.stage - 1].kind], result]];
    const { acc, multiplier, shift } = v.step;
    return [
      ["acc", "bias + \u03a3 w \u00d7 (x \u2212 zero_point)", show(acc, 12)],
      [name, "clamp(round(acc \u00d7 multiplier / 2^(31 + shift)) + zero_point)",
        `clamp(round(${show(acc, 12)} \u00d7 ${multiplier} / 2^${31 + shift}) + ` +
        `${zero_point < 0 ? `(${show(zero_point)})` : zero_point})`, result],
      ["scale", show(scale)],
    ];
  }

  /* ---- The figure ---- */

  const markOf = ([place], box) =>
    ({ at: place && (place.length === 1 ? [0, place[0]] : place.slice(0, 2)), box });

  function picture(canvas, tensor, road, box) {
    const { qmin, qmax } = tensor.grid;
    const channel = road[0]?.[2] ?? 0;
    pixels.paint(canvas, tensor, channel, (code) => pixels.grey((code - qmin) / (qmax - qmin)),
      markOf(road, box));
  }

  function view(root, api) {
    const { net, ranges, observed, count } = api.ctx;
    const names = ["input", ...net.nodes.map((node) => node.name)];
    const extras = names.map(() => [h("canvas", { "aria-hidden": "true" }), h("span"), h("span")]);
    const listed = stages.stageList("Tensors, from the image to the logits",
      (stage) => api.change({ stage }), stages.skipOf(net),
      ["tensor", "", "code", "scale / zero_point"]);
    const large = h("canvas", { role: "img" });
    const caption = h("figcaption");
    const plot = h("div", { role: "img" });
    const rows = GRIDS.map((grid, i) =>
      figure.rangeRow(grid, i + 1, ranges[observed[i]], (part) => api.change(part)));
    plot.addEventListener("click", ({ target }) => {
      const chosen = target.closest("[data-logit]");
      if (chosen) api.change({ logit: Number(chosen.dataset.logit) });
    });
    root.append(listed.node, h("div", { class: "tinyq-beside" },
      h("figure", {}, large, caption), plot, h("div", {}, h("p", { class: "tinyq-note" },
        "Drag either end of a range. Marks: as calibrated."),
      ...rows.map((row) => row.node))));
    const logits = ranges[observed.at(-1)];
    const room = 0.06 * (logits.hi - logits.lo || 1);

    function paint(v, ctx) {
      if (latest?.v !== v) value(api.state, ctx);
      const tensors = Object.values(latest.tensors);
      const listedRows = v.ledger.map(([name, grid, scale, zero_point, requantizes], i) => {
        const code = v.road[i][1];
        const [thumb, codeText, gridText] = extras[i];
        picture(thumb, tensors[i], v.road[i], v.boxes[i]);
        codeText.textContent = code === null ? "" : show(code);
        gridText.textContent = `${stages.scaleText(scale)} / ${show(zero_point)}`;
        const words = [name, `grid ${grid}`, `scale ${show(scale, 4)}`,
          `zero_point ${show(zero_point)}`, code === null ? "no code" : `code ${show(code)}`];
        return { name, grid, requantizes, extra: extras[i], words: words.join(", ") };
      });
      listed.paint(listedRows, v.stage);
      const [place, code] = v.road[v.stage];
      picture(large, tensors[v.stage], v.road[v.stage], v.boxes[v.stage]);
      const where = place ? `${placeWords(place, tensors[v.stage].shape[3])}: code ${show(code)}`
        : "the road does not pass here";
      large.setAttribute("aria-label", `${names[v.stage]}, ${where}`);
      caption.textContent = `${names[v.stage]}, ${where}`;
      plot.setAttribute("aria-label", `Parity: float logits ${list(v.floats)}, int8 ` +
        list(v.dequantized));
      kit.put(plot, figure.parity(v, [logits.lo - room, logits.hi + room], 168));
      rows.forEach((row, i) => {
        const { grid } = latest.tensors[observed[i]];
        row.paint({ lo: v[`${GRIDS[i]}_lo`], hi: v[`${GRIDS[i]}_hi`], ...grid }, api.locked);
      });
    }

    const limits = () => ({ image: { min: 0, max: count - 1, step: 1 },
      logit: { min: 0, max: net.nodes.at(-1).bias.length - 1, step: 1 } });

    return { paint, limits };
  }

  const { ranges, observed } = subject.ofSeed();
  const ends = GRIDS.flatMap((grid, i) => ["lo", "hi"].map((end) =>
    [`${grid}_${end}`, { kind: "hidden", value: ranges[observed[i]][end] }]));
  const whole = { kind: "number", min: 0, step: 1, integer: true };
  const controls = {
    image: { ...whole, value: 0 }, logit: { ...whole, value: 1 },
    stage: { ...whole, kind: "hidden", value: 9, max: 13 }, ...Object.fromEntries(ends),
  };

  const part = (field, share) =>
    ({ [field]: Number((controls[field].value * share).toPrecision(3)) });
  const presets = {
    "As calibrated": Object.fromEntries(ends.map(([field, { value }]) => [field, value])),
    "Stem four times too wide": { ...part("stem_lo", 4), ...part("stem_hi", 4) },
    "Add cut in half": part("add_hi", 0.5),
    "Logits too narrow": part("logits_hi", 0.7),
  };

  frame.define("pixel-tracer",
    { title: "Pixel tracer", controls, presets, prepare, value, sentence, call, formulas, view });
})();
