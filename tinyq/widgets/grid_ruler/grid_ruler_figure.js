/* The grid ruler's figure: a pure function from the numbers to SVG text, and where things stand.

   Three panels share one axis of real numbers, -m..m: the number line with its codes, the
   staircase, the error. Below them a magnified strip around x, where single codes can be read. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { clamp } = ui.int8;
  const { show } = ui.kit;
  const { text, path, rect, circle, title } = ui.figure;
  const HEIGHT = 526;
  const PAD = 14; // left and right of every panel
  const LINE = 62; // baseline of the number line
  const STAIRS = { top: 150, bottom: 290 };
  const ERROR = { top: 326, bottom: 396 };
  const TAG = { top: 402, bottom: 422 };
  const STRIP = { top: 474, bottom: 500 };
  const NICE = [1, 1.5, 2, 3, 4, 5, 6, 8];

  /* The stretch -m..m to draw, and its step. The old one stays while it fits: no jumps. */
  function chooseView(lo, hi, old) {
    const reach = Math.max(Math.abs(Math.fround(lo)), Math.abs(Math.fround(hi))) || 1;
    if (old && reach * 1.05 <= old.m && reach * 5 >= old.m) return old;
    for (let power = Math.floor(Math.log10(reach)); ; power += 1) {
      const nice = NICE.find((digit) => Number(`${digit}e${power}`) >= reach * 1.25);
      if (nice) return { m: Number(`${nice}e${power}`), step: Number(`1e${power - 2}`) };
    }
  }

  /* Real number to pixels, held inside the panel, and back to a whole number of steps. */
  const toPixel = (x, { m }, width) =>
    PAD + ((clamp(x, -m, m) + m) / (2 * m)) * (width - 2 * PAD);
  function fromPixel(pixel, { m, step }, width) {
    const x = ((pixel - PAD) / (width - 2 * PAD)) * 2 * m - m;
    return Number((Math.round(clamp(x, -m, m) / step) * step).toPrecision(6)) + 0;
  }

  /* Which of lo, hi and x a pointer at (px, py) takes hold of; null beside all. */
  function handleAt(px, py, v, view, width) {
    if (py > TAG.bottom + 8) return null;
    const far = (name, side) => Math.abs(toPixel(v[name], view, width) + side - px);
    const [lo, hi] = [far("lo", -14), far("hi", 14)];
    if (py < LINE || py > 112 || Math.min(lo, hi) > 30) return "x";
    return lo < hi ? "lo" : "hi";
  }

  /* What the panels share. real(code) in float64, so that nothing overflows on the way. */
  function layout(v, view, width) {
    const at = (x) => toPixel(x, view, width);
    const real = (code) => v.scale * (code - v.zero_point);
    const half = v.scale / 2;
    const [first, last] = [at(real(v.qmin) - half), at(real(v.qmax) + half)];
    const tooth = (v.scale / view.m / 2) * (width - 2 * PAD);
    const inView = [];
    for (let code = v.qmin; code <= v.qmax; code += 1) {
      if (Math.abs(real(code)) - half < view.m) inView.push(code);
    }
    const right = width - PAD;
    return { ...v, m: view.m, width, right, at, real, half, first, last, tooth, inView };
  }

  /* Where numbers are clipped, named where there is room for the word. */
  const clipped = (g, top, bottom) => [[PAD, g.first], [g.last, g.right]].map(([from, to]) =>
    rect(from, top, to, bottom, "clip") + (bottom - top > 100 && to - from > 52
      ? text((from + to) / 2, (top + bottom) / 2 + 4, "clipped", "middle", "faint") : "")).join("");

  /* The number line: a tick a code (thinned where they would merge), the range, its two handles. */
  function numberLine(g) {
    const every = 2 ** Math.max(0, Math.ceil(Math.log2(3 / g.tooth)));
    const seen = (code) => Math.abs(g.real(code)) <= g.m;
    const ends = [[g.qmin, -5, "end"], [g.qmax, 5, "start"]];
    const drawn = (code) => (code - g.zero_point) % every === 0 || [g.qmin, g.qmax].includes(code);
    const ticks = g.inView.filter((code) => seen(code) && drawn(code));
    const count = g.qmax - g.qmin + 1;
    const thinned = every > 1 ? ` (1 in ${every} drawn)` : "";
    const [lo, hi, zero] = [g.at(g.lo), g.at(g.hi), g.at(0)];
    return title(14, `Number line: ${count} codes${thinned}`)
      + clipped(g, 44, LINE)
      + path(ticks.map((code) => `M${g.at(g.real(code))} ${LINE}V46`).join(""), "tick")
      + path(`M${PAD} ${LINE}H${g.right}`, "axis") + path(`M${zero} ${LINE}V40`, "zero")
      + text(zero, 35, `zero_point ${show(g.zero_point)}`)
      + ends.filter(([code]) => code !== g.zero_point && seen(code))
        .map(([code, dx, anchor]) => text(g.at(g.real(code)) + dx, 56, show(code), anchor)).join("")
      + rect(lo, 65, hi, 71, "range") + rect(hi, 65, zero, 71, "widened")
      + rect(zero, 65, lo, 71, "widened")
      + flag(lo, -28, "lo") + flag(hi, 28, "hi")
      + [-1, -0.5, 0, 0.5, 1].map((part) => text(g.at(part * g.m), 116, show(part * g.m),
        { [-1]: "start", 1: "end" }[part] ?? "middle", "faint")).join("");
  }

  const flag = (x, size, name) => path(`M${x} ${LINE}V98h${size}V78h${-size}`, "flag")
    + text(x + size / 2, 92, name, "middle", "onflag");

  /* What becomes of x; the dashed line is a grid without rounding. */
  function staircase(g) {
    const { top, bottom } = STAIRS;
    const [low, high] = [Math.max(g.real(g.qmin), -g.m), Math.min(g.real(g.qmax), g.m)];
    const tall = bottom - top - 28;
    const y = (value) => bottom - 14 - ((clamp(value, low, high) - low) / (high - low)) * tall;
    const steps = g.inView.map((code) => `V${y(g.real(code))}H${g.at(g.real(code) + g.half)}`);
    const start = `M${PAD} ${y(g.real(g.inView[0]))}`;
    return title(top - 8, "Staircase: dequantize(quantize(x))")
      + clipped(g, top, bottom) + rect(PAD, top, g.right, bottom, "frame")
      + path(`M${g.at(low)} ${y(low)}L${g.at(high)} ${y(high)}`, "ideal")
      + path(start + steps.join("") + `H${g.right}`, "curve")
      + text(PAD + 3, y(low) - 4, show(low, 4), "start", "faint")
      + text(g.right - 3, y(high) + 13, show(high, 4), "end", "faint")
      + circle(g.at(g.x), y(g.dequantized), 5, "result");
  }

  /* dequantize(quantize(x)) - x, in units of scale: teeth, or the band they fill when narrow. */
  function errors(g) {
    const { top, bottom } = ERROR;
    const [middle, unit] = [(top + bottom) / 2, (bottom - top) / 1.5];
    const y = (error) => middle - clamp(error / g.scale, -0.75, 0.75) * unit;
    const [high, low] = [y(g.half), y(-g.half)];
    const point = (code, halves) => { // of the tooth of this code, cut where the view ends
      const x = clamp(g.real(code) + halves * g.half, -g.m, g.m);
      return `${g.at(x)} ${y(g.real(code) - x)}`;
    };
    const teeth = g.inView.flatMap((code) => [point(code, -1), point(code, 1)]);
    const ends = [point(g.inView[0], -1.5), point(g.inView.at(-1), 1.5)];
    const wide = g.tooth >= 3;
    const saw = path(`M${[ends[0], ...teeth, ends[1]].join("L")}`, "curve");
    const band = rect(g.first, high, g.last, low, "band")
      + path(`M${g.first} ${high}V${top}M${g.last} ${low}V${bottom}`, "curve");
    const bound = `\u00b1scale/2${g.width < 400 ? "" : ` = \u00b1${show(g.half, 4)}`}`;
    return title(top - 8, wide ? `Error: within ${bound} unless clipped`
      : `Error: ${g.inView.length} teeth merge into ${bound}`)
      + clipped(g, top, bottom) + rect(PAD, top, g.right, bottom, "frame")
      + path(`M${PAD} ${high}H${g.right}M${PAD} ${low}H${g.right}`, "ideal") + (wide ? saw : band)
      + circle(g.at(g.x), y(g.error), 5, "result");
  }

  /* x on all three panels, with a tag to drag. */
  function probe(g) {
    const x = g.at(g.x);
    const label = `x = ${show(g.x)}`;
    const size = label.length * 7 + 16;
    const left = clamp(x - size / 2, 0, g.width - size);
    return path(`M${x} 44V${TAG.top}`, "probe")
      + rect(left, TAG.top, left + size, TAG.bottom, "tag")
      + text(left + size / 2, TAG.bottom - 6, label, "middle", "ontag");
  }

  /* The codes around x, wide enough to read, and the way from x to the middle of its cell. */
  function strip(g) {
    const { top, bottom } = STRIP;
    const count = Math.min(g.width < 480 ? 5 : 7, g.qmax - g.qmin + 1);
    const first = clamp(g.code - (count >> 1), g.qmin, g.qmax - count + 1);
    const cell = (g.right - PAD) / count;
    const at = (x) => PAD + clamp(x / g.scale + g.zero_point - first + 0.5, 0, count) * cell;
    const cells = Array.from({ length: count }, (_, i) => first + i).map((code) => {
      const middle = at(g.real(code));
      const kind = code === g.code ? "own" : "frame";
      return rect(middle - cell / 2, top, middle + cell / 2, bottom, kind)
        + path(`M${middle} ${bottom}v-7`, "tick") + text(middle, top - 5, show(code))
        + text(middle, bottom + 14, show(g.real(code), 3), "middle", "faint");
    });
    const [from, to, y] = [at(g.x), at(g.dequantized), (top + bottom) / 2];
    return title(STRIP.top - 26, "Around x, magnified") + cells.join("")
      + path(`M${from} ${y}H${to}`, "way")
      + circle(to, y, 5, "result")
      + path(`M${from} ${y - 6}l6 6l-6 6l-6 -6z`, "diamond");
  }

  function draw(v, view, width) {
    const g = layout(v, view, width);
    return numberLine(g) + staircase(g) + errors(g) + probe(g) + strip(g);
  }

  ui.gridRulerFigure = { HEIGHT, chooseView, toPixel, fromPixel, handleAt, draw };
})();
