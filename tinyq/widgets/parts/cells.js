/* A table of cells with one tab stop: the arrow keys, Home and End walk over it, a click or the
   pointer passing by picks. For images, kernels, matrices. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { h } = ui.kit;
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  const set = (cell, name, value) =>
    cell.getAttribute(name) === value || cell.setAttribute(name, value);

  /* label: of the table. pick(row, column): called as the reader moves. hover: picks too.
     Returns { node, paint({ rows, columns, at: [row, column], cell }) } where cell(row, column)
     gives { label, text, fill, ink, kind }: words for a screen reader, what is written, colours,
     a class. */
  function arrowGrid(label, pick, { hover = false } = {}) {
    const node = h("div", { class: "tinyq-cells", role: "grid", "aria-label": label });
    let [rows, columns, at, cells] = [0, 0, [0, 0], []];

    function build() {
      cells = Array.from({ length: rows * columns }, () => h("div", { role: "gridcell",
        "data-lm-suppress-shortcuts": "true" }));
      node.style.setProperty("--columns", columns);
      node.replaceChildren(...Array.from({ length: rows }, (_, row) =>
        h("div", { role: "row" }, ...cells.slice(row * columns, (row + 1) * columns))));
    }

    function go(row, column) {
      if (row < 0 || column < 0 || row >= rows || column >= columns) return;
      at = [row, column];
      pick(row, column);
    }

    function pointed(event) {
      const index = cells.indexOf(event.target.closest("[role=gridcell]"));
      if (index >= 0) go(Math.floor(index / columns), index % columns);
    }

    node.addEventListener("click", pointed);
    if (hover) node.addEventListener("pointerover", pointed);
    node.addEventListener("keydown", (event) => {
      const [row, column] = at;
      if (event.key in STEPS) go(row + STEPS[event.key][0], column + STEPS[event.key][1]);
      else if (event.key === "Home") go(row, 0);
      else if (event.key === "End") go(row, columns - 1);
      else return;
      event.preventDefault();
      cells[at[0] * columns + at[1]].focus();
    });

    function paintCell(cell, chosen, { label = "", text = "", fill = "", ink = "", kind = "" }) {
      if (cell.textContent !== text) cell.textContent = text;
      set(cell, "aria-label", label);
      set(cell, "aria-selected", String(chosen));
      set(cell, "tabindex", chosen ? "0" : "-1");
      set(cell, "class", kind);
      set(cell, "style", `background:${fill};color:${ink}`);
    }

    function paint(table) {
      const rebuilt = table.rows !== rows || table.columns !== columns;
      ({ rows, columns, at } = table);
      if (rebuilt) build();
      cells.forEach((cell, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        paintCell(cell, row === at[0] && column === at[1], table.cell(row, column));
      });
    }

    return { node, paint };
  }

  ui.cells = { arrowGrid };
})();
