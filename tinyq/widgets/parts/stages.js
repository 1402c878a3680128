/* The tensors of a block from top to bottom, coloured by grid: a list with one tab stop.

   The arrow keys, Home and End walk over it, a click picks. A diamond stands where a requantizer
   makes a new grid; the line at the left is the skip. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { h } = ui.kit;
  const DIAMOND = "\u25c6";

  const put = (node, name, text) =>
    node.getAttribute(name) === text || node.setAttribute(name, text);

  /* What the lane at the left of row i shows, where the skip runs from one row to another. */
  function laneOf(i, [from, to]) {
    if (i < from || i > to) return "";
    return i === from ? "tinyq-from" : i === to ? "tinyq-to" : "tinyq-along";
  }

  /* The rows between which a network's skip runs. */
  function skipOf({ nodes }) {
    const names = ["input", ...nodes.map((node) => node.name)];
    const add = nodes.find((node) => node.inputs.length > 1);
    return [names.indexOf(add.inputs[1]), names.indexOf(add.name)];
  }

  /* A scale as the ledger prints it, or with its power of ten where that would show no digits. */
  const scaleText = (scale) =>
    (scale >= 1e-3 && scale < 100 ? scale.toFixed(5) : scale.toExponential(2))
      .replaceAll("-", "\u2212");

  /* label: of the list. pick(i): called as the reader moves. skip: see skipOf. heads: words above
     the name and the extra nodes.
     Returns { node, paint(rows, chosen) }; a row: { name, grid: 1.., requantizes, words: for a
     screen reader, extra: nodes after the name, the same ones at each paint }. */
  function stageList(label, pick, skip, heads) {
    const list = h("div", { role: "listbox", "aria-label": label });
    const head = h("div", { class: "tinyq-heads", "aria-hidden": "true" }, h("i"), h("b"),
      ...heads.map((words) => h("span", {}, words)));
    const node = h("div", { class: "tinyq-stages" }, head, list);
    let [items, at] = [[], 0];

    function build(rows) {
      items = rows.map(({ name, extra }, i) => h("div", { role: "option",
        "data-lm-suppress-shortcuts": "true" },
      h("i", { class: laneOf(i, skip) }), h("b"), h("code", {}, name), ...extra));
      list.replaceChildren(...items);
    }

    function go(i) {
      if (i < 0 || i >= items.length) return;
      at = i;
      pick(i);
    }

    list.addEventListener("click", (event) =>
      go(items.indexOf(event.target.closest("[role=option]"))));
    list.addEventListener("keydown", (event) => {
      const end = items.length - 1;
      const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: end }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      go(next);
      items[at].focus();
    });

    function paint(rows, chosen) {
      at = chosen;
      if (items.length !== rows.length) build(rows);
      rows.forEach(({ grid, requantizes, words }, i) => {
        put(items[i], "aria-label", words);
        put(items[i], "aria-selected", String(i === chosen));
        put(items[i], "tabindex", i === chosen ? "0" : "-1");
        put(items[i], "style", `--grid: var(--tq-${((grid - 1) % 6) + 1})`);
        items[i].children[1].textContent = requantizes ? DIAMOND : "";
      });
    }

    return { node, paint };
  }

  ui.stages = { stageList, skipOf, scaleText };
})();
