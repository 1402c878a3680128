/* The add balancer: three scales and a left_shift; the headroom, and each of 65,536 sums. */
(() => {
  const { block, int8, kit, frame, subject, addBalancerFigure } = globalThis.tinyqWidgets;
  const { show } = kit;
  const CODES = Array.from({ length: 256 }, (_, i) => i - 128);
  const tables = new WeakMap(); // of a value: what the figure draws of all pairs

  /* The codes that meet in the add of the seed's four test images. */
  function seedPairs() {
    const { net, images, ranges } = subject.ofSeed();
    const tensors = block.run(block.quantizeNet(net, ranges), images);
    return { a: tensors.block_conv3x3_b.data, b: tensors.stem_maxpool2x2.data };
  }

  const prepare = (data) => {
    const { a, b } = data ? { a: data.a.data, b: data.b.data } : seedPairs();
    return { pairs: Array.from(a, (code, i) => (code + 128) * 256 + b[i] + 128) };
  };

  /* Equations (8.1) and (8.2) in numbers; nothing is refused that int32 merely wraps. */
  function wiring({ scale_a, scale_b, scale_out, left_shift }) {
    const [a, b, out] = [scale_a, scale_b, scale_out].map(Math.fround);
    const twiceMax = 2 * Math.max(a, b);
    const ratios = [a / twiceMax, b / twiceMax, twiceMax / (2 ** left_shift * out)];
    if (ratios[2] >= 1) {
      throw new RangeError("The last ratio would reach 1, where TensorFlow Lite aborts: scale out" +
        ` must exceed ${show(twiceMax / 2 ** left_shift)}, or left_shift must grow.`);
    }
    const rescale = ratios.map((ratio) => int8.requantizerOf([ratio]));
    return { scales: [a, b, out], ratios, rescale };
  }

  /* Both sides on the common scale, for each of the 256 codes. */
  const sides = ({ zero_point_a, zero_point_b, left_shift }, { rescale }) =>
    [zero_point_a, zero_point_b].map((zero_point, side) => CODES.map((code) =>
      int8.rescaleBy((code - zero_point) << left_shift, rescale[side])));

  /* All pairs, a by b: their codes, the nearest codes, and where the sum is off the grid. */
  function everyPair(state, { scales: [a, b, out], rescale }, [us, vs]) {
    const { zero_point_a, zero_point_b, zero_point_out: zero } = state;
    const totals = Int32Array.from({ length: 65536 }, (_, i) => us[i >> 8] + vs[i & 255]);
    const grid = { zero_point: zero, qmin: -128, qmax: 127 };
    const codes = int8.requantize(totals, rescale[2], grid, 1);
    const [xs, ys] = [CODES.map((code) => a * (code - zero_point_a)),
      CODES.map((code) => b * (code - zero_point_b))];
    const nearest = new Int8Array(65536);
    const off = new Uint8Array(65536);
    let [missed, clipped] = [0, 0];
    for (let i = 0; i < 65536; i += 1) {
      const raw = int8.lround((xs[i >> 8] + ys[i & 255]) / out) + zero;
      nearest[i] = int8.clamp(raw, -128, 127);
      off[i] = raw !== nearest[i] ? 1 : 0;
      clipped += off[i];
      missed += codes[i] !== nearest[i] ? 1 : 0;
    }
    return { codes, nearest, off, missed, clipped };
  }

  /* The same, kept while only the pair at hand changes. */
  let kept = { key: "" };
  function keptPairs({ code_a, code_b, ...state }, wired, both) {
    const key = JSON.stringify(state);
    if (kept.key !== key) kept = { key, every: everyPair(state, wired, both) };
    return kept.every;
  }

  function value(state, { pairs }) {
    const { left_shift, code_a, code_b, zero_point_a, zero_point_b } = state;
    const wired = wiring(state);
    const both = sides(state, wired);
    const every = keptPairs(state, wired, both);
    const steps = [code_a - zero_point_a, code_b - zero_point_b];
    const most = Math.max(...[zero_point_a, zero_point_b].map((z) => Math.max(127 - z, z + 128)));
    const parts = [both[0][code_a + 128], both[1][code_b + 128]];
    const at = (code_a + 128) * 256 + code_b + 128;
    const [a, b, out] = wired.scales;
    const v = {
      ...state, scales: wired.scales, ratios: wired.ratios,
      multipliers: wired.rescale.map(({ multiplier }) => multiplier[0]),
      shifts: wired.rescale.map(({ shift }) => shift[0]),
      most, headroom: 2 ** 31 / (most * 2 ** left_shift),
      steps, shifted: steps.map((step) => step << left_shift), parts, total: parts[0] + parts[1],
      real: a * steps[0] + b * steps[1], in_steps: (a * steps[0] + b * steps[1]) / out,
      code: every.codes[at], nearest: every.nearest[at], clips: every.off[at] === 1,
      missed: every.missed, clipped: every.clipped, pairs: pairs.length,
      pairs_missed: pairs.filter((i) => every.codes[i] !== every.nearest[i]).length,
    };
    tables.set(v, every);
    return v;
  }

  function sentence(v) {
    const { scales: [a, b], steps, code, nearest, missed, left_shift, headroom } = v;
    const real = `${show(a * steps[0], 5)} + ${show(b * steps[1], 5)} = ${show(v.real, 5)}`;
    const fate = code === nearest ? `the ${v.clips ? "end of the grid" : "nearest"}`
      : `but ${show(nearest)} is nearest`;
    const room = headroom > 1
      ? `left_shift ${left_shift} leaves a factor of ${show(headroom, 4)} below 2^31`
      : `left_shift ${left_shift} is too much: ${v.most} steps, shifted, leave int32 and wrap`;
    return `Codes ${show(v.code_a)} and ${show(v.code_b)} stand for ${real}. The sum gets code ` +
      `${show(code)}, ${fate}. Of all 65,536 pairs ${missed.toLocaleString("en")} ` +
      `${missed === 1 ? "misses" : "miss"} the nearest code. ${room}.`;
  }

  const signed = (x) => (x < 0 ? `(${show(x, 10)})` : show(x, 10));

  function formulas(v) {
    const { left_shift, ratios, parts, shifts, multipliers, steps, shifted } = v;
    const filled = (i) => (shifted[i] === steps[i] * 2 ** left_shift
      ? `round(${signed(steps[i])} \u00d7 2^${left_shift} \u00d7 ${show(ratios[i])})`
      : `round(${signed(shifted[i])} \u00d7 ${show(ratios[i])}), for ${signed(steps[i])} ` +
        `\u00d7 2^${left_shift} wraps`);
    const side = (name, i) => [name,
      "round((code \u2212 zero_point) \u00d7 2^left_shift \u00d7 ratio)", filled(i),
      show(parts[i], 10)];
    const rounded = (i) => `${multipliers[i]} / 2^(31 + ${show(shifts[i])})`;
    return [
      ["t", "2 \u00d7 max(scale a, scale b)", show(2 * Math.max(v.scales[0], v.scales[1]))],
      side("u_a", 0), side("u_b", 1),
      ["last ratio", "t / (2^left_shift \u00d7 scale out)", rounded(2), show(ratios[2])],
      ["code", "clamp(round((u_a + u_b) \u00d7 last ratio) + zero_point)",
        `clamp(round(${show(v.total * ratios[2], 8)}) + ${signed(v.zero_point_out)})`,
        show(v.code)],
      ["headroom", "2^31 / (most steps \u00d7 2^left_shift)", `2^31 / (${v.most} \u00d7 ` +
        `2^${left_shift})`, show(v.headroom, 4)],
    ];
  }

  function call(v) {
    const grid = (name) =>
      `Grid(${kit.pyFloat(v[`scale_${name}`])}, ${v[`zero_point_${name}`]})`;
    const three = `a, b, out = ${["a", "b", "out"].map(grid).join(", ")}`;
    const ratios = v.ratios.map(kit.pyFloat).join(", ");
    const add = v.headroom > 1 ? `add = QAdd.from_float(a, b, out, left_shift=${v.left_shift})`
      : `# QAdd.from_float refuses this left_shift: it overflows int32
add = QAdd((a, b), out, ${v.left_shift}, *map(Requantizer, [${ratios}]))`;
    return `import numpy as np
from tinyq import Grid, Requantizer
from tinyq.layers import QAdd
${three}
${add}
int(add.forward(np.int8([[${v.code_a}]]), np.int8([[${v.code_b}]]))[0, 0])`;
  }

  const whole = (value, min, max, label) =>
    ({ kind: "number", value, min, max, step: 1, integer: true, ...(label && { label }) });
  const scale = (value) => ({ kind: "number", value, min: 1e-4, max: 10, log: true });
  const controls = {
    scale_a: scale(0.09145763516426086),
    scale_b: scale(0.062039751559495926),
    scale_out: scale(0.062119193375110626),
    left_shift: whole(20, 0, 25, "left_shift"),
    code_a: whole(48, -128, 127),
    code_b: whole(68, -128, 127),
    zero_point_a: { ...whole(-3, -128, 127), kind: "hidden" },
    zero_point_b: { ...whole(-1, -128, 127), kind: "hidden" },
    zero_point_out: { ...whole(-128, -128, 127), kind: "hidden" },
  };

  const presets = {
    "left_shift 20": { left_shift: 20 }, "4, too few": { left_shift: 4 },
    "24, too many": { left_shift: 24 },
    "Output scale halved": { scale_out: 0.031 },
  };

  frame.define("add-balancer", { title: "Add balancer", controls, presets, prepare, value, sentence,
    formulas, call, view: (root, api) => addBalancerFigure.view(root, api, tables) });
})();
