/* SVG as text, for figures that are pure functions from numbers to a string. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});

  const text = (x, y, words, anchor = "middle", kind = "") =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" class="${kind}">${words}</text>`;

  const path = (d, kind) => `<path d="${d}" class="${kind}"/>`;

  const rect = (x0, y0, x1, y1, kind) =>
    `<rect x="${x0}" y="${y0}" width="${Math.max(x1 - x0, 0)}" height="${Math.max(y1 - y0, 0)}" ` +
    `class="${kind}"/>`;

  const title = (y, words) => text(0, y, words, "start", "title");

  const svg = (width, height, body) =>
    `<svg viewBox="0 0 ${width} ${height}" height="${height}">${body}</svg>`;

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

  ui.figure = { text, path, rect, title, svg, scale, ticks };
})();
