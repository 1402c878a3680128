/* The accumulator meter's figure: pure functions from the numbers to SVG text.

   Above, sizes as bars on an axis of bits, with the ends of int16 and int32. Below, the largest
   sum of the image: bias, correction and products laid end to end. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { text, path, fill, title, scale } = ui.figure;
  const [INT16_MAX, INT32_MAX] = [2 ** 15 - 1, 2 ** 31 - 1];
  const TOP = 54;
  const ROW = 36;
  const TERM = 30;
  const [FIRST, LAST] = [8, 36]; // bits, sign not counted, at the ends of the axis

  const integer = (x) => (x < 0 ? "\u2212" : "") + Math.abs(x).toLocaleString("en");

  const bar = (x0, x1, y, tall, colour) =>
    fill(Math.min(x0, x1), y, Math.max(Math.abs(x1 - x0), 1.5), tall, colour);

  const bitsOf = (size) => Math.ceil(Math.log2(size + 1));

  function sizesOf(v, wide) {
    const size = (least, largest) => Math.max(Math.abs(least), Math.abs(largest));
    const [own, any] = [v.layer_fan_in, v.fan_in].map((count) =>
      (wide ? `: ${integer(count)} products` : ""));
    return [
      ["two products, U8S8", v.pair, INT16_MAX],
      [`channel ${v.channel}, this image`, size(v.seen_least, v.seen_largest), INT32_MAX],
      [`these weights${wide ? ", any image" : ""}${own}`, size(v.least, v.largest), INT32_MAX],
      [`any weights${any}`, v.bound, INT32_MAX],
    ];
  }

  function sizes(v, width) {
    const at = scale(FIRST, LAST, 0, width);
    const wide = width >= 480;
    const rows = sizesOf(v, wide);
    const bottom = TOP + rows.length * ROW;
    const end = (max, name) => {
      const x = at(Math.log2(max + 1));
      return path(`M${x} ${TOP - 14}V${bottom}`, "zero")
        + text(x, TOP - 20, name, "middle", "title");
    };
    const row = ([words, size, max], i) => {
      const y = TOP + i * ROW;
      const over = size > max;
      const room = over ? `over int${max === INT16_MAX ? 16 : 32}` : `${bitsOf(size) + 1} bits`;
      const x = at(Math.max(Math.log2(size + 1), FIRST));
      return text(0, y + 13, words, "start", over ? "title" : "")
        + text(width, y + 13, `${integer(size)} \u00b7 ${room}`, "end", over ? "title" : "faint")
        + bar(0, Math.min(x, width), y + 18, 10, over ? "probe" : "grid");
    };
    const shields = rows.map((_, i) => fill(0, TOP + i * ROW + 1, width, 16, "back"));
    return title(14, "Largest sums") + end(INT16_MAX, "int16 ends")
      + end(INT32_MAX, "int32 ends") + shields.join("") + rows.map(row).join("")
      + path(`M0 ${bottom}H${width}`, "axis")
      + [12, 16, 20, 24, 28, 32].map((bits) => path(`M${at(bits - 1)} ${bottom}v4`, "axis")
        + text(at(bits - 1), bottom + 17, bits + (wide ? " bits" : ""), "middle", "faint"))
        .join("");
  }

  /* bias, correction and products, each from where the one before ended; then what they make. */
  function terms(v, top, width) {
    const parts = [["bias", v.bias], ["\u2212zero_point \u00d7 \u03a3w", v.correction],
      ["\u03a3wq", v.products]];
    const stops = [0];
    for (const [, size] of parts) stops.push(stops.at(-1) + size);
    const [lo, hi] = [Math.min(...stops), Math.max(...stops)];
    const [from, to] = [124, width - 84];
    const at = lo === hi ? () => from : scale(lo, hi, from, to);
    const row = (words, size, start, stop, y, colour) => text(0, y + 14, words, "start")
      + bar(at(start), at(stop), y + 2, 15, colour) + text(width, y + 14, integer(size), "end");
    const rows = parts.map(([words, size], i) =>
      row(words, size, stops[i], stops[i + 1], top + 14 + i * TERM, "line"));
    const bottom = top + 14 + 4 * TERM;
    return title(top, "This image's largest sum, added up")
      + path(`M${at(0)} ${top + 10}V${bottom}`, "axis") + rows.join("")
      + row("acc", v.acc, 0, v.acc, top + 14 + 3 * TERM, "grid");
  }

  function draw(v, width) {
    const below = TOP + 4 * ROW + 54;
    return { height: below + 14 + 4 * TERM + 4, body: sizes(v, width) + terms(v, below, width) };
  }

  ui.accumulatorMeterFigure = { draw };
})();
