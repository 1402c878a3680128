/* The grid ruler: drag lo, hi, bits and x; see the codes, the staircase and its error. */
(() => {
  const { int8, kit, frame, gridRulerFigure: figure } = globalThis.tinyqWidgets;
  const { show } = kit;

  /* What is shown, as numbers; the Python widget's value is the same dictionary. */
  function value({ lo, hi, bits, x }) {
    if (lo > hi) {
      throw new RangeError(`lo = ${show(lo)} is above hi = ${show(hi)}. Lower lo or raise hi.`);
    }
    const qmin = -(2 ** (bits - 1));
    const grid = int8.gridFromRange(lo, hi, qmin, -qmin - 1);
    const [code] = int8.quantize(grid, [x]);
    const [dequantized] = int8.dequantize(grid, [code]);
    const error = dequantized - Math.fround(x);
    const clipped = int8.rawCode(grid, x) !== code;
    return { lo, hi, bits, x, ...grid, code, dequantized, error, clipped };
  }

  /* The tinyq call that prints what is shown. */
  const call = ({ lo, hi, qmin, qmax, x }) => `import tinyq
grid = tinyq.Grid.from_range(${kit.pyFloat(lo)}, ${kit.pyFloat(hi)}, qmin=${qmin}, qmax=${qmax})
code = grid.quantize(${kit.pyFloat(x)})
grid.scale, grid.zero_point, int(code), float(grid.dequantize(code))`;

  function sentence({ x, code, dequantized, error, clipped, scale, qmax }) {
    const end = code === qmax ? "last" : "first";
    const fate = clipped ? `is off the grid: it is clipped to the ${end} code, ${show(code)}`
      : `becomes code ${show(code)}`;
    const bound = clipped ? "more than" : "at most";
    return `x = ${show(x)} ${fate}, which stands for ${show(dequantized)}. ` +
      `The error is ${show(error)}, ${bound} scale/2\u00a0=\u00a0${show(scale / 2)}.`;
  }

  /* ---- The formulas, filled in: [name, part, part, ...] ---- */

  const signed = (x) => (x < 0 ? `(${show(x)})` : show(x));

  /* As many digits as it takes for a reader who rounds what stands there to agree. */
  function roundable(x) {
    let digits = 6;
    while (int8.lround(Number(x.toPrecision(digits))) !== int8.lround(x)) digits += 1;
    return show(x, digits);
  }

  function gridFormulas({ lo, hi, qmin, qmax, scale, zero_point }) {
    const [low, high] = [Math.fround(Math.min(lo, 0)), Math.fround(Math.max(hi, 0))];
    if (low === high) {
      return [["scale", "1, since hi \u2212 lo = 0"], ["zero_point", `qmin = ${show(qmin)}`]];
    }
    const range = ["range", "[min(lo, 0), max(hi, 0)]", `[${show(low)}, ${show(high)}]`];
    const quotient = qmin - low / scale;
    const rounded = int8.lround(quotient);
    return [
      ...(lo > 0 || hi < 0 ? [range] : []),
      ["scale", "(hi \u2212 lo) / (qmax \u2212 qmin)",
        `(${show(high)} \u2212 ${signed(low)}) / (${qmax} \u2212 ${signed(qmin)})`, show(scale)],
      ["zero_point", "round(qmin \u2212 lo / scale)",
        `round(${show(qmin)} \u2212 ${signed(low)} / ${show(scale)})`,
        `round(${roundable(quotient)})`,
        ...(rounded === zero_point ? [] : [`clamp(${show(rounded)})`]), show(zero_point)],
    ];
  }

  function probeFormulas({ x, scale, zero_point, code, dequantized, error, clipped }) {
    const quotient = Math.fround(x) / scale;
    const raw = int8.lround(quotient) + zero_point;
    return [
      ["code", "clamp(round(x / scale) + zero_point)",
        `clamp(round(${roundable(quotient)}) + ${signed(zero_point)})`,
        ...(clipped ? [`clamp(${show(raw)})`] : []), show(code)],
      ["dequantized", "scale \u00d7 (code \u2212 zero_point)",
        `${show(scale)} \u00d7 (${show(code)} \u2212 ${signed(zero_point)})`, show(dequantized)],
      ["error", "dequantized \u2212 x", `${show(dequantized)} \u2212 ${signed(x)}`, show(error)],
    ];
  }

  const formulas = (v) => [...gridFormulas(v), ...probeFormulas(v)];

  /* ---- The figure: lo, hi and x are dragged ---- */

  /* lo and hi stop at each other when slid, and may cross while being typed. */
  function adjust(part, { lo, hi }, typed) {
    if (typed) return part;
    if ("lo" in part) return { ...part, lo: Math.min(part.lo, part.hi ?? hi) };
    if ("hi" in part) return { ...part, hi: Math.max(part.hi, lo) };
    return part;
  }

  function view(root, api) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("height", figure.HEIGHT);
    root.append(svg);
    let [stretch, handle, toNumber] = [null, null, null];

    function grab(event) {
      const { left, top, width } = svg.getBoundingClientRect();
      const [px, py] = [event.clientX - left, event.clientY - top];
      const near = figure.handleAt(px, py, api.state, stretch, width);
      if (!near || api.locked(near)) return;
      event.preventDefault();
      svg.setPointerCapture(event.pointerId);
      handle = near;
      const grip = near === "x" ? 0 : figure.toPixel(api.state[near], stretch, width) - px;
      toNumber = (clientX) => figure.fromPixel(clientX - left + grip, stretch, width);
      drag(event);
    }

    function drag(event) {
      if (handle) api.change({ [handle]: toNumber(event.clientX) });
    }

    const release = () => (handle = null);
    const heard = { pointerdown: grab, pointermove: drag, pointerup: release,
      pointercancel: release };
    for (const [event, listen] of Object.entries(heard)) svg.addEventListener(event, listen);

    function paint(v, ctx, width) {
      if (!stretch || !api.held) stretch = figure.chooseView(v.lo, v.hi, stretch);
      svg.setAttribute("aria-label", `Number line, staircase and error. ${sentence(v)}`);
      kit.put(svg, figure.draw(v, stretch, width));
    }

    /* The sliders reach as far as the figure. */
    function limits() {
      const { m, step } = stretch ?? figure.chooseView(0, 0);
      const reach = { min: -m, max: m, step };
      return { lo: reach, hi: reach, x: reach };
    }

    return { paint, limits, reset: () => (stretch = null) };
  }

  const controls = {
    lo: { kind: "number", value: -1 },
    hi: { kind: "number", value: 2 },
    bits: { kind: "number", value: 8, min: 2, max: 8, step: 1, integer: true },
    x: { kind: "number", value: 0.75 },
  };

  frame.define("grid-ruler", { title: "Grid ruler", controls, value, sentence, call, formulas,
    adjust, view });
})();
