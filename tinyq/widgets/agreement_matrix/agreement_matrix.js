/* The agreement matrix: runtimes across, operators down; the first case that differs, again. */
(() => {
  const { agreementMatrixReplay, cells, frame, int8, kit, agreement } = globalThis.tinyqWidgets;
  const { LINEAR, replay, steps } = agreementMatrixReplay;
  const { h, show } = kit;
  const OWN = "own";
  const DASH = "\u2013";

  /* ledger: of tools/agreement_data.py, the page's own where there is no data. */
  function prepare(data) {
    const ledger = data ?? agreement;
    const names = (key) => [...new Set(ledger.pairs.map((pair) => pair[key]))];
    const key = (...names) => JSON.stringify(names);
    const at = new Map(ledger.pairs.map((pair) => [key(pair.runtime, pair.operator), pair]));
    return { ledger, own: Boolean(data), runtimes: names("runtime"), operators: names("operator"),
      pair: (runtime, operator) => at.get(key(runtime, operator)) };
  }

  function equalOf(pair, rule) {
    const tally = pair?.rules[rule];
    return tally && pair.cases ? tally.equal : null;
  }

  /* As tinyq.plots.agreement.share: a percentage cut down, so that it never reads 100. */
  function share(equal, pair) {
    if (equal === null) return DASH;
    return equal === pair.cases ? "all"
      : (Math.floor((equal * 1000) / pair.cases) / 10).toFixed(1);
  }

  function value({ rule, row, column }, { ledger, runtimes, operators, pair }) {
    for (const [name, index, names] of [["row", row, operators], ["column", column, runtimes]]) {
      if (index >= names.length) {
        throw new RangeError(`${name} must be in 0 to ${names.length - 1}.`);
      }
    }
    const [operator, runtime] = [operators[row], runtimes[column]];
    const { setting = null, cases = 0, refused = 0, rules = {} } = pair(runtime, operator) ?? {};
    const { equal = null, largest = null, first = null } = rules[rule] ?? {};
    const narrow = operator === "dense" && ledger.float32_products.includes(runtime);
    return {
      rule, row, column,
      matrix: operators.map((one) => runtimes.map((name) => equalOf(pair(name, one), rule))),
      operator, runtime, setting, cases, refused, equal, largest, first,
      answer: first ? first.runtime : null,
      replayed: replay(operator, first, rule === OWN ? setting : rule, narrow && rule === OWN),
      own_replayed: LINEAR.includes(operator) ? replay(operator, first, setting, narrow) : null,
    };
  }

  const ruleWords = (v) => (v.rule === OWN ? `its own rule, ${v.setting}` : v.rule);

  function sentence(v, { pair }) {
    const cell = `${v.operator} on ${v.runtime}`;
    if (v.equal === null) {
      return `${v.rule} says nothing on ${v.operator}: no rounding of a product is in it.`;
    }
    const { refusal } = pair(v.runtime, v.operator);
    const refused = v.refused ? ` ${v.refused} more it does not take: ${refusal}.` : "";
    if (!v.cases) return `${cell}: the runtime took no case.${refused}`;
    if (v.equal === v.cases) {
      return `${cell}: every byte of ${v.cases} cases is equal under ${ruleWords(v)}.${refused}`;
    }
    const ours = v.replayed === null ? "" : ` and ${v.rule} ${show(v.replayed)}`;
    const first = v.first ? ` In the first that differs, case ${v.first.index}, the runtime ` +
      `gives ${show(v.answer)}${ours}.` : "";
    return `${cell}: under ${ruleWords(v)} ${v.equal} of ${v.cases} cases have every byte equal, ` +
      `the others are off by at most ${v.largest}.${first}${refused}`;
  }

  /* ---- The call ---- */

  const floats = (numbers) => numbers.map((x, i) => (i ? x : kit.pyFloat(x))).join(", ");
  const grid = (pair) => `tinyq.Grid(${floats(pair)})`;

  function replayCall({ operator, first, rule, setting }, narrow) {
    const rounding = `tinyq.Rounding.${rule === OWN ? setting : rule}`;
    if (LINEAR.includes(operator)) {
      const [a, b] = [first.in_scale, first.weight_scale].map(kit.pyFloat);
      const scale = narrow ? `float(np.float32(${a}) * np.float32(${b}))` : `${a} * ${b}`;
      const wrap = rounding.endsWith("FLOAT32") ? "total" : "total.astype(np.int32)";
      return `grid = ${grid(first.out_grid)}
requantizer = tinyq.Requantizer.from_scales(1.0, [${scale}], grid.scale, ${rounding})
total = requantizer.rescale(np.int32([${first.acc}])) + grid.zero_point
code = np.clip(${wrap}, grid.qmin, grid.qmax)[0]`;
    }
    if (operator === "add") {
      const grids = [first.a_grid, first.b_grid, first.out_grid].map(grid).join(", ");
      return `add = tinyq.layers.QAdd.from_float(${grids}, rounding=${rounding})
code = add.forward(np.int8([[${first.a}]]), np.int8([[${first.b}]]))[0, 0]`;
    }
    const layer = operator === "mean"
      ? `tinyq.runtimes.QMean(${grid(first.in_grid)}, ${grid(first.out_grid)})`
      : `tinyq.layers.QGlobalAvgPool2D(${grid(first.grid)})`;
    return `layer = ${layer}
code = layer.forward(np.int8(${JSON.stringify(first.window)})[None, ..., None])[0, 0]`;
  }

  function call(v, { ledger, own }) {
    const narrow = v.rule === OWN && v.operator === "dense" &&
      ledger.float32_products.includes(v.runtime);
    const pairs = own ? "# ledger: your own" : `from tinyq.widgets.agreement_matrix import packaged
ledger = packaged()`;
    if (v.equal === null) return `${pairs.replace(/^#.*$/, "")}\nNone, None`.trim();
    const code = v.replayed === null ? "" : `${replayCall(v, narrow)}\n`;
    return `import numpy as np, tinyq.runtimes
${pairs}
cells = {(pair["runtime"], pair["operator"]): pair["rules"] for pair in ledger["pairs"]}
tally = cells[${kit.pyText(v.runtime)}, ${kit.pyText(v.operator)}]["${v.rule}"]
${code}tally["equal"], ${v.replayed === null ? "None" : "int(code)"}`;
  }

  function formulas(v, { ledger }) {
    const rule = v.rule === OWN ? v.setting : v.rule;
    const words = ledger.words[rule];
    const rescales = LINEAR.concat("add").includes(v.operator);
    const about = words && rescales
      ? `${rule}: ${words}`.split("; ").map((step) => step.split(" = ")) : [];
    return v.replayed === null ? about
      : [...about, ...steps(v.operator, v.first, rule, v.replayed)];
  }

  /* ---- The figure ---- */

  function view(root, api) {
    const { runtimes, operators } = api.ctx;
    const head = h("div", { class: "tinyq-runtimes", "aria-hidden": "true" },
      // where a column is narrow, "onnxruntime" breaks here and not before its last letter
      ...runtimes.map((name) => h("span", {}, name.replace("onnx", "onnx\u200b"))));
    const side = h("div", { class: "tinyq-operators", "aria-hidden": "true" },
      ...operators.map((name) => h("span", {}, name.replaceAll("_", " "))));
    const table = cells.arrowGrid("Operators down, runtimes across", (row, column) =>
      api.change({ row, column }));
    const answers = h("div", { class: "tinyq-answers" });
    root.style.setProperty("--runtimes", runtimes.length);
    const caption = h("p", { class: "tinyq-measured" });
    const matrix = h("div", { class: "tinyq-matrix" }, h("div"), head, side, table.node);
    root.append(caption, matrix, answers);

    const answer = (words, code, kind) => h("div", { class: kind }, h("b", {}, show(code)),
      h("span", {}, words));

    function paint(v, { pair, ledger }) {
      caption.textContent = "Cases with every byte equal, in %, under " +
        `${v.rule === OWN ? "each runtime's own rule" : v.rule}. Measured ${ledger.date}.`;
      table.paint({ rows: operators.length, columns: runtimes.length, at: [v.row, v.column],
        cell(row, column) {
          const equal = v.matrix[row][column];
          const one = pair(runtimes[column], operators[row]);
          const text = share(equal, one);
          const kind = equal === null ? "none" : equal === one.cases ? "whole" : "part";
          const many = equal === null ? "no case" : `${equal} of ${one.cases} cases equal`;
          return { text, kind: `tinyq-${kind}`, ink: "var(--tq-text)",
            label: `${operators[row]} on ${runtimes[column]}: ${many}` };
        } });
      const differs = v.first !== null;
      answers.hidden = !differs;
      if (!differs) return;
      const rule = v.rule === OWN ? v.setting : v.rule;
      answers.replaceChildren(answer(`${v.runtime} answered`, v.answer, "tinyq-recorded"),
        ...(v.replayed === null ? [] : [answer(`by ${rule}, here`, v.replayed,
          v.replayed === v.answer ? "tinyq-recorded" : "tinyq-differs")]),
        ...(v.own_replayed === null || v.rule === OWN ? []
          : [answer(`by its own rule ${v.setting}, here`, v.own_replayed,
            v.own_replayed === v.answer ? "tinyq-recorded" : "tinyq-differs")]));
    }

    const limits = () => ({ row: { min: 0, max: operators.length - 1, step: 1 },
      column: { min: 0, max: runtimes.length - 1, step: 1 } });

    return { paint, limits };
  }

  const index = { kind: "hidden", min: 0, integer: true };
  const controls = {
    rule: { kind: "choice", value: "DOUBLE",
      options: [[OWN, "each runtime's own rule"], ...int8.ROUNDINGS] },
    row: { ...index, value: 0 }, column: { ...index, value: 2 },
  };

  frame.define("agreement-matrix",
    { title: "Agreement matrix", controls, prepare, value, sentence, call, formulas, view });
})();
