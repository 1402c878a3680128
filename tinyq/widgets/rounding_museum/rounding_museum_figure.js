/* What the rounding museum looks like: a button a rule, the bits of each step, a loupe. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8, figure } = ui;
  const { h, put, show } = ui.kit;
  const COLUMNS = 64;
  const ROWS = 6; // at most: what stands below the figure shall not move

  const grouped = (x) => String(x).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f")
    .replace("-", "\u2212");

  /* The rows of bits: { words, integer, low, size, point }. Column 0 is the last bit of acc x
     multiplier; a row's own last bit lies in column low, the binary point right of column point. */
  function rowsOf(v) {
    const step = Object.fromEntries(v.steps);
    const [exact, point] = [31 + v.shift, 31 + Math.max(v.shift, 0)];
    const factor = (words, integer) =>
      ({ words: `${words} = ${grouped(integer)}`, integer, low: 0, size: 32, point: null });
    const fixed = (words, integer, low, size, at) => ({ words, integer, low, size, point: at });
    const result = (at, how) => fixed(`result = ${how} = ${grouped(v.results[v.rounding])}`,
      BigInt(v.results[v.rounding]), at, COLUMNS - at, at);
    const multiplier = factor("multiplier", BigInt(v.multiplier));
    const acc = factor("acc", BigInt(v.acc));
    const scaled = (x) => BigInt(x * 2 ** exact); // exact: x has 53 bits at most
    if (v.rounding === "FLOAT32") {
      return [
        factor("float32(acc), 24 bits", BigInt(step.acc32)),
        factor(`float32(ratio) \u00d7 2^${exact}, 24 bits`, scaled(step.ratio32)),
        fixed(`float32(product), 24 bits: ${show(step.product, 10)}`, scaled(step.product), 0,
          COLUMNS, exact),
        result(exact, "rint(product), ties to even")];
    }
    if (v.rounding === "FLOAT64") {
      return [acc, multiplier,
        fixed(`float64(product), 53 bits: ${show(step.product, 12)}`, scaled(step.product), 0,
          COLUMNS, exact),
        result(exact, "round(product), ties away from zero")];
    }
    const [product, at] = [BigInt(step.product), v.rounding === "SINGLE" ? exact : point];
    const shifted = step.shifted === undefined ? []
      : [factor(`acc << ${-v.shift}, wrapped to 32 bits`, BigInt(step.shifted))];
    const rows = [acc, ...shifted, multiplier,
      fixed(`product = ${grouped(product)}`, product, 0, COLUMNS, at)];
    if (v.rounding === "SINGLE") {
      return [...rows, fixed(`product + 2^${exact - 1}, one half`, BigInt(step.nudged), 0, COLUMNS,
        at), result(at, `shifted right by ${exact}`)];
    }
    const way = v.rounding === "UP" ? "ties up" : "ties away from zero";
    return [...rows, fixed(`high = (product + 2^30) >> 31 = ${grouped(step.high)}`,
      BigInt(step.high), 31, 33, at), result(at, `high / 2^${at - 31}, ${way}`)];
  }

  /* One row: its words, and a cell a bit, filled for 1. */
  function bitsOf({ words, integer, low, size, point }, y, width) {
    const bit = width / COLUMNS;
    const bits = BigInt.asUintN(size, integer).toString(2).padStart(size, "0");
    const cells = { whole: "", part: "", zero: "" };
    Array.from(bits).forEach((digit, i) => {
      const column = low + size - 1 - i;
      const x = (COLUMNS - 1 - column) * bit;
      const kind = digit === "0" ? "zero" : point !== null && column < point ? "part" : "whole";
      const wide = (bit - 1).toFixed(2);
      cells[kind] += `M${x.toFixed(2)} ${y + 5}h${wide}v12h-${wide}z`;
    });
    const at = (COLUMNS - (point ?? 0)) * bit - 0.5;
    return figure.text(0, y, words, "start", "faint") +
      Object.entries(cells).map(([kind, d]) => figure.path(d, `bit ${kind}`)).join("") +
      (point === null ? "" : figure.path(`M${at} ${y + 2}v18`, "zero"));
  }

  function bitsFigure(v, width) {
    const rows = rowsOf(v);
    const body = rows.map((row, i) => bitsOf(row, 30 + 38 * i, width)).join("");
    const wide = width >= 500 ? ": blue above the binary point, orange below it" : "";
    const title = figure.title(12, `${v.rounding}, bit by bit${wide}`);
    return figure.svg(width, 24 + 38 * ROWS, title + body);
  }

  /* What the rule's steps make of the number on its way: [[words, number], ...]. */
  function stages(v) {
    const step = Object.fromEntries(v.steps);
    if (step.high !== undefined) {
      return [["first rounding", Number(step.high) / 2 ** Math.max(v.shift, 0)]];
    }
    return v.rounding === "SINGLE" ? [] : [[`in ${v.rounding.toLowerCase()}`, step.product]];
  }

  /* A piece of the number line around the half next to the exact product, as wide as it must. */
  function loupe(v, width) {
    const result = v.results[v.rounding];
    const half = Math.floor(v.exact) + 0.5;
    const marks = stages(v).filter(([, x]) => Math.abs(x - half) <= 1);
    const off = [v.exact, ...marks.map(([, x]) => x)].map((x) => Math.abs(x - half));
    const reach = Math.min(0.55, 1.6 * Math.max(...off) || 0.55);
    const at = figure.scale(half - reach, half + reach, 12, width - 12);
    const [low, high] = [Math.floor(half), Math.ceil(half)];
    const near = Math.abs(result - half) < 1;
    const zone = (x0, x1, on, words, anchor, x) =>
      figure.rect(x0, 24, x1, 50, on ? "band" : "clip") + figure.text(x, 41, words, anchor);
    // Words lead away from the other mark, unless the edge is near.
    const spot = (x, y, words, kind, other) => {
      const room = 6.5 * words.length;
      const left = x < other ? x > room : x > width - room;
      return figure.path(`M${x} 50V${y - 14}`, "way") +
        (kind === "diamond" ? figure.path(`M${x} 43l6 7l-6 7l-6 -7z`, "diamond")
          : figure.circle(x, 50, 6, "result")) +
        figure.text(x + (left ? 4 : -4), y, words, left ? "end" : "start", "halo");
    };
    const title = reach < 0.5 ? `Around ${show(half, 10)}, magnified ${show(0.5 / reach, 2)} times`
      : `From ${show(low, 10)} to ${show(high, 10)}`;
    const body = [
      figure.title(12, title),
      zone(12, at(half), near && result === low, `nearer to ${show(low, 10)}`, "start", 18),
      zone(at(half), width - 12, near && result === high, `nearer to ${show(high, 10)}`, "end",
        width - 18),
      figure.path(`M12 50H${width - 12}`, "axis"), figure.path(`M${at(half)} 20V56`, "zero"),
      ...marks.map(([words, x]) =>
        spot(at(x), 104, `${words}: ${show(x, 10)}`, "circle", at(v.exact))),
      spot(at(v.exact), 80, `exact: ${show(v.exact, 10)}`, "diamond", at(marks[0]?.[1] ?? half)),
    ];
    return figure.svg(width, 112, body.join(""));
  }

  function view(root, api) {
    const buttons = int8.ROUNDINGS.map((rounding) => h("button", { type: "button",
      onclick: () => api.change({ rounding }) }, h("span", {}, rounding), h("b")));
    const image = h("div", { role: "img" });
    const rules = h("div", { class: "tinyq-rules", role: "group", "aria-label": "Rules" });
    rules.append(...buttons);
    root.append(rules, image);
    let reach = 16384;

    function paint(v, ctx, width) {
      if (!api.held) reach = 2 ** Math.max(14, Math.ceil(Math.log2(Math.abs(v.acc) + 1)));
      const least = Math.min(...Object.values(v.results));
      buttons.forEach((button, i) => {
        const rule = int8.ROUNDINGS[i];
        button.setAttribute("aria-pressed", rule === v.rounding);
        button.disabled = api.locked("rounding");
        button.dataset.upper = v.results[rule] > least;
        button.lastChild.textContent = show(v.codes[rule]);
        button.setAttribute("aria-label", `${rule}: code ${show(v.codes[rule])}`);
      });
      image.setAttribute("aria-label", `${v.rounding}: ` +
        rowsOf(v).map(({ words }) => words).join("; "));
      put(image, loupe(v, width) + bitsFigure(v, width));
    }

    /* The slider of acc reaches a power of two, lest small numbers share a pixel. */
    const limits = () => ({ acc: { min: Math.max(-reach, -(2 ** 31)),
      max: Math.min(reach, 2 ** 31 - 1), step: 1 } });
    return { paint, limits };
  }

  ui.roundingMuseumFigure = { view };
})();
