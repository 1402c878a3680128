/* What the grid passport looks like: the list of layers, a stamp, the codes before and after. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { figure, heat, stages } = ui;
  const { h, put, show } = ui.kit;

  const verbOf = (kind, requantizes) =>
    (kind === "input" ? "quantizes" : requantizes ? "requantizes" : "passes");

  const colourOf = (number) => `var(--tq-${((number - 1) % 6) + 1})`;

  /* A channel's codes as a picture, with numbers where they fit; marked: which cells stand out. */
  function picture({ size: [rows, columns], codes }, zero, colour, marked = () => false) {
    const [wide, cell] = [190, Math.min(190 / columns, 48)];
    const large = cell > 20;
    const steps = codes.map((code) => code - zero);
    const corner = (x, y) => `M${x + cell} ${y}v${cell / 3}l${-cell / 3} ${-cell / 3}z`;
    const look = { most: 128, above: colour, below: "var(--tq-faint)", plain: !large };
    return figure.tag("svg", { viewBox: `-1 -1 ${wide + 2} ${rows * cell + 2}`,
      style: `max-width:${wide + 2}px`, "aria-hidden": "true" },
    heat.fills(steps, columns, cell, look) + (large ? heat.labels(codes, columns, cell) : "") +
      heat.marks(codes, columns, cell, marked, corner, "heat-corner") +
      figure.rect(0, 0, columns * cell, rows * cell, "frame"));
  }

  const channelWords = ({ channel, channels, size }) =>
    (channels > 1 ? `channel ${channel}` : `${size[1]} numbers`);

  function sheet(title, words, body) {
    const node = h("div");
    put(node, body);
    node.prepend(h("p", { class: "tinyq-caption" }, title),
      h("p", { class: "tinyq-channel" }, words));
    return node;
  }

  /* The codes before, after, and after a needless requantizer. */
  function sheets(v, grids) {
    const before = v.before.map((one, i) => sheet(`Before, on grid ${v.in_grids[i]}`,
      `${one.name}, ${channelWords(one)}`,
      picture(one, grids[one.name].zero_point, colourOf(v.in_grids[i]))));
    const after = sheet(`After, on grid ${v.grid}`, `${v.name}, ${channelWords(v.after)}`,
      picture(v.after, v.zero_point, colourOf(v.grid)));
    if (!v.cost) return [...before, after];
    const { after: codes, zero_point } = v.cost;
    const changed = codes.filter((code, i) => code !== v.after.codes[i]).length;
    return [...before, after, sheet("Requantized once more",
      `${changed} of ${codes.length} codes are new`,
      picture({ ...v.after, codes }, zero_point, "var(--tq-text)",
        (i) => codes[i] !== v.after.codes[i]))];
  }

  /* The stamp: what the layer does to its grid. */
  function stampOf(v) {
    const words = verbOf(v.kind, v.requantizes).toUpperCase();
    const from = v.in_grids.length ? `grid ${v.in_grids.join(" and ")} \u2192 ` : "";
    const same = v.passes ? ", the same object" : "";
    return [h("b", {}, words), h("span", {}, `${from}grid ${v.grid}${same}`)];
  }

  function view(root, api) {
    const { qnet, numbers, count } = api.ctx;
    const kinds = ["input", ...qnet.nodes.map((node) => node.kind)];
    const owns = ["input", ...qnet.nodes].map((node, i) => i > 0 &&
      !node.inputs.some((input) => qnet.grids[input] === qnet.grids[node.name]));
    const names = Object.keys(numbers);
    const verbs = names.map((_, i) => h("span", {}, verbOf(kinds[i], owns[i])));
    const listed = stages.stageList("Layers, from the image to the logits",
      (stage) => api.change({ stage }), stages.skipOf(qnet), ["layer", "stamp"]);
    const [stamp, codes] = [h("div", { class: "tinyq-stamp" }), h("div", { role: "img",
      class: "tinyq-sheets" })];
    const passing = owns.slice(1).filter((own) => !own).length;
    const legend = h("p", { class: "tinyq-caption" }, `${passing} of ${names.length - 1} layers ` +
      `pass; ${names.length - 1 - passing} and the input own the ` +
      `${new Set(Object.values(numbers)).size} grids.`);
    root.append(listed.node, h("div", {}, legend, stamp, codes));

    function paint(v, ctx) {
      listed.paint(names.map((name, i) => ({ name, grid: numbers[name], requantizes: owns[i],
        extra: [verbs[i]], words: `${name}, ${verbs[i].textContent}, grid ${numbers[name]}` })),
      v.stage);
      stamp.style.setProperty("--grid", colourOf(v.grid));
      stamp.replaceChildren(...stampOf(v));
      codes.setAttribute("aria-label", `Codes of ${v.name} before and after`);
      codes.replaceChildren(...sheets(v, ctx.qnet.grids));
    }

    const limits = () => ({ image: { min: 0, max: count - 1, step: 1 },
      channel: { min: 0, max: Math.max(...qnet.nodes.map((node) =>
        node.weights?.shape[0] ?? 0), 1) - 1, step: 1 } });
    return { paint, limits };
  }

  ui.gridPassportFigure = { view };
})();
