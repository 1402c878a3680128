/* The error ledger: a number of bits for each layer; the SQNR of every tensor follows. */
(() => {
  const { block, digits, errorLedgerFigure: figure, frame, int8, kit, stages, subject } =
    globalThis.tinyqWidgets;
  const { h, show } = kit;
  const { GRIDS } = subject;
  const PARTS = ["stem", "block1", "block2", "dense"];
  const BLOCK_ADD = "block_add";

  /* ---- The subject: two networks, all images ---- */

  const power = (xs) => {
    let sum = 0;
    for (let i = 0; i < xs.length; i += 1) sum += xs[i] * xs[i];
    return sum;
  };

  /* A float network with its tensors on all images and their power. */
  function whole(net, ranges, images) {
    const floats = block.floatRun(net, images);
    const signal = Object.fromEntries(Object.entries(floats).map(([name, { data }]) =>
      [name, power(data)]));
    return { net, ranges, floats, signal };
  }

  function prepare(data) {
    if (data) {
      const { net, ranges, images, labels, own } = subject.prepare(data);
      return { images, labels, own, of: subject.remember(() => whole(net, ranges, images)) };
    }
    const { net, wideNet, ranges, wideRanges, images, labels } = digits.load();
    return { images, labels, own: false, of: subject.remember((wide) =>
      (wide ? whole(wideNet, wideRanges, images) : whole(net, ranges, images))) };
  }

  /* ---- The numbers: the Python widget's value is the same dictionary ---- */

  /* The scheme of each layer that owns a grid, by its name. */
  function schemesOf(state, { nodes }) {
    const owners = nodes.filter((node) => node.observe).map((node) => node.name);
    const weighted = owners.filter((name) => name !== BLOCK_ADD);
    return Object.fromEntries(["input", ...owners].map((name, i) => {
      const part = PARTS[weighted.indexOf(name)];
      return [name, { perChannel: state.per_channel, activationBits: state[`${GRIDS[i]}_codes`],
        ...(part && { weightBits: state[`${part}_weights`] }) }];
    }));
  }

  /* { sqnr, largest } of a tensor: equation (10.1) to two digits, and in steps of the grid. */
  function errorOf({ data, grid: { scale, zero_point } }, floats, signal) {
    let [noise, largest] = [0, 0];
    for (let i = 0; i < data.length; i += 1) {
      const error = Math.fround(scale * (data[i] - zero_point)) - floats[i];
      noise += error * error;
      if (Math.abs(error) > largest) largest = Math.abs(error);
    }
    const decibels = 10 * Math.log10(signal / noise);
    const finite = noise > 0 && Number.isFinite(decibels);
    return { sqnr: finite ? Number(decibels.toFixed(2)) : null, largest: largest / scale };
  }

  /* The index of the largest of numbers, of equals the first. */
  const argmax = (numbers) => numbers.reduce((best, x, i) => (x > numbers[best] ? i : best), 0);

  const rowsOf = ({ data, shape: [count, width] }) =>
    Array.from({ length: count }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);

  function value(state, { images, labels, own, of }) {
    if (own && state.wide) {
      throw new RangeError("wide belongs to the trained digits network. Untick it.");
    }
    subject.checkIndex("scan", state.scan, labels.length);
    const { net, ranges, floats, signal } = of(!own && state.wide);
    const schemes = schemesOf(state, net);
    const qnet = block.quantizeNet(net, ranges, { perChannel: state.per_channel, schemes });
    const tensors = block.run(qnet, images);
    const names = Object.keys(tensors);
    const errors = names.map((name) => errorOf(tensors[name], floats[name].data, signal[name]));
    const last = names.at(-1);
    const [codes, reals] = [rowsOf(tensors[last]), rowsOf(floats[last])];
    const [answers, wanted] = [codes.map(argmax), reals.map(argmax)];
    const dequantized = codes.map((row) => [...int8.dequantize(qnet.grids[last], row)]);
    const numbers = subject.gridNumbers(qnet.grids);
    return {
      ...state, names, grids: names.map((name) => numbers[name]),
      sqnr: errors.map((one) => one.sqnr), largest: errors.map((one) => one.largest), answers,
      right: answers.filter((answer, i) => answer === labels[i]).length,
      same: answers.filter((answer, i) => answer === wanted[i]).length,
      codes: codes[state.scan], dequantized: dequantized[state.scan], floats: reals[state.scan],
      worst: Math.max(...reals.flatMap((row, n) => row.map((x, i) =>
        Math.abs(Math.fround(dequantized[n][i] - x))))),
    };
  }

  /* ---- The words ---- */

  /* Where SQNR falls most from a layer's inputs to its output. The add is left out: it drops
     negative sums on purpose. */
  function steepest({ names, sqnr }, { nodes }) {
    const at = Object.fromEntries(names.map((name, i) => [name, sqnr[i]]));
    const falls = nodes.filter(({ name }) => name !== BLOCK_ADD && at[name] !== null)
      .map(({ name, inputs }) => [name, Math.min(...inputs.map((one) => at[one] ?? 0)) - at[name]]);
    return falls.reduce((worst, one) => (one[1] > worst[1] ? one : worst));
  }

  function sentence(v, { of }) {
    const [name, fall] = steepest(v, of(v.wide).net);
    const count = v.answers.length;
    const last = v.sqnr.at(-1);
    const decibels = last === null ? "" : `The logits' SQNR is ${show(last, 3)} dB, their `;
    return `${v.right} of ${count} scans are answered right, ${v.same} as in float. ` +
      `${decibels || "The "}largest error is ${show(v.worst, 3)}. ` +
      `Most is lost at ${name}: ${show(fall, 3)} dB.`;
  }

  /* Scheme(...) with what is not the default, or "" where all is. */
  function schemeText({ weightBits = 8, activationBits = 8, perChannel }) {
    const parts = [
      ...(weightBits === 8 ? [] : [`weight_bits=${weightBits}`]),
      ...(activationBits === 8 ? [] : [`activation_bits=${activationBits}`])];
    if (!parts.length) return "";
    return `Scheme(${[...parts, ...(perChannel ? [] : ["per_channel=False"])].join(", ")})`;
  }

  function call(v, { of, own }) {
    const schemes = Object.entries(schemesOf(v, of(v.wide).net))
      .map(([name, scheme]) => [name, schemeText(scheme)]).filter(([, text]) => text)
      .map(([name, text]) => `    "${name}": ${text},\n`).join("");
    const setup = own ? "# net, images, labels, calibration: your own\n"
      : `data = tinyq.digits.load()
by_digit = [data.test[data.labels[data.test] == digit][:2] for digit in range(10)]
chosen = [index for pair in by_digit for index in pair]
net, calibration = data.${v.wide ? "wide_net" : "net"}, data.images[data.calibration]
images, labels = data.images[chosen], data.labels[chosen]\n`;
    return `import tinyq, tinyq.analysis, tinyq.digits
from tinyq import Scheme
${setup}schemes = {${schemes && `\n${schemes}`}}
qnet = net.quantize(calibration, scheme=Scheme(${v.per_channel ? "" : "per_channel=False"}), \
schemes=schemes)
errors = tinyq.analysis.tensor_errors(tinyq.analysis.run_both(net, qnet, images))
right = (qnet(images).argmax(axis=1) == labels).sum()
[round(one.sqnr_db, 2) for one in errors], int(right)`;
  }

  /* ---- The figure ---- */

  function view(root, api) {
    const { images, labels, of } = api.ctx;
    const { net } = of(false);
    const names = ["input", ...net.nodes.map((node) => node.name)];
    const bars = names.map(() => figure.bar());
    let row = names.length - 1; // the list only reads: which row is chosen is no state
    const listed = stages.stageList("SQNR of each tensor, from the image to the logits", (i) => {
      row = i;
      api.repaint();
    }, stages.skipOf(net), ["tensor", "SQNR, dB", ""]);
    const scans = figure.scanList(images, (scan) => api.change({ scan }));
    const [title, plot, note] = [h("p"), h("div", { role: "img" }), h("p")];
    root.append(listed.node, h("div", {}, scans.node, title, plot, note));
    const eight = subject.remember((wide) =>
      value({ ...api.state, ...ALL_EIGHT, scan: 0, per_channel: true, wide }, api.ctx).sqnr);

    function paint(v) {
      const width = plot.clientWidth || 300; // read before writing: one layout a frame
      const start = eight(v.wide);
      bars.forEach((bar, i) => bar.paint(v.sqnr[i], start[i]));
      listed.paint(names.map((name, i) => ({ name, grid: v.grids[i],
        requantizes: i > 0 && v.grids[i] !== v.grids[i - 1], extra: bars[i].nodes,
        words: `${name}, SQNR ${v.sqnr[i] === null ? "not finite" : `${show(v.sqnr[i], 3)} dB`}, ` +
          `largest error ${show(v.largest[i], 3)} steps` })), row);
      scans.paint(v.answers, labels, v.scan);
      title.textContent = `Logits of this ${labels[v.scan]}: bars int8, lines float`;
      plot.setAttribute("aria-label", `Logits in float ${v.floats.map((x) => show(x, 3))}, ` +
        `in int8 ${v.dequantized.map((x) => show(x, 3))}`);
      kit.put(plot, figure.logits(v, labels[v.scan], width));
      const clamped = names[row] === BLOCK_ADD ? ", for its sums below zero are clamped" : "";
      note.textContent = `${names[row]}: largest error ${show(v.largest[row], 3)} steps of its ` +
        `grid${clamped}. ` +
        "A tick shows the SQNR with 8 bits everywhere.";
    }

    return { paint, reset: () => (row = names.length - 1) };
  }

  const bits = { kind: "number", value: 8, min: 2, max: 8, step: 1, integer: true };
  const weights = PARTS.map((part) => `${part}_weights`);
  const codes = GRIDS.map((grid) => `${grid}_codes`);
  const all = (names, count) => Object.fromEntries(names.map((name) => [name, count]));
  const ALL_EIGHT = all([...weights, ...codes], 8);
  const order = ["stem_weights", "stem_codes", "block1_weights", "block1_codes", "block2_weights",
    "block2_codes", "dense_weights", "logits_codes", "input_codes", "add_codes"];
  const controls = {
    ...Object.fromEntries(order.map((name) => [name, bits])),
    per_channel: { kind: "check", value: true, label: "one weight scale a filter" },
    wide: { kind: "check", value: false, label: "weights hard to quantize" },
    scan: { ...bits, kind: "hidden", value: 0, min: 0, max: undefined },
  };
  const presets = {
    "8 bits": ALL_EIGHT,
    "Weights at 4": { ...ALL_EIGHT, ...all(weights, 4) },
    "Codes at 4": { ...ALL_EIGHT, ...all(codes, 4) },
    "One layer's weights at 2": { ...ALL_EIGHT, block1_weights: 2 },
    "Its codes at 2": { ...ALL_EIGHT, block1_codes: 2 },
  };

  frame.define("error-ledger",
    { title: "Error ledger", controls, presets, prepare, value, sentence, call, view });
})();
