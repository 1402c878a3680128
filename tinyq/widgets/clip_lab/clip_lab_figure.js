/* The clip lab's figure: pure functions from the numbers to SVG text.

   Two panels on one axis of real numbers. Above, the histogram and the range, its ends to drag.
   Below, the SQNR if one end were elsewhere and the other stayed. Then the two kinds of error. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { clamp } = ui.int8;
  const { show } = ui.kit;
  const { text, path, rect, circle, title, scale, ticks } = ui.figure;
  const { squaredError, gridFor } = ui.observers;
  const PAD = 14;
  const BARS = { top: 24, bottom: 140 };
  const FLAG = { top: 152, bottom: 174 };
  const CURVE = { top: 218, bottom: 328 };
  const NOISE = 386;
  const HEIGHT = 414;
  const COLUMNS = 96;
  const POINTS = 48; // of the curve, on each side

  /* The stretch of real numbers that is drawn, and the sliders' step. */
  function reach({ seen }) {
    const size = Math.max(-seen.lo, seen.hi, 0) || 1;
    const step = 10 ** (Math.floor(Math.log10(size)) - 2);
    const end = (x) => Number((Math.ceil((1.08 * x) / step) * step).toPrecision(6));
    return { lo: seen.lo < 0 ? -end(-seen.lo) : -end(size * 0.08), hi: end(Math.max(seen.hi,
      size * 0.08)), step };
  }

  const axis = (study, width) => {
    const { lo, hi } = reach(study);
    return scale(lo, hi, PAD, width - PAD);
  };

  function realAt(pixel, study, width) {
    const { lo, hi, step } = reach(study);
    const x = scale(PAD, width - PAD, lo, hi)(clamp(pixel, PAD, width - PAD));
    return Number((Math.round(x / step) * step).toPrecision(6)) + 0;
  }

  /* Which end a pointer takes hold of, the nearer one within 40 pixels, and how far from its line:
     { end, grip }. */
  function handleAt(px, py, v, study, width) {
    if (py > CURVE.bottom) return null;
    const at = (x) => clamp(axis(study, width)(x), 0, width);
    const [lo, hi] = [Math.abs(at(v.lo) - 14 - px), Math.abs(at(v.hi) + 14 - px)];
    if (Math.min(lo, hi) > 40) return null;
    const end = lo < hi ? "lo" : "hi";
    return { end, grip: at(v[end]) - px };
  }

  const fill = (x0, y0, x1, y1, colour) => ui.figure.fill(x0, y0, x1 - x0, y1 - y0, colour);

  const flag = (x, size, name) => path(`M${x} ${BARS.bottom}V${FLAG.bottom}h${size}V${FLAG.top}` +
    `h${-size}`, "flag") + text(x + size / 2, FLAG.bottom - 7, name, "middle", "onflag");

  /* The real numbers of the first and the last code, half a step beyond: where clipping begins. */
  const edges = ({ scale: step, zero_point, qmin, qmax }) =>
    [step * (qmin - zero_point - 0.5), step * (qmax - zero_point + 0.5)];

  function bars(v, study, at, width) {
    const counts = study.columns(COLUMNS);
    const { lo, hi } = study.seen;
    const most = Math.log1p(Math.max(...counts));
    const [from, to] = edges(v);
    const wide = (hi - lo || 1) / COLUMNS;
    const columns = counts.map((count, i) => {
      const x = lo + i * wide;
      const middle = x + wide / 2;
      const high = (Math.log1p(count) / most) * (BARS.bottom - BARS.top - 6);
      return count ? fill(at(x), BARS.bottom - high, Math.max(at(x + wide) - 0.6, at(x) + 0.8),
        BARS.bottom, middle < from || middle > to ? "probe" : "grid") : "";
    });
    const codes = [];
    const every = 2 ** Math.max(0, Math.ceil(Math.log2(3 / (at(v.scale) - at(0)))));
    for (let code = v.qmin; code <= v.qmax; code += every) {
      const x = at(v.scale * (code - v.zero_point));
      if (x >= PAD && x <= width - PAD) codes.push(`M${x} ${BARS.bottom}v7`);
    }
    const shade = (x0, x1) => rect(clamp(x0, PAD, width - PAD), BARS.top, clamp(x1, PAD,
      width - PAD), BARS.bottom, "clip");
    return title(14, `${v.count.toLocaleString("en")} numbers (heights: log of the count)`)
      + shade(PAD, at(from)) + shade(at(to), width - PAD) + columns.join("")
      + path(`M${PAD} ${BARS.bottom}H${width - PAD}`, "axis") + path(codes.join(""), "tick");
  }

  /* SQNR in dB of the histogram's numbers on the grid of lo..hi. */
  function sqnrOf({ sums, seen }, lo, hi, qmin, qmax) {
    const grid = gridFor(Math.min(lo, 0), Math.max(hi, 0), qmin, qmax);
    if (!(grid.scale > 0 && Number.isFinite(grid.scale))) return 0;
    const noise = squaredError(sums, grid.scale / 2 ** seen.power, grid.zero_point, qmin, qmax);
    return noise > 0 ? Math.max(10 * Math.log10(sums.squares.at(-1) / noise), 0) : 0;
  }

  function curve(v, study, at, width) {
    const { lo, hi } = reach(study);
    const sqnr = (a, b) => sqnrOf(study, a, b, v.qmin, v.qmax);
    const shown = (x) => x >= lo && x <= hi;
    const points = (end, own, f) => {
      const even = Array.from({ length: POINTS }, (_, i) => (end * (i + 1)) / POINTS);
      const all = shown(own) && own * end > 0 ? [...even, own] : even;
      return all.sort((a, b) => a - b).map((x) => [x, f(x)]);
    };
    const right = points(hi, v.hi, (x) => sqnr(v.lo, x));
    const left = study.seen.lo < 0 ? points(lo, v.lo, (x) => sqnr(x, v.hi)) : [];
    const here = Math.max(v.sqnr ?? 0, 0);
    const most = Math.max(10, here, ...[...right, ...left].map(([, y]) => y)) * 1.12;
    const y = scale(0, most, CURVE.bottom, CURVE.top);
    const line = (all) => (all.length
      ? path(`M${all.map(([x, db]) => `${at(x)} ${y(db)}`).join("L")}`, "curve") : "");
    const dot = (x) => circle(at(x), y(here), 5, "result");
    const levels = ticks(0, most, 3);
    const names = levels.filter((db) => db > 0).map((db) =>
      text(PAD + 3, y(db) + 13, show(db), "start", "faint halo"));
    return title(CURVE.top - 12, "SQNR in dB, if one end moves")
      + rect(PAD, CURVE.top, width - PAD, CURVE.bottom, "frame")
      + levels.map((db) => path(`M${PAD} ${y(db)}H${width - PAD}`, "ideal")).join("")
      + line(left) + line(right) + names.join("")
      + (study.seen.lo < 0 && shown(v.lo) ? dot(v.lo) : "") + (shown(v.hi) ? dot(v.hi) : "")
      + ticks(lo, hi, width < 480 ? 4 : 7).map((x) => path(`M${at(x)} ${CURVE.bottom}v4`, "axis")
        + text(at(x), CURVE.bottom + 17, show(x), "middle", "faint")).join("");
  }

  /* One bar of the whole squared error: what is rounding, what is clipping. */
  function noise(v, width) {
    const all = v.rounding + v.clipping;
    const split = all ? (v.rounding / all) * width : width;
    const percent = (part) => `${show(all ? (100 * part) / all : 0, 3)} %`;
    return title(NOISE - 10, "Squared error") + fill(0, NOISE, split, NOISE + 12, "grid")
      + fill(split, NOISE, width, NOISE + 12, "probe")
      + text(0, NOISE + 27, `rounding ${percent(v.rounding)}`, "start")
      + text(width, NOISE + 27, `clipping ${percent(v.clipping)}`, "end");
  }

  function draw(v, study, width) {
    const at = axis(study, width);
    const inside = (x) => clamp(at(x), 0, width);
    const [lo, hi] = [inside(v.lo), inside(v.hi)];
    const line = (x) => path(`M${x} ${BARS.top}V${FLAG.bottom}M${x} ${CURVE.top}V${CURVE.bottom}`,
      "zero");
    return bars(v, study, at, width) + line(lo) + line(hi) + flag(lo, -28, "lo")
      + flag(hi, 28, "hi") + curve(v, study, at, width) + noise(v, width);
  }

  ui.clipLabFigure = { HEIGHT, draw, handleAt, realAt, reach };
})();
