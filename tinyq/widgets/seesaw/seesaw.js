/* The seesaw: a factor makes a channel louder in one layer and quieter in the next. */
(() => {
  const { kit, frame, networks, quality, coded, dragging, seesawFigure } =
    globalThis.tinyqWidgets;
  const { h, show } = kit;
  const { db } = quality;

  const prepare = (data) => ({ own: data });

  /* The weights of the two layers, before any factor: { first, second }. */
  function weightsOf({ network }, { own }) {
    if (own) return own;
    const { net } = networks.load(network);
    return { first: networks.nodeOf(net, "block1").weights,
      second: networks.nodeOf(net, "block2").weights };
  }

  /* The largest weight of each channel, where it is made and where it is read. */
  function reaches(first, second) {
    const channels = first.shape[0];
    const size = first.data.length / channels;
    const [made, read] = [Array(channels).fill(0), Array(channels).fill(0)];
    first.data.forEach((w, i) => {
      const c = Math.floor(i / size);
      made[c] = Math.max(made[c], Math.abs(w));
    });
    second.data.forEach((w, i) => {
      read[i % channels] = Math.max(read[i % channels], Math.abs(w));
    });
    return { made, read };
  }

  /* Equation (9.5) for channel c. */
  const balanceOf = ({ made, read }, c) =>
    (made[c] > 0 && read[c] > 0 ? Math.sqrt(read[c] / made[c]) : 1);

  /* Equation (9.4): both weights as float32. */
  function rescaled({ first, second }, factors) {
    const size = first.data.length / factors.length;
    return {
      first: { ...first, data: first.data.map((w, i) => w * factors[Math.floor(i / size)]) },
      second: { ...second, data: second.data.map((w, i) => w / factors[i % factors.length]) },
    };
  }

  function value(state, ctx) {
    const { channel, factor, level_others, per_channel, bits } = state;
    const weights = weightsOf(state, ctx);
    const before = reaches(weights.first, weights.second);
    const channels = before.made.length;
    if (channel >= channels) {
      throw new RangeError(`There is no channel ${show(channel)}: there are ${channels}, ` +
        `0 to ${channels - 1}.`);
    }
    const factors = before.made.map((_, c) => (level_others ? balanceOf(before, c) : 1));
    factors[channel] = factor;
    const { first, second } = rescaled(weights, factors);
    const now = reaches(first, second);
    const [one, two] = [first, second].map((w) => coded(w, per_channel, true, bits));
    const size = first.data.length / channels;
    const row = (array) => array.subarray(channel * size, (channel + 1) * size);
    const column = (array) => array.filter((_, i) => i % channels === channel);
    const largest = (codes) => codes.reduce((most, code) => Math.max(most, Math.abs(code)), 0);
    return {
      ...state, ...before, balanced: balanceOf(before, channel), mades: now.made, reads: now.read,
      made_now: now.made[channel], read_now: now.read[channel],
      first_scale: one.grids[channel].scale,
      second_scale: Math.max(...two.grids.map((grid) => grid.scale)),
      made_code: largest(row(one.codes)), read_code: largest(column(two.codes)),
      made_sqnr: quality.sqnr(row(first.data), row(one.back)),
      first_sqnr: quality.sqnr(first.data, one.back),
      read_sqnr: quality.sqnr(column(second.data), column(two.back)),
      second_sqnr: quality.sqnr(second.data, two.back),
    };
  }

  const isLevel = ({ factor, balanced }) => Math.abs(factor / balanced - 1) < 0.005;

  function sentence(v) {
    const tilt = isLevel(v) ? "The plank is level."
      : `The factor ${show(v.balanced, 4)} would level them.`;
    return `Factor ${show(v.factor, 4)}: channel ${v.channel} is made with weights of up to ` +
      `${show(v.made_now, 4)} and read with weights of up to ${show(v.read_now, 4)}. ${tilt} ` +
      `In ${v.bits} bits the first layer's weights have ${db(v.first_sqnr)}, the second's ` +
      `${db(v.second_sqnr)}.`;
  }

  function formulas(v) {
    const [made, read] = [v.made[v.channel], v.read[v.channel]];
    const f = show(v.factor, 4);
    return [
      ["made", "f \u00d7 r\u2081", `${f} \u00d7 ${show(made, 4)}`, show(v.made_now, 4)],
      ["read", "r\u2082 / f", `${show(read, 4)} / ${f}`, show(v.read_now, 4)],
      ["level", "\u221a(r\u2082 / r\u2081)", `\u221a(${show(read, 4)} / ${show(made, 4)})`,
        show(v.balanced, 4)],
    ];
  }

  function call(v, { own }) {
    const { network, channel, factor, level_others, per_channel, bits } = v;
    const weights = own ? "# first, second: your weights\n"
      : networks.imports(network) + networks.setup(network) +
        "layers = [n.layer for n in net.nodes if hasattr(n.layer, \"weights\")]\n" +
        "first, second = layers[1].weights, layers[2].weights\n";
    const factors = level_others ? `C = len(first)
made = np.abs(first).reshape(C, -1).max(axis=1).astype(float)
read = np.abs(second).reshape(-1, C).max(axis=0).astype(float)
factors = np.sqrt(read / made)
` : "factors = np.ones(len(first))\n";
    return `import numpy as np
import tinyq.methods.fold
${weights}${factors}factors[${channel}] = ${kit.pyFloat(factor)}
w1, _, w2 = tinyq.methods.fold.rescale(first, np.zeros(len(first)), second, factors)
w1, w2 = np.float32(w1), np.float32(w2)

def db(w):
    scales = tinyq.weights.weight_scales(w, ${per_channel ? "True" : "False"}, bits=${bits})
    codes = tinyq.weights.quantize_weights(w, scales, bits=${bits})
    back = codes * scales.reshape(-1, *[1] * (w.ndim - 1))
    return round(tinyq.parity.sqnr_db(w, back), 2)

made, read = np.abs(w1[${channel}]).max(), np.abs(w2[..., ${channel}]).max()
float(made), float(read), db(w1), db(w2)`;
  }

  /* Another channel comes with the factor that it has among the others. */
  function adjust(part, state, typed, ctx) {
    if ("factor" in part || !("channel" in part || "network" in part)) return part;
    const next = { ...state, ...part };
    const { first, second } = weightsOf(next, ctx);
    const before = reaches(first, second);
    const known = next.channel >= 0 && next.channel < before.made.length;
    return { factor: next.level_others && known ? balanceOf(before, next.channel) : 1, ...part };
  }

  /* Three buttons that set the factors. */
  function buttonsOf(api) {
    let shown = null;
    const button = (words, part) => h("button", { type: "button",
      onclick: () => api.change(part()) }, words);
    const one = button("Level this channel", () => ({ factor: shown.balanced }));
    const all = button("Level all", () => ({ factor: shown.balanced, level_others: true }));
    const none = button("As they came", () => ({ factor: 1, level_others: false }));
    function paint(v) {
      shown = v;
      one.setAttribute("aria-pressed", isLevel(v) && !v.level_others);
      all.setAttribute("aria-pressed", isLevel(v) && v.level_others);
      none.setAttribute("aria-pressed", v.factor === 1 && !v.level_others);
      one.disabled = all.disabled = none.disabled = api.locked("factor");
    }
    return { node: h("div", { class: "tinyq-presets" }, one, all, none), paint };
  }

  function view(root, api) {
    const [svg, buttons] = [dragging.imageSvg(), buttonsOf(api)];
    root.append(buttons.node, svg.node);
    let [shown, heights] = [null, null]; // the axis stays as it is while an end is held
    function grab(x, y, width) {
      const found = shown && seesawFigure.endAt(shown, x, y, width);
      if (!found || api.locked("factor")) return null;
      if (found.channel !== shown.channel) {
        api.change({ channel: found.channel });
        return null;
      }
      heights = seesawFigure.heights(shown);
      return { ...found, heights };
    }
    dragging.dragging(svg.node, grab, (held, x, y) =>
      api.change({ factor: seesawFigure.factorAt(held, y + held.grip) }), () => {
      heights = null;
      api.repaint();
    });
    function paint(v, ctx, width) {
      shown = v;
      svg.paint(`A plank for each channel. ${sentence(v)}`,
        seesawFigure.draw(v, width, heights ?? seesawFigure.heights(v)), seesawFigure.HEIGHT);
      buttons.paint(v);
    }
    const limits = () =>
      ({ channel: { min: 0, max: shown ? shown.made.length - 1 : 0, step: 1 } });
    return { paint, limits };
  }

  const controls = {
    network: { kind: "choice", value: "wide", options: networks.OPTIONS },
    channel: { kind: "number", value: 0, min: 0, integer: true },
    factor: { kind: "number", value: 1, min: 0.001, max: 1000, log: true },
    bits: { kind: "number", value: 8, min: 2, max: 8, step: 1, integer: true },
    level_others: { kind: "check", value: false, label: "level the other channels" },
    per_channel: { kind: "check", value: false, label: "a scale for each output channel" },
  };

  frame.define("seesaw", { title: "Seesaw", controls, prepare, value, sentence, call, formulas,
    adjust, view });
})();
