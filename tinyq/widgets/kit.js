/* Small parts that every widget is made of: elements, numbers as text, controls, a read-out.

   Classic scripts (no import, no export) work from file://; they share globalThis.tinyqWidgets. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});

  /* h("p", { class: "a", onclick: f }, "text", child): a new element. */
  function h(tag, attributes = {}, ...children) {
    const el = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
      else el.setAttribute(name, value);
    }
    el.append(...children);
    return el;
  }

  /* A number for people: no trailing zeros, a true minus sign. */
  const show = (x, digits = 6) => String(Number(x.toPrecision(digits))).replaceAll("-", "\u2212");

  /* A number for Python: repr(float). Both languages print the shortest digits that read back. */
  function pyFloat(x) {
    const [digits, power] = x.toExponential().split("e");
    if (x === 0 || (power >= -4 && power < 16)) {
      return Number.isInteger(x) ? `${x}.0` : String(x);
    }
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }

  /* However often it is called within a frame, paint once. */
  function oncePerFrame(paint) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        paint();
      });
    };
  }

  function debounce(run, milliseconds) {
    let timer;
    return (...values) => {
      clearTimeout(timer);
      timer = setTimeout(() => run(...values), milliseconds);
    };
  }

  /* Text for the eye at once, for a screen reader when it has come to rest. */
  function readout() {
    const seen = h("p", { class: "tinyq-seen", "aria-hidden": "true" });
    const spoken = h("p", { class: "tinyq-spoken", "aria-live": "polite" });
    const speak = debounce((text) => (spoken.textContent = text), 500);
    const set = (text) => {
      if (seen.textContent === text) return;
      if (seen.textContent) speak(text);
      else spoken.textContent = text; // there from the start, so not announced
      seen.textContent = text;
    };
    return { node: h("div", {}, seen, spoken), set };
  }

  /* A slider and a number box for one number; change(number, typed), NaN where none is typed. */
  function numberControl(label, change, limits = {}) {
    // Else JupyterLab takes the arrow keys for itself; it asks the focused element alone.
    const attributes = { ...limits, "data-lm-suppress-shortcuts": "true" };
    const read = ({ target }) => (target.value === "" ? NaN : Number(target.value));
    const slid = (event) => change(read(event), false);
    const typed = (event) => change(read(event), true);
    const typing = (event) => Number.isNaN(read(event)) || typed(event);
    const range = h("input", { type: "range", ...attributes, oninput: slid });
    const box = h("input", {
      type: "number", step: "any", ...attributes, "aria-label": `${label}, typed`,
      oninput: typing, onchange: typed,
    });
    const set = (value, limits = {}) => {
      Object.assign(range, limits);
      if (limits.step) box.step = limits.step;
      for (const input of [range, box]) {
        // Not while it says so already: "1." and "1.0" are being typed.
        if (input.value === "" || Number(input.value) !== value) input.value = value;
      }
    };
    const lock = (locked) => (range.disabled = box.disabled = locked);
    const name = h("label", {}, h("span", {}, label), range);
    const node = h("div", { class: "tinyq-control" }, name, box);
    return { node, set, lock };
  }

  /* Code with a button that copies it, or selects it where the page may not use the clipboard. */
  function copyable(label) {
    const code = h("code");
    const status = h("span", { role: "status" });
    async function copy() {
      getSelection().selectAllChildren(code);
      try {
        await navigator.clipboard.writeText(code.textContent);
        status.textContent = "Copied.";
      } catch {
        const done = document.execCommand("copy");
        status.textContent = done ? "Copied." : "Selected: copy it with the keyboard.";
      }
    }
    const set = (text) => {
      if (code.textContent === text) return;
      code.textContent = text;
      status.textContent = "";
    };
    const button = h("button", { type: "button", onclick: copy }, "Copy");
    const bar = h("div", { class: "tinyq-bar" }, h("span", {}, label), status, button);
    return { node: h("div", { class: "tinyq-call" }, bar, h("pre", {}, code)), set };
  }

  /* The frame of a widget: its title, a Reset button, its parts. */
  function panel(title, reset, ...parts) {
    const button = h("button", { type: "button", onclick: reset }, "Reset");
    return h("div", { class: "tinyq-widget", role: "group", "aria-label": title },
      h("div", { class: "tinyq-bar" }, h("b", {}, title), button), ...parts);
  }

  ui.kit = { h, show, pyFloat, oncePerFrame, debounce, readout, numberControl, copyable, panel };
})();
