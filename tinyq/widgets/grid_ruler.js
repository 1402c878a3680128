/* The grid ruler: drag lo, hi, bits and x; see the codes, the staircase and its error. */
(() => {
  const { int8, kit, host, gridRulerFigure: figure } = globalThis.tinyqWidgets;
  const { h, show } = kit;
  const defaults = { lo: -1, hi: 2, bits: 8, x: 0.75 };
  const fields = Object.keys(defaults);

  /* Throw, in plain words, on a state that no grid can show. */
  function check({ lo, hi, bits, x }) {
    for (const [name, number] of Object.entries({ lo, hi, x })) {
      if (Number.isNaN(number)) throw new RangeError(`${name} is empty or not a number.`);
      if (!Number.isFinite(Math.fround(number))) {
        throw new RangeError(`${name} is too large: float32 ends at 3.40282e+38.`);
      }
    }
    if (lo > hi) {
      throw new RangeError(`lo = ${show(lo)} is above hi = ${show(hi)}. Lower lo or raise hi.`);
    }
    if (!(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
      throw new RangeError("bits must be a whole number from 2 to 8.");
    }
  }

  function problem(state) {
    try {
      value(state);
      return "";
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }

  /* What is shown, as numbers; the Python widget's value is the same dictionary. */
  function value({ lo, hi, bits, x }) {
    check({ lo, hi, bits, x });
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

  const formulaRow = ([name, ...parts]) =>
    h("p", {}, h("b", {}, name), ...parts.flatMap((part) => [" ", h("span", {}, `= ${part}`)]));

  /* ---- The widget ---- */

  class GridRuler {
    /* model: anywidget's, or the page's stand-in. start: where Reset leads. */
    constructor(model, el, start) {
      this.model = model;
      this.start = start ?? this.read();
      this.repaint = kit.oncePerFrame(() => this.paint());
      this.build(el);
      this.listen();
      this.follow();
      this.paint();
    }

    read() {
      return Object.fromEntries(fields.map((field) => [field, this.model.get(field)]));
    }

    build(el) {
      const control = (field) => kit.numberControl(
        field, (number, typed) => this.move(field, number, typed),
        field === "bits" ? { min: 2, max: 8, step: 1 } : {});
      this.controls = Object.fromEntries(fields.map((field) => [field, control(field)]));
      const nodes = Object.values(this.controls).map(({ node }) => node);
      this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      this.svg.setAttribute("role", "img");
      this.svg.setAttribute("height", figure.HEIGHT);
      this.readout = kit.readout();
      this.formulas = h("div", { class: "tinyq-formulas" });
      this.call = kit.copyable("The same in Python");
      this.root = kit.panel("Grid ruler", () => this.reset(), this.svg,
        h("div", { class: "tinyq-controls" }, ...nodes), this.readout.node, this.formulas,
        this.call.node);
      el.append(this.root);
    }

    listen() {
      this.svg.addEventListener("pointerdown", (event) => this.grab(event));
      this.svg.addEventListener("pointermove", (event) => this.drag(event));
      this.root.addEventListener("pointerdown", () => (this.held = true));
      this.release = () => {
        this.held = this.handle = null;
        this.repaint();
      };
      for (const event of ["pointerup", "pointercancel"]) addEventListener(event, this.release);
      this.observer = new ResizeObserver(() => this.paint());
      this.observer.observe(this.svg);
      this.follow = () => {
        this.state = this.read();
        this.locked = (this.model.get("lock") ?? "").split(",");
        this.repaint();
      };
      for (const field of [...fields, "lock"]) this.model.on(`change:${field}`, this.follow);
    }

    stop() {
      for (const field of [...fields, "lock"]) this.model.off(`change:${field}`, this.follow);
      for (const event of ["pointerup", "pointercancel"]) removeEventListener(event, this.release);
      this.observer.disconnect();
    }

    /* Show a new state; the model takes it only when a grid exists for it. */
    change(part) {
      const state = { ...this.state, ...part };
      if (!problem(state)) {
        for (const field of fields) this.model.set(field, state[field]);
        this.model.save_changes();
      }
      this.state = state;
      this.repaint();
    }

    /* One field; lo and hi stop at each other when slid, and may cross while being typed. */
    move(field, number, typed = false) {
      const { lo, hi } = this.state;
      if (field === "lo" && !typed) number = Math.min(number, hi);
      if (field === "hi" && !typed) number = Math.max(number, lo);
      this.change({ [field]: number });
    }

    reset() {
      const free = fields.filter((field) => !this.locked.includes(field));
      this.view = null;
      this.change(Object.fromEntries(free.map((field) => [field, this.start[field]])));
    }

    grab(event) {
      const { left, top, width } = this.svg.getBoundingClientRect();
      const [px, py] = [event.clientX - left, event.clientY - top];
      const handle = figure.handleAt(px, py, this.state, this.view, width);
      if (!handle || this.locked.includes(handle)) return;
      event.preventDefault();
      this.svg.setPointerCapture(event.pointerId);
      this.handle = handle;
      const grip = handle === "x" ? 0 : figure.toPixel(this.state[handle], this.view, width) - px;
      this.toNumber = (clientX) => figure.fromPixel(clientX - left + grip, this.view, width);
      this.drag(event);
    }

    drag(event) {
      if (this.handle) this.move(this.handle, this.toNumber(event.clientX));
    }

    paint() {
      const wrong = problem(this.state);
      for (const part of [this.svg, this.formulas, this.call.node]) {
        part.toggleAttribute("hidden", Boolean(wrong));
      }
      if (wrong) this.readout.set(wrong);
      else this.draw(value(this.state));
      const { m, step } = this.view ?? figure.chooseView(0, 0);
      for (const field of fields) {
        const limits = field === "bits" ? {} : { min: -m, max: m, step };
        this.controls[field].set(this.state[field], limits);
        this.controls[field].lock(this.locked.includes(field));
      }
    }

    draw(v) {
      if (!this.view || !this.held) this.view = figure.chooseView(v.lo, v.hi, this.view);
      const width = this.svg.clientWidth || 640;
      this.svg.setAttribute("aria-label", `Number line, staircase and error. ${sentence(v)}`);
      this.svg.innerHTML = figure.draw(v, this.view, width);
      this.readout.set(sentence(v));
      this.formulas.replaceChildren(...formulas(v).map(formulaRow));
      this.call.set(call(v));
    }
  }

  function render({ model, el, start }) {
    const ruler = new GridRuler(model, el, start);
    return () => ruler.stop();
  }

  host.define("grid-ruler", { defaults, value, call, formulas, render });
})();
