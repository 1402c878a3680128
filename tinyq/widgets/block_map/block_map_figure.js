/* The block map's pictures: a channel in float, in int8, and the error between them. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { kit, pixels } = ui;
  const { h, show } = kit;

  /* A picture whose cells are picked: pick(row, column) on hover and tap. */
  function panel(title, pick) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const cell = h("i");
    const frame = h("div", {}, canvas, cell);
    const note = h("span");
    const node = h("figure", {}, h("figcaption", {}, h("b", {}, title), " ", note), frame);

    function pointed(event) {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const index = (at, start, size, count) =>
        Math.min(Math.max(Math.floor(((at - start) / size) * count), 0), count - 1);
      pick(index(event.clientY, top, height, canvas.height),
        index(event.clientX, left, width, canvas.width));
    }
    canvas.addEventListener("click", pointed);
    canvas.addEventListener("pointermove", (event) =>
      event.pointerType === "mouse" && pointed(event));

    function paint(tensor, channel, colour, [row, column], words) {
      pixels.paint(canvas, tensor, channel, colour);
      const share = (part, whole) => `${(100 * part) / whole}%`;
      Object.assign(cell.style, { left: share(column, canvas.width), top: share(row, canvas.height),
        width: share(1, canvas.width), height: share(1, canvas.height) });
      note.textContent = words;
    }

    return { node, paint };
  }

  /* Three pictures and the numbers of the cell. */
  function pictures(pick) {
    const [float, int8, error] = ["float", "int8", "error"].map((title) => panel(title, pick));
    const numbers = h("dl");
    const node = h("div", { class: "tinyq-pictures", role: "img" }, float.node, int8.node,
      error.node, numbers);

    /* v: the widget's value; floats, codes: tensors, the latter with its grid. */
    function paint(v, floats, codes, label) {
      node.setAttribute("aria-label", label);
      const { scale, zero_point, qmin, qmax } = codes.grid;
      const [row, column, channel] = v.place.length === 1 ? [0, v.place[0], 0] : v.place;
      const ends = [qmin, qmax].map((code) => show(scale * (code - zero_point), 3));
      const at = [row, column];
      float.paint(floats, channel, (x) => pixels.grey((x / scale + zero_point - qmin) /
        (qmax - qmin)), at, `${ends[0]} to ${ends[1]}`);
      int8.paint(codes, channel, (code) => pixels.grey((code - qmin) / (qmax - qmin)), at,
        `codes ${show(qmin)} to ${show(qmax)}`);
      const steps = floats.data.map((x, i) => codes.data[i] - zero_point - x / scale);
      error.paint({ data: steps, shape: floats.shape }, channel, pixels.signed, at,
        "\u22121 to 1 step");
      numbers.replaceChildren(...Object.entries({
        "float": show(v.float, 5), "code": show(v.code), "stands for": show(v.dequantized, 5),
        "error": show(v.error, 3), "in steps": show(v.error / scale, 3),
        "scale": show(scale, 4), "zero_point": show(zero_point),
      }).flatMap(([name, number]) => [h("dt", {}, name), h("dd", {}, number)]));
    }

    return { node, paint };
  }

  ui.blockMapFigure = { pictures };
})();
