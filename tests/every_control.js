/* A widget for tests/test_widgets_frame.py: every kind of control, a table, presets, data. */
(() => {
  const ui = globalThis.tinyqWidgets;
  const controls = {
    gain: { kind: "number", value: 0.01, min: 1e-6, max: 1000, log: true, label: "the gain" },
    count: { kind: "number", value: 3, min: 0, max: 9, step: 1, integer: true },
    bits: { kind: "choice", value: 8, options: [[2, "two bits"], [4, "four bits"], [8, "eight"]] },
    signed: { kind: "check", value: true },
    row: { kind: "hidden", value: 1, min: 0, max: 2, integer: true },
    column: { kind: "hidden", value: 1, min: 0, max: 3, integer: true },
    word: { kind: "hidden", value: "a" },
  };
  ui.counted = { prepare: 0, value: 0, paint: 0 };

  function prepare(data) {
    ui.counted.prepare += 1;
    if (!data) return { arrays: {} };
    const raw = ({ data, shape }) => [data.constructor.name, shape, [...new Uint8Array(data.buffer)]];
    return { arrays: Object.fromEntries(Object.entries(data).map(([k, one]) => [k, raw(one)])) };
  }

  function value(state, { arrays }) {
    ui.counted.value += 1;
    if (state.count === 7) throw new RangeError("count = 7 shows nothing. Take another.");
    return { ...state, arrays };
  }

  function view(root, api) {
    const pick = (row, column) => api.change({ row, column });
    const table = ui.cells.arrowGrid("Cells", pick, { hover: true });
    const cell = (row, column) => ({ label: `row ${row}, column ${column}`,
      text: `${row}${column}`, fill: "var(--tq-clip)", ink: "var(--tq-text)" });
    root.append(table.node);
    return {
      paint: (v) => {
        ui.counted.paint += 1;
        table.paint({ rows: 3, columns: 4, at: [v.row, v.column], cell });
      },
    };
  }

  ui.frame.define("every-control", {
    title: "Every control", controls, prepare, value, view,
    presets: { "Two": { bits: 2, count: 2 }, "Plain": { signed: false } },
    sentence: (v) => `The gain is ${ui.kit.show(v.gain)}, the count ${v.count}.`,
    call: (v) => `${v.count}`,
    formulas: (v) => [["count", String(v.count)]],
  });
})();
