/* The staircase's figure: pure functions from the numbers to SVG text.

   The weight on the staircase and the ramp that stands in for it, with its way so far; the slope of
   both; the loss after each step; the codes of all weights, those that moved marked. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { clamp } = ui.int8;
  const { show } = ui.kit;
  const { text, path, box, rect, circle, title, scale, ticks } = ui.figure;
  const PAD = 14;
  const STAIRS = { top: 26, bottom: 190 };
  const SLOPE = { top: 244, bottom: 286 };
  const LOSS = { top: 334, bottom: 404 };
  const CODES = { top: 458, bottom: 486 };
  const HEIGHT = CODES.bottom + 10;

  const reachOf = ({ qmax, scale: step }) => (qmax + 1.6) * step;

  const axis = (v, width) => scale(-reachOf(v), reachOf(v), PAD, width - PAD);

  /* The real weight under a pixel, a little beyond the ends at most. */
  const realAt = (pixel, v, width) =>
    scale(PAD, width - PAD, -reachOf(v), reachOf(v))(clamp(pixel, PAD, width - PAD));

  /* How far right of a pointer the weight is, { grip }: within 40 pixels, on the staircase. */
  function gripAt(x, y, v, width) {
    const grip = clamp(axis(v, width)(v.weights[v.weight]), PAD, width - PAD) - x;
    return y < STAIRS.bottom + 24 && Math.abs(grip) <= 40 ? { grip } : null;
  }

  const cellOf = (v, width) => width / v.codes.length;

  /* The weight whose code stands under a pointer, null beside all. */
  function weightAt(x, y, v, width) {
    if (y < CODES.top - 8 || y > CODES.bottom + 8 || x < 0 || x >= width) return null;
    return Math.floor(x / cellOf(v, width));
  }

  const edge = (v, code) => (code + 0.5) * v.scale; // between a code and the next

  const codesOf = ({ qmin, qmax }) => Array.from({ length: qmax - qmin + 1 }, (_, i) => qmin + i);

  /* Beyond these the slope is cut off, (12.2). */
  function beyond(v, at, { top, bottom }, width) {
    const [lo, hi] = [at(edge(v, v.qmin - 1)), at(edge(v, v.qmax))];
    return rect(PAD, top, lo, bottom, "clip") + rect(hi, top, width - PAD, bottom, "clip");
  }

  function stairs(v, at, width) {
    const { top, bottom } = STAIRS;
    const y = scale(v.qmin - 0.7, v.qmax + 0.7, bottom, top);
    const codes = codesOf(v);
    const line = codes.map((code) => `V${y(code)}H${code < v.qmax ? at(edge(v, code))
      : width - PAD}`).join("");
    const ends = [edge(v, v.qmin - 1), edge(v, v.qmax)];
    const ramp = `M${PAD} ${y(v.qmin - 0.5)}H${at(ends[0])}L${at(ends[1])} ${y(v.qmax + 0.5)}` +
      `H${width - PAD}`;
    const inside = (w) => clamp(at(w), PAD, width - PAD);
    const [x, code] = [inside(v.weights[v.weight]), v.codes[v.weight]];
    const aim = inside(v.own[v.weight]);
    const arrow = v.passes && v.next_step ? Math.sign(v.next_step) * 26 : 0;
    const labels = v.qmax <= 7 ? codes : [v.qmin, 0, v.qmax];
    return title(14, `Weight ${v.weight} on its staircase (\u25b2 as trained)`)
      + beyond(v, at, STAIRS, width) + rect(PAD, top, width - PAD, bottom, "frame")
      + path(ramp, "ideal") + path(`M${PAD} ${y(v.qmin)}${line}`, "curve")
      + labels.map((one) => text(at(one * v.scale), y(one) + (one > 0 ? 15 : -7), show(one),
        "middle", "faint")).join("")
      + path(v.path.map((w) => `M${inside(w)} ${bottom}v9`).join(""), "probe")
      + path(`M${aim} ${bottom + 2}l5 9h-10z`, "aim")
      + path(`M${x} ${bottom}V${y(code)}`, "probe")
      + (arrow ? path(`M${x} ${y(code)}h${arrow}m${-Math.sign(arrow) * 7} -5l` +
        `${Math.sign(arrow) * 7} 5l${-Math.sign(arrow) * 7} 5`, "way") : "")
      + circle(x, y(code), 7, "grab")
      + ticks(-reachOf(v), reachOf(v), width < 480 ? 4 : 6).map((w) =>
        text(at(w), bottom + 26, show(w), "middle", "faint")).join("");
  }

  function slopes(v, at, width) {
    const { top, bottom } = SLOPE;
    const [floor, one] = [bottom - 4, top + 10];
    const [lo, hi] = [at(edge(v, v.qmin - 1)), at(edge(v, v.qmax))];
    const jumps = codesOf(v).slice(0, -1).map((code) => at(edge(v, code)));
    const straight = v.slope === "straight";
    const x = clamp(at(v.weights[v.weight]), PAD, width - PAD);
    return title(top - 8, "Slope: staircase 0, straight-through 1")
      + beyond(v, at, SLOPE, width) + rect(PAD, top, width - PAD, bottom, "frame")
      + path(`M${PAD} ${floor}H${lo}V${one}H${hi}V${floor}H${width - PAD}`,
        straight ? "curve" : "ideal")
      + path(`M${PAD} ${floor}H${width - PAD}`, straight ? "ideal" : "curve")
      + path(jumps.map((jump) => `M${jump} ${floor}V${top + 3}`).join(""), "ideal")
      + circle(x, v.passes ? one : floor, 5, "result");
  }

  function losses(v, width) {
    const { top, bottom } = LOSS;
    const count = Math.max(v.losses.length - 1, 12);
    const most = Math.max(...v.losses) * 1.15 || 1;
    const [x, y] = [scale(0, count, PAD, width - PAD), scale(0, most, bottom, top)];
    const line = v.losses.map((loss, i) => (i ? `H${x(i)}V` : `M${x(0)} `) + y(loss)).join("");
    const last = v.losses.length - 1;
    return title(top - 8, `Loss: ${show(v.losses[0], 3)} at the start, ` +
      `${show(v.losses[last], 3)} now`) + rect(PAD, top, width - PAD, bottom, "frame")
      + path(line, "curve")
      + circle(x(last), y(v.losses[last]), 5, "result")
      + ticks(0, count, 6).filter(Number.isInteger).map((step) =>
        text(x(step), bottom + 16, step, "middle", "faint")).join("");
  }

  function codes(v, width) {
    const { top, bottom } = CODES;
    const cell = cellOf(v, width);
    const named = cell >= 24;
    return title(top - 14, "Codes (filled: not what it was at the start)")
      + v.codes.map((code, k) => {
        const moved = code !== v.start_codes[k];
        const look = { class: `cell${k === v.weight ? " here" : ""}`,
          style: moved ? "fill: var(--tq-probe)" : "fill: none" };
        return box(k * cell + 2, top, cell - 4, bottom - top, look)
          + (named ? text((k + 0.5) * cell, top + 19, show(code), "middle",
            moved ? "ontag" : "") : "");
      }).join("");
  }

  function draw(v, width) {
    const at = axis(v, width);
    return stairs(v, at, width) + slopes(v, at, width) + losses(v, width) + codes(v, width);
  }

  ui.staircaseFigure = { HEIGHT, draw, realAt, gripAt, weightAt };
})();
