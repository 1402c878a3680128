/* The clip lab: drag the ends of a tensor's range; clipping errors against rounding errors. */
(() => {
  const { int8, block, kit, frame, networks, quality, observers, subject, dragging,
    clipLabFigure } = globalThis.tinyqWidgets;
  const { h, show } = kit;
  const { db } = quality;
  const RULES = { minmax: "min/max", percentile: "percentile 99.9", mse: "MSE",
    entropy: "entropy" };
  const ends = (bits) => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];

  /* A tensor with its histogram and, once a bit width, what each rule chooses: [lo, hi, SQNR]. */
  function studied(x) {
    const seen = observers.histogram(x);
    const sums = observers.moments(observers.withoutZeros(seen));
    const choices = subject.remember((bits) => Object.fromEntries(
      Object.entries(observers.RULES).map(([name, rule]) => {
        const [lo, hi] = rule(seen, ...ends(bits));
        const grid = int8.gridFromRange(lo, hi, ...ends(bits));
        const back = int8.dequantize(grid, int8.quantize(grid, x));
        return [name, [lo, hi, quality.sqnr(x, back)]];
      })));
    return { x, seen, sums, choices,
      columns: subject.remember((count) => columns(x, seen, count)) };
  }

  /* The tensor's numbers counted in `count` columns from its least to its largest. */
  function columns(x, { lo, hi }, count) {
    const counts = new Array(count).fill(0);
    const per = count / (hi - lo || 1);
    for (const one of x) counts[Math.min(Math.floor((one - lo) * per), count - 1)] += 1;
    return counts;
  }

  const booksTensor = subject.remember((key) => {
    const [network, tensor] = key.split(" ");
    const { net, images } = networks.load(network);
    const name = tensor === "logits" ? net.nodes.at(-1).name : tensor;
    const tensors = kit.once(`tensors ${network}`, () =>
      block.floatRun(net, images));
    return studied(tensors[name].data);
  });

  const prepare = (data) => ({ own: data && studied(data.x.data) });
  const studyOf = ({ network, tensor }, { own }) => own ?? booksTensor(`${network} ${tensor}`);

  function value(state, ctx) {
    const { bits, rule } = state;
    const { x, choices } = studyOf(state, ctx);
    const [lo, hi] = rule === "own" ? [state.lo, state.hi] : choices(bits)[rule];
    if (lo > hi) {
      throw new RangeError(`lo = ${show(lo)} is above hi = ${show(hi)}. Lower lo or raise hi.`);
    }
    const [qmin, qmax] = ends(bits);
    const grid = int8.gridFromRange(lo, hi, qmin, qmax);
    const codes = int8.quantize(grid, x);
    const back = int8.dequantize(grid, codes);
    let [clipped, clipping, rounding] = [0, 0, 0];
    for (let i = 0; i < x.length; i += 1) {
      const squared = (back[i] - x[i]) ** 2;
      if (int8.rawCode(grid, x[i]) === codes[i]) {
        rounding += squared;
      } else {
        clipped += 1;
        clipping += squared;
      }
    }
    return { ...state, lo, hi, scale: grid.scale, zero_point: grid.zero_point, qmin, qmax,
      count: x.length, clipped, clipping, rounding, sqnr: quality.sqnr(x, back),
      choices: choices(bits) };
  }

  const share = (part, rest) => (part + rest ? (100 * part) / (part + rest) : 0);

  function sentence(v) {
    const [name, [, , most]] = Object.entries(v.choices).reduce((best, one) =>
      ((one[1][2] ?? Infinity) > (best[1][2] ?? Infinity) ? one : best));
    const few = `${v.clipped.toLocaleString("en")} of ${v.count.toLocaleString("en")} numbers ` +
      `are clipped; they make ${show(share(v.clipping, v.rounding), 3)}\u00a0% of the squared ` +
      `error, the steps of ${show(v.scale, 4)} make the rest.`;
    const none = `No number is clipped: all error comes from the steps of ${show(v.scale, 4)}.`;
    return `${v.clipped ? few : none} ${quality.words(v.sqnr)}. The best of the four rules ` +
      `here is ${RULES[name]} with ${db(most)}.`;
  }

  const formulas = (v) => [
    ["scale", "(hi \u2212 lo) / (qmax \u2212 qmin)",
      `${show(Math.max(v.hi, 0) - Math.min(v.lo, 0))} / ${v.qmax - v.qmin}`, show(v.scale)],
    ["error", "rounding + clipping", `${show(v.rounding, 4)} + ${show(v.clipping, 4)}`,
      `${show(v.rounding + v.clipping, 4)} (sum of squares)`],
  ];

  const OBSERVERS = { minmax: "MinMax()", percentile: "Percentile(99.9)", mse: "MSE()",
    entropy: "Entropy()" };

  function call(v, { own }) {
    const { network, tensor, rule, lo, hi, qmin, qmax } = v;
    const name = tensor === "logits" ? "net.nodes[-1].name" : `"${tensor}"`;
    const images = network === "seed" ? "images = images[:4]\n"
      : "scans = [d.test[d.labels[d.test] == digit][:2] for digit in range(10)]\n" +
        "images = d.images[np.concatenate(scans)]\n";
    const x = own ? "# x: your array\n" : networks.imports(network) + networks.setup(network)
      + images + `x = net.trace(images)[${name}]\n`;
    const ranges = `qmin=${qmin}, qmax=${qmax}`;
    const grid = rule === "own"
      ? `tinyq.Grid.from_range(${kit.pyFloat(lo)}, ${kit.pyFloat(hi)}, ${ranges})`
      : `tinyq.${OBSERVERS[rule]}.observe(x).grid(${ranges})`;
    return `import numpy as np
import tinyq
${x}grid = ${grid}
codes = grid.quantize(x)
steps = tinyq.affine.round_half_away(x.astype(float) / grid.scale)
clipped = int((steps + grid.zero_point != codes).sum())
db = tinyq.parity.sqnr_db(x, grid.dequantize(codes))
grid.scale, grid.zero_point, clipped, round(db, 2) if np.isfinite(db) else None`;
  }

  /* A rule moves lo and hi; a moved lo or hi is nobody's rule; another tensor starts at min/max. */
  function adjust(part, state, typed, ctx) {
    if ("rule" in part && "lo" in part && "hi" in part) return part; // all is said
    let next = { ...state, ...part };
    if ("network" in part || "tensor" in part) {
      next = { ...next, rule: next.rule === "own" ? "minmax" : next.rule };
    } else if (("lo" in part || "hi" in part) && !("rule" in part)) {
      next = { ...next, rule: "own" };
      if (!typed && "lo" in part) next.lo = Math.min(next.lo, next.hi);
      if (!typed && "hi" in part) next.hi = Math.max(next.hi, next.lo);
    }
    if (next.rule !== "own" && next.bits >= 2 && next.bits <= 8) {
      [next.lo, next.hi] = studyOf(next, ctx).choices(Math.round(next.bits))[next.rule];
    }
    return next;
  }

  /* A button a rule, with what it chooses. */
  function rulesOf(api) {
    const buttons = Object.entries(RULES).map(([rule, words]) => {
      const found = [h("span"), h("span")];
      const node = h("button", { type: "button", onclick: () => api.change({ rule }) },
        h("b", {}, words), ...found);
      return { rule, node, found };
    });
    const node = h("div", { class: "tinyq-clip-rules" }, ...buttons.map((one) => one.node));
    function paint(v) {
      for (const { rule, node: button, found } of buttons) {
        const [lo, hi, sqnr] = v.choices[rule];
        found[0].textContent = `${show(lo, 3)} to ${show(hi, 3)}`;
        found[1].textContent = db(sqnr);
        button.setAttribute("aria-pressed", v.rule === rule);
        button.disabled = api.locked("rule");
      }
    }
    return { node, paint };
  }

  function view(root, api) {
    const [svg, rules] = [dragging.imageSvg(), rulesOf(api)];
    root.append(svg.node, rules.node);
    let [shown, study] = [null, null];
    const grab = (x, y, width) => {
      const held = shown && clipLabFigure.handleAt(x, y, shown, study, width);
      return held && !api.locked(held.end) ? held : null;
    };
    dragging.dragging(svg.node, grab, ({ end, grip }, x, y, width) =>
      api.change({ [end]: clipLabFigure.realAt(x + grip, study, width) }));

    function paint(v, ctx, width) {
      [shown, study] = [v, studyOf(v, ctx)];
      svg.paint(`Histogram and SQNR against the ends. ${sentence(v)}`,
        clipLabFigure.draw(v, study, width), clipLabFigure.HEIGHT);
      rules.paint(v);
    }

    function limits() {
      const { lo, hi, step } = study ? clipLabFigure.reach(study) : { lo: -6, hi: 6, step: 0.01 };
      return { lo: { min: lo, max: 0, step }, hi: { min: 0, max: hi, step } };
    }

    return { paint, limits };
  }

  const TENSORS = ["input", "stem_conv7x7_s2", "stem_relu", "block_conv3x3_a", "block_relu_a",
    "block_conv3x3_b", "block_relu_b", "logits"];
  const controls = {
    network: { kind: "choice", value: "digits", options: networks.OPTIONS },
    tensor: { kind: "choice", value: "stem_conv7x7_s2", options: TENSORS },
    bits: { kind: "number", value: 4, min: 2, max: 8, step: 1, integer: true },
    rule: { kind: "choice", value: "own",
      options: [["own", "your own range"], ...Object.entries(RULES)] },
    lo: { kind: "number", value: -3 },
    hi: { kind: "number", value: 3 },
  };

  frame.define("clip-lab", { title: "Clip lab", controls, prepare, value, sentence, call,
    formulas, adjust, view });
})();
