/* The channel bars: each channel's weights on its grid, one scale for all or one for each. */
(() => {
  const { kit, frame, networks, quality, channelBarsFigure, coded, dragging } =
    globalThis.tinyqWidgets;
  const { show } = kit;
  const { db } = quality;

  const prepare = (data) => ({ own: data?.weights ?? null });

  /* The weights that are shown: { data, shape }. */
  const weightsOf = ({ network, layer }, { own }) =>
    own ?? networks.nodeOf(networks.load(network).net, layer).weights;

  function value(state, ctx) {
    const { per_channel, symmetric, bits, channel } = state;
    const weights = weightsOf(state, ctx);
    const channels = weights.shape[0];
    if (channel >= channels) {
      throw new RangeError(`There is no channel ${show(channel)}: the layer has ${channels}, ` +
        `0 to ${channels - 1}.`);
    }
    const [one, many] = [false, true].map((each) => coded(weights, each, symmetric, bits));
    const now = per_channel ? many : one;
    const size = weights.data.length / channels;
    const row = (array, c) => array.subarray(c * size, (c + 1) * size);
    const every = (f) => now.grids.map((_, c) => f(c));
    const sqnr = ({ back }, c) => quality.sqnr(row(weights.data, c), row(back, c));
    const counts = new Map();
    for (const code of row(now.codes, channel).slice().sort()) {
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    const largest = row(weights.data, channel).reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    const { qmin, qmax } = now.grids[0];
    return {
      ...state, qmin, qmax, shape: [...weights.shape],
      lo: every((c) => Math.min(...row(weights.data, c))),
      hi: every((c) => Math.max(...row(weights.data, c))),
      scales: every((c) => now.grids[c].scale), zero_points: every((c) => now.grids[c].zero_point),
      first: every((c) => Math.min(...row(now.codes, c))),
      last: every((c) => Math.max(...row(now.codes, c))),
      sqnr: every((c) => sqnr(now, c)), tensor_sqnr: quality.sqnr(weights.data, now.back),
      channel_codes: [...counts], channel_steps: largest / now.grids[channel].scale,
      channel_sqnr: sqnr(now, channel),
      one_scale: one.grids[channel].scale, own_scale: many.grids[channel].scale,
      one_sqnr: sqnr(one, channel), own_sqnr: sqnr(many, channel),
    };
  }

  function sentence(v) {
    const { channel, per_channel, channel_codes, channel_steps, one_sqnr, own_sqnr } = v;
    const [first, last] = [v.first[channel], v.last[channel]];
    const count = channel_codes.length;
    const codes = count === 1 ? `one code, ${show(first)}`
      : `${count} codes, from ${show(first)} to ${show(last)}`;
    const share = per_channel ? "its own scale" : "the scale that all channels share";
    const other = per_channel ? `With one scale for the tensor: ${db(one_sqnr)}.`
      : `With a scale of its own: ${db(own_sqnr)}.`;
    return `Channel ${channel}: the largest weight is ${show(channel_steps, 4)} steps of ` +
      `${share}, and its ${v.shape.slice(1).reduce((a, b) => a * b, 1)} weights become ${codes}. ` +
      `${quality.words(v.channel_sqnr)}. ${other}`;
  }

  function formulas(v) {
    const { channel, symmetric, one_scale, own_scale } = v;
    const scale = v.scales[channel];
    const most = symmetric && (v.per_channel ? Math.max(-v.lo[channel], v.hi[channel])
      : Math.max(...v.hi, ...v.lo.map((lo) => -lo)));
    const worth = 20 * Math.log10(one_scale / own_scale);
    return [
      symmetric ? ["scale", "max |w| / qmax", `${show(most)} / ${v.qmax}`, show(scale)]
        : ["scale", "(hi \u2212 lo) / (qmax \u2212 qmin)", show(scale)],
      ["zero_point", ...(symmetric ? ["0, for the grid is symmetric"]
        : ["round(qmin \u2212 lo / scale)", show(v.zero_points[channel])])],
      ["gain", "20 log\u2081\u2080(one scale / own scale)",
        `20 log\u2081\u2080(${show(one_scale, 4)} / ${show(own_scale, 4)})`,
        `${show(worth, 3)} dB predicted` + (v.own_sqnr === null || v.one_sqnr === null ? ""
          : `, ${show(v.own_sqnr - v.one_sqnr, 3)} dB measured`)],
    ];
  }

  const python = (flag) => (flag ? "True" : "False");

  function call({ network, layer, per_channel, symmetric, bits, channel, qmin, qmax }, { own }) {
    const index = networks.PARTS.findIndex(([part]) => part === layer);
    const weights = own ? "# weights: your array\n" : networks.setup(network) +
      "layers = [n.layer for n in net.nodes if hasattr(n.layer, \"weights\")]\n" +
      `weights = layers[${index}].weights\n`;
    const grids = symmetric
      ? `scales = tinyq.weights.weight_scales(weights, ${python(per_channel)}, bits=${bits})
codes = tinyq.weights.quantize_weights(weights, scales, bits=${bits})
scales = np.broadcast_to(scales, len(weights))
back = codes * scales.reshape(-1, *[1] * (weights.ndim - 1))`
      : `sets = ${per_channel ? "weights" : "[weights] * len(weights)"}
grids = [tinyq.Grid.from_range(w.min(), w.max(), qmin=${qmin}, qmax=${qmax}) for w in sets]
scales = np.array([grid.scale for grid in grids])
back = np.stack([g.dequantize(g.quantize(w)) for g, w in zip(grids, weights)])`;
    return `import numpy as np
${own ? "" : networks.imports(network)}import tinyq.weights
${weights}${grids}
def db(x, y):
    found = tinyq.parity.sqnr_db(x, y)
    return round(found, 2) if np.isfinite(found) else None

scales, db(weights[${channel}], back[${channel}]), db(weights, back)`;
  }

  /* Another layer may have fewer channels. */
  function adjust(part, state, typed, ctx) {
    if (!("network" in part || "layer" in part)) return part;
    const { shape } = weightsOf({ ...state, ...part }, ctx);
    return { channel: Math.min(state.channel, shape[0] - 1), ...part };
  }

  /* A click picks a channel; the keyboard has the slider. */
  function view(root, api) {
    const svg = dragging.imageSvg();
    root.append(svg.node);
    let shown = { lo: [0] };
    svg.node.addEventListener("click", (event) => {
      const y = event.clientY - svg.node.getBoundingClientRect().top;
      const channel = channelBarsFigure.channelAt(y, shown);
      if (channel !== null) api.change({ channel });
    });
    function paint(v, ctx, width) {
      shown = v;
      const { height, body } = channelBarsFigure.draw(v, weightsOf(v, ctx), width);
      svg.paint(`Bars of ${v.lo.length} channels. ${sentence(v)}`, body, height);
    }
    return { paint, limits: () => ({ channel: { min: 0, max: shown.lo.length - 1, step: 1 } }) };
  }

  const controls = {
    network: { kind: "choice", value: "wide", options: networks.OPTIONS },
    layer: { kind: "choice", value: "block1", options: networks.PARTS },
    per_channel: { kind: "check", value: false, label: "a scale for each channel" },
    symmetric: { kind: "check", value: true, label: "symmetric: zero_point 0" },
    bits: { kind: "number", value: 8, min: 2, max: 8, step: 1, integer: true },
    channel: { kind: "number", value: 7, min: 0, integer: true },
  };
  const presets = {
    "One scale for all": { per_channel: false, symmetric: true },
    "A scale for each": { per_channel: true, symmetric: true },
    "Asymmetric, one": { per_channel: false, symmetric: false },
  };

  frame.define("channel-bars", { title: "Channel bars", controls, presets, prepare, value,
    sentence, call, formulas, adjust, view });
})();
