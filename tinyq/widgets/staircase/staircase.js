/* The staircase: gradient descent on rounded weights, a step at a time. */
(() => {
  const { int8, block, kit, frame, networks, dragging, staircaseFigure } =
    globalThis.tinyqWidgets;
  const { h, show } = kit;
  const f32 = Math.fround;

  /* The trained network's neuron for a digit, and what the 20 test scans give it. */
  function neuron(digit) {
    const { weights, inputs } = kit.once("dense of digits", () => {
      const { net, images } = networks.load("digits");
      const run = block.floatRun(net, images);
      return { weights: networks.nodeOf(net, "dense").weights, inputs: run.global_avgpool };
    });
    const size = weights.shape[1];
    return { weights: weights.data.subarray(digit * size, (digit + 1) * size), inputs };
  }

  const prepare = (data) =>
    ({ own: data && { weights: data.weights.data, inputs: data.inputs } });
  const taskOf = ({ digit }, { own }) => own ?? neuron(digit);

  function gridOf(weights, bits) {
    const [scale] = int8.weightScales(weights, 1, false, bits);
    const most = 2 ** (bits - 1) - 1;
    return { scale, zero_point: 0, qmin: -most, qmax: most };
  }

  /* Where rounding moves w by at most half a step: the condition of (12.2). */
  function reached({ scale, qmin, qmax }, w) {
    const [lo, hi] = [f32(scale * qmin), f32(scale * qmax)];
    return w >= f32(lo - scale / 2) && w <= f32(hi + scale / 2);
  }

  /* { slopes, loss } at rounded weights: slopes is dL/dw^. */
  function lossAt({ weights, inputs: { data, shape: [count, size] } }, rounded) {
    const slopes = new Array(size).fill(0);
    let loss = 0;
    for (let m = 0; m < count; m += 1) {
      let error = 0;
      for (let k = 0; k < size; k += 1) {
        error += (rounded[k] - weights[k]) * data[m * size + k];
      }
      for (let k = 0; k < size; k += 1) slopes[k] += error * data[m * size + k];
      loss += error * error;
    }
    return { slopes: slopes.map((slope) => slope / count), loss: loss / (2 * count) };
  }

  /* The path of weight k, the losses, and where it ends. */
  function descend(task, start, grid, rate, steps, k) {
    let w = start;
    const [path, losses] = [[], []];
    for (let step = 0; ; step += 1) {
      const { slopes, loss } = lossAt(task, int8.dequantize(grid, int8.quantize(grid, w)));
      path.push(w[k]);
      losses.push(loss);
      if (step === steps) return { path, losses, slopes, w };
      w = w.map((one, i) => one - rate * slopes[i] * Number(reached(grid, one)));
    }
  }

  function value(state, ctx) {
    const { weight, bits, rate, steps, slope, nudge } = state;
    const task = taskOf(state, ctx);
    if (weight >= task.weights.length) {
      throw new RangeError(`There is no weight ${show(weight)}: the neuron has ` +
        `${task.weights.length}, 0 to ${task.weights.length - 1}.`);
    }
    const grid = gridOf(task.weights, bits);
    const start = task.weights.slice();
    start[weight] += nudge;
    const { path, losses, slopes, w } =
      descend(task, start, grid, slope === "straight" ? rate : 0, steps, weight);
    const passes = reached(grid, w[weight]) && slope === "straight";
    return {
      ...state, scale: grid.scale, qmin: grid.qmin, qmax: grid.qmax, own: [...task.weights],
      weights: [...w], codes: [...int8.quantize(grid, w)],
      start_codes: [...int8.quantize(grid, start)], path, losses, asked: slopes[weight], passes,
      next_step: passes ? -rate * slopes[weight] + 0 : 0,
    };
  }

  const flipsOf = ({ codes, start_codes }) =>
    codes.filter((code, i) => code !== start_codes[i]).length;

  function fate(v) {
    if (v.slope === "true") return "The staircase is flat here, its slope is 0: nothing moves.";
    if (!v.passes) return "It lies beyond the end of the grid: no slope passes, it stays.";
    return `Straight through, the next step moves it by ${show(v.next_step, 3)}.`;
  }

  function sentence(v) {
    const flips = flipsOf(v);
    const w = v.weights[v.weight];
    return `Step ${v.steps}: weight ${v.weight} is ${show(w, 4)}, its code ` +
      `${show(v.codes[v.weight])}. ${fate(v)} The loss is ${show(v.losses.at(-1), 3)}, at the ` +
      `start it was ${show(v.losses[0], 3)}; ${flips} of ${v.codes.length} codes ` +
      `${flips === 1 ? "differs" : "differ"} from the start.`;
  }

  function formulas(v) {
    const w = v.weights[v.weight];
    const code = v.codes[v.weight];
    return [
      ["\u0175", "scale \u00d7 clamp(round(w / scale))",
        `${show(v.scale, 4)} \u00d7 ${show(code)}`, show(v.scale * code, 4)],
      ["next w", "w \u2212 rate \u00d7 slope",
        v.passes ? `${show(w, 4)} \u2212 ${show(v.rate)} \u00d7 ${v.asked < 0
          ? `(${show(v.asked, 4)})` : show(v.asked, 4)}` : `${show(w, 4)} \u2212 ` +
          `${show(v.rate)} \u00d7 0`, show(w + v.next_step, 4)],
    ];
  }

  function call(v, { own }) {
    const { digit, weight, bits, rate, steps, slope, nudge, qmax } = v;
    const task = own ? "# weights, inputs: yours\nown, x = weights, inputs\n"
      : `import tinyq.digits
d = tinyq.digits.load()
scans = [d.test[d.labels[d.test] == digit][:2] for digit in range(10)]
x = d.net.trace(d.images[np.concatenate(scans)])["global_avgpool"]
own = d.net.nodes[-1].layer.weights[${digit}]
`;
    const moved = slope === "straight" ? " * reached(w, grid)"
      : " * 0  # the staircase's own slope";
    return `import numpy as np
import tinyq
from tinyq.methods.fakequant import fake_quantize, reached
${task}x, own = x.astype(float), own.astype(float)
scales = tinyq.weights.weight_scales(np.float32(own)[None], per_channel=False, bits=${bits})
grid = tinyq.Grid(float(scales[0]), 0, ${-qmax}, ${qmax})
w = np.float32(own)
w[${weight}] = own[${weight}] + ${kit.pyFloat(nudge)}
for step in range(${steps}):
    error = np.cumsum((fake_quantize(w, grid) - own) * x, axis=1)[:, -1]
    slope = np.cumsum(error[:, None] * x, axis=0)[-1] / len(x)
    w = np.float32(w - ${kit.pyFloat(rate)} * slope${moved})
grid.quantize(w), w`;
  }

  /* Another neuron or weight starts from the beginning; a new start has made no step. */
  function adjust(part, state) {
    if ("steps" in part) return part;
    if ("digit" in part || "weight" in part) {
      return { nudge: 0, ...("digit" in part ? { steps: 0 } : {}), ...part };
    }
    return "nudge" in part ? { steps: 0, ...part } : part;
  }

  function buttonsOf(api) {
    const go = (count) => () => api.change({ steps: Math.min(api.state.steps + count, 100) });
    const button = (words, onclick) => h("button", { type: "button", onclick }, words);
    const forward = [button("Step", go(1)), button("10 steps", go(10))];
    const back = button("Back to the start", () => api.change({ steps: 0 }));
    function paint({ steps }) {
      for (const one of forward) one.disabled = steps >= 100 || api.locked("steps");
      back.disabled = steps === 0 || api.locked("steps");
    }
    return { node: h("div", { class: "tinyq-presets" }, ...forward, back), paint };
  }

  function view(root, api) {
    const [svg, buttons] = [dragging.imageSvg(), buttonsOf(api)];
    root.append(buttons.node, svg.node);
    let shown = null;
    function grab(x, y, width) {
      const weight = shown && staircaseFigure.weightAt(x, y, shown, width);
      if (weight !== null) api.change({ weight });
      else if (!api.locked("nudge")) return staircaseFigure.gripAt(x, y, shown, width);
      return null;
    }
    dragging.dragging(svg.node, grab, ({ grip }, x, y, width) => {
      const far = staircaseFigure.realAt(x + grip, shown, width) - shown.own[shown.weight];
      api.change({ nudge: int8.clamp(Number(far.toPrecision(4)), -10, 10) });
    });
    function paint(v, ctx, width) {
      shown = v;
      svg.paint(`A weight on its staircase. ${sentence(v)}`, staircaseFigure.draw(v, width),
        staircaseFigure.HEIGHT);
      buttons.paint(v);
    }
    function limits() {
      const reach = shown ? Number((2 * (shown.qmax + 1) * shown.scale).toPrecision(2)) : 2;
      const nudge = Math.min(reach, 10);
      return { weight: { min: 0, max: shown ? shown.own.length - 1 : 7, step: 1 },
        nudge: { min: -nudge, max: nudge, step: 0.001 } };
    }
    return { paint, limits };
  }

  const whole = (value, min, max, label) =>
    ({ kind: "number", value, min, max, step: 1, integer: true, label });
  const controls = {
    digit: whole(9, 0, 9, "neuron of digit"),
    weight: { kind: "number", value: 1, min: 0, integer: true },
    bits: whole(3, 2, 8),
    rate: { kind: "number", value: 0.002, min: 0.0001, max: 1, log: true },
    steps: whole(3, 0, 100),
    slope: { kind: "choice", value: "straight",
      options: [["straight", "straight-through"], ["true", "the staircase's own"]] },
    nudge: { kind: "number", value: 0, min: -10, max: 10 },
  };

  frame.define("staircase", { title: "Staircase", controls, prepare, value, sentence, call,
    formulas, adjust, view });
})();
