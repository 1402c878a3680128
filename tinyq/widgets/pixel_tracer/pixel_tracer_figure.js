/* The pixel tracer's parts: the six ranges as pairs of sliders, and the parity plot. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { h, show } = ui.kit;
  const { tag, text, path, rect, circle, svg, scale } = ui.figure;
  const { clamp } = ui.int8;
  const KEYS = { "data-lm-suppress-shortcuts": "true" };
  const three = (x) => Number(x.toPrecision(3)) + 0;

  /* A round number that leaves room beyond what was calibrated. */
  function reachOf({ lo, hi }) {
    const far = 1.4 * Math.max(Math.abs(lo), Math.abs(hi)) || 1;
    const power = 10 ** Math.floor(Math.log10(far));
    return Number((Math.ceil((far / power) * 2) / 2 * power).toPrecision(3));
  }

  /* One range: two native sliders that meet at zero. change(part): { stem_lo: -3 }. */
  function rangeRow(grid, number, range, change) {
    const reach = reachOf(range);
    const slider = (end, sign) => {
      const input = h("input", { type: "range", min: 0, max: reach, step: "any", ...KEYS,
        "aria-label": `${grid} ${end}`, class: `tinyq-${end}`,
        oninput: () => change({ [`${grid}_${end}`]: three(sign * Number(input.value)) }) });
      const seen = clamp(sign * range[end], 0, reach) / reach;
      const mark = h("i", { style: `--at: ${end === "lo" ? 1 - seen : seen}` });
      return { end, sign, input, node: h("span", {}, input, mark) };
    };
    const ends = [slider("lo", -1), slider("hi", 1)];
    const words = h("span");
    const node = h("div", { class: "tinyq-range", style: `--grid: var(--tq-${number})` },
      h("p", {}, h("b", {}, grid), words), h("div", {}, ...ends.map((one) => one.node)));

    function paint({ lo, hi, zero_point }, locked) {
      words.textContent = `${show(lo, 4)} … ${show(hi, 4)}, zero_point ${show(zero_point)}`;
      for (const { end, sign, input } of ends) {
        const at = { lo, hi }[end];
        const part = clamp(sign * at, 0, reach);
        if (Math.abs(Number(input.value) - part) > 1e-9 * reach) input.value = part;
        input.style.setProperty("--part", part / reach);
        input.setAttribute("aria-valuetext", show(at, 4));
        input.disabled = locked(`${grid}_${end}`);
      }
    }

    return { node, paint };
  }

  /* Float logits across, dequantized int8 ones up; a number names a logit. */
  function parity({ floats, dequantized, logit }, [lo, hi], size) {
    const [left, low] = [18, size - 18];
    const x = scale(lo, hi, left, size - 8);
    const y = scale(lo, hi, low, 8);
    const points = floats.map((float, i) => {
      const [px, py] = [x(clamp(float, lo, hi)), y(clamp(dequantized[i], lo, hi))];
      return tag("g", { "data-logit": i }, circle(px, py, 14, "touch")
        + circle(px, py, 5, i === logit ? "chosen" : "point")
        + text(px + 8, py + 12, i, "start", i === logit ? "title" : ""));
    });
    return svg(size, size, rect(left, 8, size - 8, low, "frame")
      + path(`M${x(lo)} ${y(lo)}L${x(hi)} ${y(hi)}`, "ideal") + points.join("")
      + text(size / 2, size - 4, "float logit", "middle", "faint")
      + tag("g", { transform: `rotate(-90 10 ${size / 2})` },
        text(10, size / 2, "int8, dequantized", "middle", "faint")));
  }

  ui.pixelTracerFigure = { rangeRow, parity };
})();
