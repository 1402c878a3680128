/* What the add balancer looks like: a map of all pairs, and the bits that each step fills. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { figure } = ui;
  const { h, put, show } = ui.kit;
  // On a transparent canvas, seen on white and on black alike; the legend in widgets.css has them.
  const colour = (...bytes) => new Uint32Array(Uint8Array.from(bytes).buffer)[0];
  const CLIPPED = colour(128, 134, 142, 70);
  const PAIR = colour(40, 134, 190, 255);
  const [MISS, FAR] = [colour(240, 138, 60, 255), colour(200, 70, 0, 255)];

  /* Paint the map: code_a to the right, code_b upwards. */
  function paintMap(canvas, { codes, nearest, off }, pairs) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(256, 256);
    const pixels = new Uint32Array(image.data.buffer);
    const place = (i) => (255 - (i & 255)) * 256 + (i >> 8);
    for (let i = 0; i < 65536; i += 1) if (off[i]) pixels[place(i)] = CLIPPED;
    for (const i of pairs) pixels[place(i)] = PAIR;
    for (let i = 0; i < 65536; i += 1) {
      const far = Math.abs(codes[i] - nearest[i]);
      if (far) pixels[place(i)] = far > 1 ? FAR : MISS;
    }
    context.putImageData(image, 0, 0);
  }

  /* A bar from 0 to log2 |x| bits; the last `fraction` of them are light. */
  function bar(at, y, words, x, fraction, wrong) {
    const bits = x === 0 ? 0 : Math.max(Math.log2(Math.abs(x)), 0.15);
    const kind = wrong ? "bad" : "good";
    const box = (from, to, light) => figure.box(at(from), y + 4, at(to) - at(from), 11,
      { class: `bits ${kind} ${light}` });
    const split = Math.min(bits, fraction);
    return figure.text(0, y, words, "start", "faint") +
      box(0, split, "light") + box(split, Math.min(bits, 32), "");
  }

  /* How far each number fills int32, and where it ends. */
  function bitsFigure(v, width) {
    const { most, left_shift: shift, steps, shifted, parts, total } = v;
    const at = figure.scale(0, 32, 0, width - 8);
    const wrapped = (i) => steps[i] * 2 ** shift !== shifted[i];
    const line = (name, i) => [`${name}: ${show(steps[i])} steps << ${shift}` +
      (wrapped(i) ? ", wrapped" : ""), steps[i] * 2 ** shift, shift, wrapped(i)];
    const bars = [
      [`furthest code: ${most} steps << ${shift}`, most * 2 ** shift, shift, v.headroom <= 1],
      line("a", 0), line("b", 1),
      ["u_a, on the common scale", parts[0], shift, wrapped(0)],
      ["u_b, on the common scale", parts[1], shift, wrapped(1)],
      ["u_a + u_b", total, shift, wrapped(0) || wrapped(1)],
    ];
    const rows = bars.map((one, i) => bar(at, 34 + 30 * i, ...one)).join("");
    const end = 34 + 30 * bars.length - 8;
    const ticks = [0, 8, 16, 24].map((bit) => figure.path(`M${at(bit)} ${end}v4`, "axis") +
      figure.text(at(bit), end + 16, String(bit), bit ? "middle" : "start", "faint")).join("");
    const edge = figure.path(`M${at(31)} 22V${end + 4}`, "zero") +
      figure.text(at(31), end + 16, "31", "middle");
    return figure.svg(width, end + 36, figure.title(12, "Bits of int32; light: the fraction") +
      rows + figure.path(`M0 ${end}H${at(32)}`, "axis") + ticks + edge);
  }

  /* The exact sum among the codes around it. */
  function sumFigure(v, width) {
    const middle = Math.round(v.in_steps);
    const at = figure.scale(middle - 2.5, middle + 2.5, 0, width);
    const cells = [-2, -1, 0, 1, 2].map((k) => {
      const code = middle + k + v.zero_point_out;
      const inside = code >= -128 && code <= 127;
      const kind = inside && code === v.code ? "band" : inside ? "frame" : "clip";
      return figure.rect(at(middle + k - 0.5), 22, at(middle + k + 0.5), 46, kind) +
        figure.text(at(middle + k), 60, inside ? show(code) : "\u2013", "middle", "faint");
    });
    const x = at(v.in_steps);
    const diamond = figure.path(`M${x} 27l6 7l-6 7l-6 -7z`, "diamond");
    const words = `The sum among its codes: ${show(v.in_steps, 6)} steps`;
    return figure.svg(width, 66, figure.title(12, words) + cells.join("") + diamond);
  }

  function view(root, api, tables) {
    const canvas = h("canvas", { width: 256, height: 256, role: "img" });
    const cross = h("div", { class: "tinyq-cross" });
    const map = h("div", { class: "tinyq-map" }, canvas, cross);
    const side = h("div", { role: "img" });
    const swatch = (kind, words) => h("span", {}, h("i", { class: kind }), words);
    const legend = h("p", { class: "tinyq-legend" }, swatch("miss", "off by one"),
      swatch("more", "off by more"), swatch("own", "pairs of the network"),
      swatch("clipped", "off the grid: clipped"));
    root.append(h("div", { class: "tinyq-pair" },
      h("div", {}, h("p", { class: "tinyq-caption" }, "All pairs: code a to the right, code b up"),
        map, legend), side));

    function pick(event) {
      if (event.type === "pointermove" && !event.buttons) return;
      const { left, top, width } = canvas.getBoundingClientRect();
      const place = (pixels) => Math.min(255, Math.max(0, Math.floor((256 * pixels) / width)));
      api.change({ code_a: place(event.clientX - left) - 128,
        code_b: 127 - place(event.clientY - top) });
    }
    for (const event of ["pointerdown", "pointermove"]) canvas.addEventListener(event, pick);

    let painted = [];
    function paint(v, { pairs }, width) {
      const every = tables.get(v);
      if (painted[0] !== every || painted[1] !== pairs) paintMap(canvas, every, pairs);
      painted = [every, pairs];
      canvas.setAttribute("aria-label", `Map of all pairs: ${v.missed} miss the nearest code, ` +
        `${v.clipped} lie off the grid; ${v.pairs_missed} of the network's ${v.pairs} miss`);
      cross.style.left = `${((v.code_a + 128.5) / 256) * 100}%`;
      cross.style.top = `${((127.5 - v.code_b) / 256) * 100}%`;
      const room = width < 520 ? width : (width - 12) / 2;
      side.setAttribute("aria-label", `${v.most} steps fill ` +
        `${show(Math.log2(v.most * 2 ** v.left_shift), 4)} of 31 bits; the sum is ` +
        `${show(v.in_steps, 6)} steps, its code ${show(v.code)}`);
      put(side, bitsFigure(v, room) + sumFigure(v, room));
    }

    return { paint };
  }

  ui.addBalancerFigure = { view };
})();
