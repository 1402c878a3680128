/* The code that tinyq gives for a recorded case of the verification ledger, and the way to it. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8, layers, kit } = ui;
  const { show } = kit;
  const LINEAR = ["conv", "conv_per_tensor", "dense"];

  const gridOf = ([scale, zero_point]) => ({ scale, zero_point, qmin: -128, qmax: 127 });

  const onGrid = (value, { zero_point, qmin, qmax }) =>
    int8.clamp(value + zero_point, qmin, qmax);

  /* in_scale * weight_scale / out_scale as a requantizer takes it: [in, weight, out]. */
  function ratioOf({ in_scale, weight_scale, out_grid }, rounding, narrow) {
    const product = narrow ? Math.fround(in_scale * weight_scale) : in_scale * weight_scale;
    return int8.requantizer(1, [product], out_grid[0], rounding);
  }

  function linear(first, rounding, narrow) {
    const rescaled = int8.rescaleBy(first.acc, ratioOf(first, rounding, narrow));
    const grid = gridOf(first.out_grid);
    if (rounding === "FLOAT32") return onGrid(rescaled, grid);
    const total = (rescaled + grid.zero_point) | 0; // in C the sum wraps
    return int8.clamp(total, grid.qmin, grid.qmax);
  }

  function add(first, rounding) {
    const [a, b, outGrid] = [first.a_grid, first.b_grid, first.out_grid].map(gridOf);
    const tensor = (code) => ({ data: Int8Array.of(code), shape: [1, 1] });
    const layer = { inGrids: [a, b], outGrid, leftShift: 20, rounding };
    return layers.add(tensor(first.a), tensor(first.b), layer).data[0];
  }

  const codesOf = (window) => Int8Array.from(window.flat());

  const pool = ({ window, grid }) => layers.globalAvgPool({ data: codesOf(window),
    shape: [1, window.length, window[0].length, 1], grid: gridOf(grid) }).data[0];

  /* TFLite's MEAN: the count goes into the multiplier; tinyq.runtimes.mean.fixed. */
  function mean({ window, in_grid, out_grid }) {
    const codes = codesOf(window);
    const [inGrid, outGrid] = [gridOf(in_grid), gridOf(out_grid)];
    const steps = codes.reduce((sum, code) => sum + code - inGrid.zero_point, 0);
    const { multiplier, shift } = int8.quantizeMultiplier(inGrid.scale / outGrid.scale);
    const k = Math.min(31 - Math.clz32(codes.length), 31 - shift);
    const parts = Math.floor((multiplier * 2 ** k) / codes.length);
    return onGrid(int8.multiplyByQuantizedMultiplier(steps, parts, shift + k), outGrid);
  }

  /* rule: name of a Rounding; narrow: whether in_scale * weight_scale is a float32 product. null
     where there is no case, or it cannot be computed. */
  function replay(operator, first, rule, narrow = false) {
    if (!first || !int8.ROUNDINGS.includes(rule)) return null;
    if (LINEAR.includes(operator)) return linear(first, rule, narrow);
    if (operator === "add") return add(first, rule);
    if (!first.window) return null;
    return operator === "mean" ? mean(first) : pool(first);
  }

  const plus = (x) => (x < 0 ? `(${show(x, 12)})` : show(x, 12));

  /* The way to a code as [name, part, ...]: what the numbers are before they are rounded. */
  function steps(operator, first, rule, code) {
    if (LINEAR.includes(operator)) {
      const { ratio } = ratioOf(first, rule, false);
      const zero = first.out_grid[1];
      return [["acc", show(first.acc, 12)], ["ratio", "in_scale \u00d7 weight_scale / out_scale",
        show(ratio[0], 8)], ["exact", "acc \u00d7 ratio + zero_point",
        show(first.acc * ratio[0] + zero, 12)],
      ...int8.rescaleSteps(first.acc, ratio[0], rule).map(({ name, formula, text }) =>
        [name, formula, text.replaceAll("-", "\u2212")]),
      ["code", `clamp(result + ${plus(zero)})`, show(code)]];
    }
    if (operator === "add") {
      const real = (one, [scale, zero]) => scale * (one - zero);
      const [a, b] = [real(first.a, first.a_grid), real(first.b, first.b_grid)];
      const [scale, zero] = first.out_grid;
      const way = (one, [step, start]) => `${show(step, 8)} \u00d7 (${show(one)} \u2212 ` +
        `${plus(start)})`;
      return [["a", way(first.a, first.a_grid), show(a, 8)],
        ["b", way(first.b, first.b_grid), show(b, 8)],
        ["exact", "(a + b) / out_scale + zero_point", show((a + b) / scale + zero, 12)],
        ["code", show(code)]];
    }
    const codes = codesOf(first.window);
    const sum = codes.reduce((total, one) => total + one, 0);
    return [["sum", `\u03a3 of ${codes.length} codes`, show(sum, 12)],
      ["exact", "sum / count", show(sum / codes.length, 12)], ["code", show(code)]];
  }

  ui.agreementMatrixReplay = { LINEAR, replay, steps };
})();
