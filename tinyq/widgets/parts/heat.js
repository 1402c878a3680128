/* Numbers as a table of coloured cells, in SVG: a path a colour, so that it paints fast. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { show } = ui.kit;
  const { path, tag, escape } = ui.figure;
  const LEVELS = 25;

  /* A colour over the background, half of it at share 1: text on it stays readable. */
  const tint = (colour, share) => `color-mix(in srgb, ${colour} ` +
    `${Math.round(LEVELS * Math.min(share, 1)) * (50 / LEVELS)}%, var(--tq-back))`;

  /* The corner of each cell, and its number. */
  const placed = (numbers, columns, cell) => numbers.map((x, i) =>
    [x, cell * (i % columns), cell * Math.floor(i / columns)]);

  const square = (x, y, cell) => `M${x} ${y}h${cell}v${cell}h${-cell}z`;

  /* The cells: colour above for numbers over 0, below for those under it, full at most; plain: with
     no lines between. */
  function fills(numbers, columns, cell, { most, above, below, plain = false }) {
    const tones = {};
    for (const [x, left, top] of placed(numbers, columns, cell)) {
      const tone = tint(x < 0 ? below : above, Math.abs(x) / most);
      tones[tone] = (tones[tone] ?? "") + square(left, top, cell);
    }
    return Object.entries(tones).map(([tone, d]) =>
      tag("path", { d, class: `heat${plain ? " plain" : ""}`, style: `fill:${tone}` })).join("");
  }

  /* The numbers in their cells, all of one size. */
  function labels(numbers, columns, cell) {
    const letters = Math.max(...numbers.map((x) => show(x).length));
    const font = Math.min(12, (cell - 3) / (0.68 * letters));
    const texts = placed(numbers, columns, cell).map(([x, left, top]) =>
      tag("text", { x: left + cell / 2, y: top + cell / 2 + font * 0.35 }, escape(show(x))));
    return tag("g", { class: "heat-labels", style: `font-size:${font}px` }, texts.join(""));
  }

  /* One path of what draw(left, top, i) gives for each cell with test(i). */
  const marks = (numbers, columns, cell, test, draw, kind) => {
    const found = placed(numbers, columns, cell).map(([, left, top], i) =>
      (test(i) ? draw(left, top) : ""));
    return path(found.join(""), kind);
  };

  ui.heat = { tint, fills, labels, marks, square };
})();
