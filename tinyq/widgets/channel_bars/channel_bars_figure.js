/* The channel bars' figure: pure functions from the numbers to SVG text.

   Above, a row a channel on one axis of real numbers: the grid it is given in grey, its weights in
   blue. Below, the chosen channel magnified: its weights, and how many get each code. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { clamp } = ui.int8;
  const { show } = ui.kit;
  const { text, path, rect, fill, title, scale, ticks } = ui.figure;
  const TOP = 40;
  const MOST_NAMED = 15; // codes in view that have room for a number each

  const rowHeight = (channels) => clamp(Math.floor(400 / channels), 6, 26);

  /* The channel whose row is at y, null beside all. */
  function channelAt(y, { lo }) {
    const row = Math.floor((y - TOP) / rowHeight(lo.length));
    return row >= 0 && row < lo.length ? row : null;
  }

  const real = (v, c, code) => v.scales[c] * (code - v.zero_points[c]);

  const names = (x, y, words, anchor, chosen) =>
    text(x, y, words, anchor, chosen ? "title" : "");

  function row(v, c, at, width, wide) {
    const tall = rowHeight(v.lo.length);
    const [y, chosen] = [TOP + c * tall, c === v.channel];
    const [middle, half] = [y + tall / 2, Math.max(tall * 0.28, 2)];
    const [left, right] = [at(v.lo[c]), Math.max(at(v.hi[c]), at(v.lo[c]) + 2)];
    const named = tall >= 14 || (chosen && tall >= 6);
    const [first, last] = [v.first[c], v.last[c]];
    const db = v.sqnr[c] === null ? "exact" : `${v.sqnr[c].toFixed(1)} dB`.replace("-", "\u2212");
    return (chosen ? rect(-6, y, width + 6, y + tall, "picked") : "")
      + rect(at(real(v, c, v.qmin)), middle - tall * 0.42, at(real(v, c, v.qmax)),
        middle + tall * 0.42, "clip")
      + fill(left, middle - half, right - left, 2 * half, chosen ? "probe" : "grid")
      + (named ? names(0, middle + 4, wide ? `channel ${c}` : c, "start", chosen)
        + names(width - 66, middle + 4, first === last ? show(first)
          : `${show(first)} to ${show(last)}`, "end", chosen)
        + names(width, middle + 4, db, "end", chosen) : "");
  }

  function rows(v, width) {
    const wide = width >= 480;
    const [from, to] = [wide ? 82 : 22, width - (wide ? 176 : 150)];
    const ends = v.scales.flatMap((_, c) => [real(v, c, v.qmin), real(v, c, v.qmax)]);
    const reach = Math.max(...[...ends, ...v.lo, ...v.hi].map(Math.abs));
    const at = scale(-reach, reach, from, to);
    const bottom = TOP + v.lo.length * rowHeight(v.lo.length);
    const marks = ticks(-reach, reach, wide ? 5 : 2);
    return title(14, "Weights (bars) on their grids (grey)")
      + text(width - 66, 32, "codes", "end", "faint") + text(width, 32, "SQNR", "end", "faint")
      + v.lo.map((_, c) => row(v, c, at, width, wide)).join("")
      + path(`M${at(0)} ${TOP}V${bottom}`, "axis")
      + marks.map((x) => path(`M${at(x)} ${bottom}v4`, "axis")
        + text(at(x), bottom + 17, show(x), "middle", "faint")).join("");
  }

  /* The chosen channel on an axis of its own: a bar a code as high as its count, the weights. */
  function magnified(v, weights, top, width) {
    const c = v.channel;
    const [step, zero] = [v.scales[c], v.zero_points[c]];
    const largest = Math.max(-v.lo[c], v.hi[c]);
    const reach = Math.max(1.08 * largest, 1.6 * step);
    const at = scale(-reach, reach, 6, width - 6);
    const [floor, ceiling] = [top + 118, top + 34];
    const most = Math.max(...v.channel_codes.map(([, count]) => count));
    const size = weights.data.length / v.lo.length;
    const own = weights.data.subarray(c * size, (c + 1) * size);
    const inView = [];
    for (let code = v.qmin; code <= v.qmax; code += 1) {
      if (Math.abs(real(v, c, code)) <= reach) inView.push(code);
    }
    const few = inView.length <= MOST_NAMED;
    const thick = clamp(at(step) - at(0) - 2, 1, 26);
    const columns = v.channel_codes.map(([code, count]) => {
      const [x, y] = [at(real(v, c, code)), floor - (count / most) * (floor - ceiling)];
      return fill(x - thick / 2, y, thick, floor - y, "grid") + (few ? text(x, y - 5, count) : "");
    });
    const edges = inView.map((code) => `M${at(real(v, c, code) + step / 2)} ${floor}v44`);
    return title(top, `Channel ${c} magnified: ${v.channel_codes.length} of ` +
      `${v.qmax - v.qmin + 1} codes in use`) + columns.join("")
      + (few ? path(edges.slice(0, -1).join(""), "ideal") : "")
      + path(`M0 ${floor}H${width}`, "axis")
      + inView.map((code) => path(`M${at(real(v, c, code))} ${floor}v6`, "tick")
        + (few ? text(at(real(v, c, code)), floor + 19, show(code)) : "")).join("")
      + (few ? "" : [inView[0], zero, inView.at(-1)].filter((code, i, all) => !i
        || code !== all[i - 1]).map((code) => text(at(real(v, c, code)), floor + 19, show(code),
        code === inView[0] ? "start" : code === zero ? "middle" : "end")).join(""))
      + path([...own].map((w) => `M${at(w)} ${floor + 30}v14`).join(""), "probe")
      + path(`M0 ${floor + 44}H${width}`, "axis")
      + text(0, floor + 58, show(-reach, 2), "start", "faint")
      + text(width / 2, floor + 58, "real weights", "middle", "faint")
      + text(width, floor + 58, show(reach, 2), "end", "faint");
  }

  function draw(v, weights, width) {
    const below = TOP + v.lo.length * rowHeight(v.lo.length) + 48;
    return { height: below + 182, body: rows(v, width) + magnified(v, weights, below, width) };
  }

  ui.channelBarsFigure = { draw, channelAt };
})();
