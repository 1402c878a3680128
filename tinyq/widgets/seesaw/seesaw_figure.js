/* The seesaw's figure: pure functions from the numbers to SVG text.

   A plank a channel, from its largest weight where it is made to that where it is read, heights on
   a logarithmic axis: the middle of a plank is sqrt(r1 r2) and stays where it is. Below, what
   quantization makes of both tensors. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { clamp } = ui.int8;
  const { show } = ui.kit;
  const { text, path, circle, fill, title, scale } = ui.figure;
  const PLANKS = { top: 52, bottom: 252 };
  const BARS = 306;
  const ROW = 34;
  const HEIGHT = BARS + 4 * ROW + 2;
  const GRIP = 24; // pixels

  /* A reach in three digits, and in few letters. */
  const short = (x) => (x > 0 && x < 1e-3
    ? x.toExponential(2).replace("-", "\u2212") : show(x, 3));

  const side = (width) => (width < 480 ? 62 : 120);

  /* The map from a reach to pixels; a reach of 0 stands at the bottom. */
  function heights({ made, read, mades, reads }) {
    const some = [...made, ...read, ...mades, ...reads].filter((x) => x > 0).map(Math.log10);
    const [lo, hi] = some.length ? [Math.min(...some), Math.max(...some)] : [0, 1];
    const spare = (hi - lo) * 0.06 || 0.5;
    return { lo: lo - spare, hi: hi + spare };
  }

  const mapOf = ({ lo, hi }) => {
    const at = scale(lo, hi, PLANKS.bottom, PLANKS.top);
    return (x) => (x > 0 ? clamp(at(Math.log10(x)), PLANKS.top - 8, PLANKS.bottom + 8)
      : PLANKS.bottom);
  };

  /* The plank end within reach of a pointer: { channel, end, reach, grip: how far it is below the
     pointer }; the chosen channel first. */
  function endAt(v, px, py, width) {
    if (!v) return null;
    const y = mapOf(heights(v));
    const ends = v.mades.flatMap((made, channel) => [
      { channel, end: "made", reach: v.made[channel], x: side(width), y: y(made) },
      { channel, end: "read", reach: v.read[channel], x: width - side(width),
        y: y(v.reads[channel]) }]);
    const far = (one) => Math.hypot(one.x - px, one.y - py)
      - (one.channel === v.channel ? 8 : 0);
    const near = ends.reduce((best, one) => (far(one) < far(best) ? one : best));
    return far(near) <= GRIP ? { ...near, grip: near.y - py } : null;
  }

  /* The factor that puts a held end at height py. */
  function factorAt({ end, reach, heights: { lo, hi } }, py) {
    if (!(reach > 0)) return 1;
    const wanted = 10 ** scale(PLANKS.bottom, PLANKS.top, lo, hi)(
      clamp(py, PLANKS.top - 8, PLANKS.bottom + 8));
    const factor = end === "made" ? wanted / reach : reach / wanted;
    return clamp(Number(factor.toPrecision(3)), 0.001, 1000);
  }

  function plank(v, c, y, width) {
    const [left, right] = [side(width), width - side(width)];
    const [a, b] = [y(v.mades[c]), y(v.reads[c])];
    const chosen = c === v.channel;
    const dot = (x, at) => circle(x, at, chosen ? 8 : 4, chosen ? "grip" : "end");
    return path(`M${left} ${a}L${right} ${b}`, chosen ? "way" : "plank") + dot(left, a)
      + dot(right, b);
  }

  /* Which channel is the largest of a side: in one tensor it sets the scale for all. */
  const loudest = (all) => all.indexOf(Math.max(...all));

  function planks(v, width, view) {
    const y = mapOf(view);
    const [left, right, middle] = [side(width), width - side(width), width / 2];
    const others = v.mades.map((_, c) => c).filter((c) => c !== v.channel);
    const pivot = y(Math.sqrt(v.made_now * v.read_now));
    const wide = width >= 480;
    const name = (x, anchor, all) => {
      const c = loudest(all);
      const words = wide ? "sets the scale" : "scale";
      return v.per_channel ? "" : text(x, y(all[c]) - 12, words, anchor, "faint");
    };
    const powers = [];
    for (let power = Math.ceil(view.lo); power <= view.hi; power += 1) powers.push(power);
    const grid = powers.map((power) => path(`M${left} ${y(10 ** power)}H${right}`, "ideal"));
    const level = path(`M${left} ${pivot}H${right}`, "level");
    const words = powers.map((power) =>
      text(left + 10, y(10 ** power) - 3, show(10 ** power), "start", "faint halo")).join("")
      + text(right - 12, pivot - 6, `level: f = ${show(v.balanced, 3)}`, "end", "faint halo");
    return title(14, "Largest weight of each channel, log scale")
      + text(left, 34, wide ? "made, first layer" : "made", "middle")
      + text(right, 34, wide ? "read, second layer" : "read", "middle")
      + path(`M${left} ${PLANKS.top - 8}V${PLANKS.bottom + 8}M${right} ${PLANKS.top - 8}V` +
        `${PLANKS.bottom + 8}`, "axis") + grid.join("")
      + others.map((c) => plank(v, c, y, width)).join("") + level
      + path(`M${middle} ${pivot}l12 20h-24z`, "pivot") + plank(v, v.channel, y, width) + words
      + text(left - 14, y(v.made_now) + 4, short(v.made_now), "end", "title")
      + text(right + 14, y(v.read_now) + 4, short(v.read_now), "start", "title")
      + name(left - 14, "end", v.mades) + name(right + 14, "start", v.reads);
  }

  function bars(v, width) {
    const db = (number) => (number === null ? "exact" : `${show(number, 3)} dB`);
    const rows = [
      [`first layer, channel ${v.channel}`, v.made_sqnr, `codes to ${v.made_code}, `, "probe"],
      ["first layer, all channels", v.first_sqnr, "", "grid"],
      [`second layer, channel ${v.channel}`, v.read_sqnr, `codes to ${v.read_code}, `, "probe"],
      ["second layer, all channels", v.second_sqnr, "", "grid"],
    ];
    const at = scale(0, 60, 0, width);
    const row = ([words, sqnr, codes, colour], i) => {
      const y = BARS + i * ROW;
      const end = at(clamp(sqnr ?? 60, 0, 60));
      return text(0, y + 13, words, "start") + text(width, y + 13, codes + db(sqnr), "end")
        + fill(0, y + 18, width, 8, "clip") + fill(0, y + 18, end, 8, colour);
    };
    return title(BARS - 12, "SQNR of the weight codes") + rows.map(row).join("");
  }

  const draw = (v, width, view) => planks(v, width, view) + bars(v, width);

  ui.seesawFigure = { HEIGHT, draw, heights, endAt, factorAt };
})();
