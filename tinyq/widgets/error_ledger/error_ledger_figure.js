/* The error ledger's parts: a bar of decibels a tensor, the scans, the logits of one of them. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { kit, pixels } = ui;
  const { text, path, rect, svg, scale } = ui.figure;
  const { h } = kit;
  const MOST = 60; // dB at the right end of a bar

  const percent = (decibels) => `${(100 * Math.min(Math.max(decibels ?? 0, 0), MOST)) / MOST}%`;

  /* A bar for SQNR, with a tick where it stands with 8 bits everywhere. */
  function bar() {
    const [fill, tick, words] = [h("i"), h("u"), h("span")];
    const node = h("div", { class: "tinyq-decibels" }, fill, tick);
    const paint = (decibels, whole) => {
      fill.style.width = percent(decibels);
      tick.style.left = percent(whole);
      words.textContent = decibels === null ? "\u2013" : `${decibels.toFixed(1)}`
        .replace("-", "\u2212");
    };
    return { nodes: [node, words], paint };
  }

  /* The scans as buttons with one tab stop; pick(i) as the reader moves. */
  function scanList(images, pick) {
    const [count, height, width, channels] = images.shape;
    const size = height * width * channels;
    const buttons = Array.from({ length: count }, (_, i) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      const one = { data: images.data.subarray(i * size, (i + 1) * size),
        shape: [1, height, width, channels] };
      pixels.paint(canvas, one, 0, (ink) => pixels.grey(1 - ink));
      return h("button", { type: "button", "data-lm-suppress-shortcuts": "true",
        onclick: () => go(i) }, canvas, h("span"));
    });
    const node = h("div", { class: "tinyq-scans", role: "group",
      "aria-label": "Scans with the answers of the int8 network" }, ...buttons);
    let chosen = 0;

    /* chosen moves at once: a key may come before the frame that paints the last one. */
    function go(i) {
      if (!buttons[i]) return;
      chosen = i;
      pick(i);
    }

    node.addEventListener("keydown", (event) => {
      const next = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0,
        End: count - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      go(next);
      buttons[chosen].focus();
    });

    function paint(answers, labels, scan) {
      chosen = scan;
      buttons.forEach((button, i) => {
        const wrong = answers[i] !== labels[i];
        button.className = wrong ? "tinyq-wrong" : "";
        button.lastChild.textContent = `${answers[i]}${wrong ? " \u2717" : ""}`;
        button.setAttribute("aria-pressed", i === scan);
        button.setAttribute("aria-label",
          `Scan of a ${labels[i]}, answered ${answers[i]}${wrong ? ", wrong" : ""}`);
        button.tabIndex = i === scan ? 0 : -1;
      });
    }

    return { node, paint };
  }

  /* The logits of a scan: a bar in int8, a line in float. */
  function logits({ floats, dequantized, codes }, label, width) {
    const height = 150;
    const ends = [...floats, ...dequantized, 0];
    const [lo, hi] = [Math.min(...ends), Math.max(...ends)];
    const y = scale(lo, hi === lo ? lo + 1 : hi, height - 22, 8);
    const each = width / floats.length;
    const top = Math.max(...codes);
    const bars = floats.map((float, i) => {
      const [left, right] = [each * i + 3, each * (i + 1) - 3];
      const [from, to] = [y(0), y(dequantized[i])];
      const kind = codes[i] === top ? "winner" : "bar";
      return rect(left, Math.min(from, to), right, Math.max(from, to), kind)
        + path(`M${left - 2} ${y(float)}H${right + 2}`, "zero")
        + text((left + right) / 2, height - 6, i, "middle", i === label ? "title" : "faint");
    });
    return svg(width, height, path(`M0 ${y(0)}H${width}`, "axis") + bars.join(""));
  }

  ui.errorLedgerFigure = { bar, scanList, logits };
})();
