/* The rounding museum: one accumulator, five rules, each taken step by step, bit by bit. */
(() => {
  const { int8, kit, frame, roundingMuseumFigure } = globalThis.tinyqWidgets;
  const { show } = kit;
  const FLOATS = ["FLOAT32", "FLOAT64"];

  /* The float32 that lies so many floats above x > 0. */
  function floatsAbove(x, count) {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, x);
    view.setInt32(0, view.getInt32(0) + count);
    return view.getFloat32(0);
  }

  function value(state) {
    const { acc, multiplier, shift, ulp, zero_point, rounding } = state;
    if (!int8.ROUNDINGS.includes(rounding)) {
      throw new RangeError(`rounding must be one of ${int8.ROUNDINGS.join(", ")}.`);
    }
    const ratio = multiplier * 2 ** (-31 - shift);
    const ratio32 = floatsAbove(ratio, ulp);
    const ratioOf = (rule) => (rule === "FLOAT32" ? ratio32 : ratio);
    const each = (make) => Object.fromEntries(int8.ROUNDINGS.map((rule) => [rule, make(rule)]));
    const results = each((rule) => int8.rescale(acc, ratioOf(rule), rule));
    const step = ({ name, value, text }) => [name, FLOATS.includes(rounding) ? value : text];
    return {
      ...state, ratio, ratio32, results,
      exact: Number(BigInt(acc) * BigInt(multiplier)) / 2 ** (31 + shift),
      steps: int8.rescaleSteps(acc, ratioOf(rounding), rounding).map(step),
      codes: each((rule) => int8.clamp(results[rule] + zero_point, -128, 127)),
    };
  }

  const names = (rules) => (rules.length < 2 ? rules[0]
    : `${rules.slice(0, -1).join(", ")} and ${rules.at(-1)}`);

  /* [[result, [rule, ...]], ...], the largest group first. */
  function parties(results) {
    const groups = new Map();
    for (const [rule, result] of Object.entries(results)) {
      groups.set(result, [...(groups.get(result) ?? []), rule]);
    }
    return [...groups].sort(([, a], [, b]) => b.length - a.length);
  }

  const nearer = (result, exact) => Math.abs(result - exact) <= 0.5;

  /* Why the chosen rule does not give the nearest integer. */
  function reason(v) {
    const { rounding, exact, results } = v;
    const result = results[rounding];
    if (nearer(result, exact)) return "";
    const step = Object.fromEntries(v.steps);
    if (Math.abs(result - exact) > 1) {
      return ` ${rounding} is far off: the number does not fit 32 bits on its way.`;
    }
    const first = FLOATS.includes(rounding) ? step.product
      : Number(step.high ?? v.exact) / 2 ** Math.max(v.shift, 0);
    return ` ${rounding} is further away than need be: its first rounding leaves ` +
      `${show(first, 10)}, its second ${show(result)}.`;
  }

  function sentence(v) {
    const start = `${show(v.acc, 10)} \u00d7 ${show(v.ratio)} is ${show(v.exact, 9)}. `;
    const groups = parties(v.results);
    if (groups.length === 1) return `${start}All five rules give ${show(groups[0][0], 10)}.`;
    const said = groups.map(([result, rules]) =>
      `${names(rules)} ${rules.length > 1 ? "give" : "gives"} ${show(result, 10)}`);
    return `${start}${said.join("; ")}.${reason(v)}`;
  }

  function formulas(v) {
    const { rounding, zero_point, results, codes } = v;
    const result = results[rounding];
    const raw = result + zero_point;
    const plus = zero_point < 0 ? `(${show(zero_point)})` : show(zero_point);
    const drift = v.ulp ? [["ratio32", "float32(ratio), and " +
      `${Math.abs(v.ulp)} float32 ${v.ulp > 0 ? "up" : "down"}`, show(v.ratio32, 10)]] : [];
    return [
      ["ratio", "multiplier / 2^(31 + shift)",
        `${v.multiplier} / 2^(31 + ${show(v.shift)})`, show(v.ratio, 10)],
      ...drift,
      ["code", "clamp(result + zero_point)", `clamp(${show(result, 10)} + ${plus})`,
        ...(raw === codes[rounding] ? [] : [`clamp(${show(raw, 10)})`]), show(codes[rounding])],
    ];
  }

  function call({ acc, multiplier, shift, ulp, ratio32 }) {
    const other = ulp ? `ratios[Rounding.FLOAT32] = ${kit.pyFloat(ratio32)}\n` : "";
    return `from tinyq import Requantizer, Rounding
ratio = ${multiplier} * 2.0 ** ${-31 - shift}
ratios = dict.fromkeys(Rounding, ratio)
${other}{rule.name: int(Requantizer(ratios[rule], rule).rescale(${acc})[0]) for rule in Rounding}`;
  }

  const whole = (value, min, max, label) =>
    ({ kind: "number", value, min, max, step: 1, integer: true, ...(label && { label }) });
  const controls = {
    acc: whole(7984, -(2 ** 31), 2 ** 31 - 1),
    multiplier: whole(1583594044, 2 ** 30, 2 ** 31 - 1),
    shift: whole(9, -8, 31),
    zero_point: whole(0, -128, 127, "zero_point"),
    ulp: whole(0, -2, 2, "float32 ratio off by"),
    rounding: { kind: "hidden", value: "DOUBLE" },
  };

  const exhibit = (acc, multiplier, shift, zero_point = 0, ulp = 0) =>
    ({ acc, multiplier, shift, zero_point, ulp });
  const presets = {
    "Issue 25087: 12 or 11?": exhibit(7984, 1583594044, 9),
    "Issue 102943: \u2212119 or \u2212120?": exhibit(585, 1527099593, 6, -126, -1),
    "A tie, 2.5": exhibit(10, 2 ** 30, 1),
    "A tie, \u22122.5": exhibit(-10, 2 ** 30, 1),
    "A mean, 7/16": exhibit(7, 2 ** 30, 3),
    "The seed\u2019s first sum": exhibit(192620, 1155645315, 13, -1),
  };

  frame.define("rounding-museum", { title: "Rounding museum", controls, presets, value, sentence,
    formulas, call, view: (root, api) => roundingMuseumFigure.view(root, api) });
})();
