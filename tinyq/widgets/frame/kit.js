/* Small parts that every widget is made of: elements, numbers as text, a read-out, data.

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

  /* Show what figure.js has made: the one place where text becomes elements. */
  const put = (node, drawn) => (node.innerHTML = drawn);

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

  /* Text for Python, in quotes: like its repr, with what cannot be seen as an escape. */
  const pyText = (text) => JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) =>
    `\\U${one.codePointAt(0).toString(16).padStart(8, "0")}`);

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

  const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array, float32: Float32Array,
    float64: Float64Array };

  /* Data from Python (encode.py): an array becomes { data: typed array, shape }. */
  function decode(text) {
    return JSON.parse(text, (_, item) => {
      if (!item || typeof item.base64 !== "string") return item;
      const bytes = Uint8Array.from(atob(item.base64), (letter) => letter.charCodeAt(0));
      return { data: new ARRAYS[item.dtype](bytes.buffer), shape: item.shape };
    });
  }

  const made = (ui.made ??= new Map()); // a notebook runs this script once a widget

  /* What several widgets of a page need and only the first computes: once("seed", make). */
  function once(key, make) {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  }

  ui.kit = { h, put, show, pyFloat, pyText, oncePerFrame, debounce, readout, copyable, decode,
    once };
})();
