/* What the conv microscope looks like: the padded image, the output, the window's three tables. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { figure, heat, kit: { h, put, show } } = ui;

  // Blue above real 0, vermilion below.
  const LOOK = { above: "var(--tq-grid)", below: "var(--tq-probe)" };

  const largest = (numbers) => numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 1);

  /* The padded image of one channel; inside its true edge, outside the pad; the window on top. */
  function imageOf({ padded, conv, v, width }) {
    const [, rows, columns, channels] = padded.shape;
    const size = width / columns;
    const { zero_point } = conv.layer.inGrid;
    const steps = Array.from({ length: rows * columns }, (_, i) =>
      padded.data[i * channels + v.channel] - zero_point);
    const cells = heat.fills(steps, columns, size, { ...LOOK, most: largest(steps), plain: true });
    const [top, , left] = conv.pads;
    const box = (y, x, tall, wide, kind) =>
      figure.box(x * size, y * size, wide * size, tall * size, { class: kind });
    const [sy, sx] = conv.layer.stride;
    return figure.tag("svg", { viewBox: `-2 -2 ${width + 4} ${rows * size + 4}` }, cells +
      box(0, 0, rows, columns, "heat-padded") +
      box(top, left, conv.x.shape[1], conv.x.shape[2], "heat-image") +
      box(v.row * sy, v.column * sx, ...v.size, "heat-window"));
  }

  /* A table of numbers as SVG; outside: which cells lie outside the image. */
  function table(numbers, v, cell, outside) {
    const [rows, columns] = v.size;
    const [width, height] = [columns * cell, rows * cell];
    const dashed = (x, y) => heat.square(x, y, cell);
    const cells = heat.fills(numbers, columns, cell, { ...LOOK, most: largest(numbers) });
    return figure.tag("svg", { viewBox: `-1 -1 ${width + 2} ${height + 2}`,
      style: `width:${width + 2}px`, "aria-hidden": "true" }, cells +
      heat.marks(numbers, columns, cell, (i) => outside[i], dashed, "heat-outside") +
      heat.labels(numbers, columns, cell));
  }

  function figureOf(title, body) {
    const node = h("div");
    put(node, body);
    node.prepend(h("p", { class: "tinyq-caption" }, title));
    return node;
  }

  function tablesOf(v, width) {
    const steps = v.codes.map((code) => code - v.zero_point);
    // Three side by side, the long products widest; a column on a phone.
    const cell = (share) => Math.floor(Math.min(44,
      (width < 500 ? width - 4 : share * (width - 30)) / v.size[1]));
    const none = v.outside.map(() => false);
    const zero = v.zero_point < 0 ? `+ ${-v.zero_point}` : `\u2212 ${v.zero_point}`;
    return [
      figureOf(`Steps: code ${zero}`, table(steps, v, cell(0.295), v.outside)),
      figureOf(`\u00d7 weights`, table(v.weights, v, cell(0.295), none)),
      figureOf(`= products: ${show(v.sums[v.channel], 9)}`,
        table(v.products, v, cell(0.41), v.outside)),
    ];
  }

  /* A cell of the output. */
  function outputCell(v, conv, row, column) {
    const i = row * v.columns + column;
    const [code, right] = [v.map[i], v.right_map[i]];
    const step = (code - conv.layer.outGrid.zero_point) / 128;
    const fault = code === right ? "" : `, right is ${show(right)}`;
    return { label: `row ${row}, column ${column}: code ${show(code)}${fault}`, text: show(code),
      fill: heat.tint(step < 0 ? LOOK.below : LOOK.above, Math.abs(step)), ink: "var(--tq-text)",
      kind: fault ? "wrong" : "" };
  }

  function view(root, api, { ends, through }) {
    const pick = (row, column) => api.change({ row, column });
    const output = ui.cells.arrowGrid("Output codes", pick, { hover: true });
    const image = h("div", { role: "img" });
    const tables = h("div", { class: "tinyq-tables", role: "img" });
    const [inTitle, outTitle] = [0, 1].map(() => h("p", { class: "tinyq-caption" }));
    root.append(h("div", { class: "tinyq-pair" }, h("div", {}, inTitle, image),
      h("div", {}, outTitle, output.node)), tables);
    let limits = {};

    function paint(v, { convs }, width) {
      const conv = convs[v.layer];
      const most = ends(conv);
      limits = Object.fromEntries(["image", "filter", "channel"].map((field) =>
        [field, { min: 0, max: most[field], step: 1 }]));
      const code = v.pad === "0" ? 0 : v.zero_point;
      const { padded } = through(conv, v.image, code);
      inTitle.textContent = `Input channel ${v.channel}, padded with code ${show(code)}`;
      outTitle.textContent = `Output of filter ${v.filter}: walk over it`;
      image.setAttribute("aria-label", `${inTitle.textContent}. The window starts at row ` +
        `${v.row * conv.layer.stride[0]}, column ${v.column * conv.layer.stride[1]}.`);
      put(image, imageOf({ padded, conv, v, width: 320 }));
      output.paint({ rows: most.row + 1, columns: v.columns, at: [v.row, v.column],
        cell: (row, column) => outputCell(v, conv, row, column) });
      tables.setAttribute("aria-label", "Steps times weights, product by product: " +
        v.products.map((x) => show(x)).join(", "));
      tables.replaceChildren(...tablesOf(v, width));
    }

    return { paint, limits: () => limits };
  }

  ui.convMicroscopeFigure = { view };
})();
