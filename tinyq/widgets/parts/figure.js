/* SVG as text, for figures that are pure functions from numbers to a string.

   No other script writes a tag, so that a text or an attribute is escaped whoever gives it. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const CODES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

  const escape = (value) => String(value).replace(/[&<>"]/g, (one) => CODES[one]);

  /* An element; body: what other functions of this file gave, and words by `escape` alone. */
  function tag(name, attributes, body) {
    const state = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
    return body === undefined ? `<${name}${state.join("")}/>`
      : `<${name}${state.join("")}>${body}</${name}>`;
  }

  const text = (x, y, words, anchor = "middle", kind = "") =>
    tag("text", { x, y, "text-anchor": anchor, class: kind }, escape(words));

  const path = (d, kind) => tag("path", { d, class: kind });

  /* look: of the attributes class and style. */
  const box = (x, y, width, height, look) =>
    tag("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), ...look });

  const rect = (x0, y0, x1, y1, kind) => box(x0, y0, x1 - x0, y1 - y0, { class: kind });

  const circle = (cx, cy, r, kind) => tag("circle", { cx, cy, r, class: kind });

  /* A rectangle filled with a colour of kit.css, by its name. */
  const fill = (x, y, width, height, colour) =>
    box(x, y, width, height, { style: `fill: var(--tq-${colour})` });

  const title = (y, words) => text(0, y, words, "start", "title");

  const svg = (width, height, body) =>
    tag("svg", { viewBox: `0 0 ${width} ${height}`, height }, body);

  /* The straight map that sends lo to from and hi to to. */
  const scale = (lo, hi, from, to) => (x) => from + ((x - lo) / (hi - lo)) * (to - from);

  /* About count round numbers between lo and hi. */
  function ticks(lo, hi, count = 5) {
    const rough = (hi - lo) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((nice) => nice * power >= rough);
    const first = Math.ceil(lo / step);
    const many = Math.floor(hi / step) - first + 1;
    return Array.from({ length: many }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  ui.figure = { escape, tag, text, path, box, rect, circle, fill, title, svg, scale, ticks };
})();
