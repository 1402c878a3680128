/* Native controls made from a description, each { node, set(value, limits), lock(locked) }.

   { kind: "number", value, min, max, step, integer, log }   a slider and a box to type in
   { kind: "choice", value, options: [value | [value, words], ...] }      a menu
   { kind: "check", value }                                  a box to tick
   { kind: "hidden", value }                                 state that only the figure changes */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { h, show } = ui.kit;
  // Else JupyterLab takes the arrow keys for itself; it asks the focused element alone.
  const KEYS = { "data-lm-suppress-shortcuts": "true" };

  /* A slider and a box for one number; change(number, typed), NaN where none is typed. With log
     the slider walks over powers of ten, so that 1e-6 and 1e3 lie on one track. */
  function numberControl(label, change, { min, max, step, log } = {}) {
    const toTrack = (x) => (log ? Math.log10(x) : x);
    const fromTrack = (x) => (log ? Number((10 ** x).toPrecision(3)) : x);
    const read = ({ target }) => (target.value === "" ? NaN : Number(target.value));
    const slid = (event) => change(fromTrack(read(event)), false);
    const typed = (event) => change(read(event), true);
    const typing = (event) => Number.isNaN(read(event)) || typed(event);
    const range = h("input", { type: "range", ...KEYS, oninput: slid });
    const box = h("input", {
      type: "number", step: "any", ...KEYS, "aria-label": `${label}, typed`,
      oninput: typing, onchange: typed,
    });
    const limit = (limits) => {
      const track = Object.entries(limits).filter(([, bound]) => bound !== undefined);
      for (const [name, bound] of track) {
        range[name] = name === "step" ? bound : toTrack(bound);
      }
      if (log) range.step = 0.01;
      else if (limits.step) box.step = limits.step;
    };
    const write = (input, value) => {
      // Not while it says so already: "1." and "1.0" are being typed.
      if (input.value === "" || Number(input.value) !== value) input.value = value;
    };
    const set = (value, limits = {}) => {
      limit(limits);
      write(range, toTrack(value));
      write(box, value);
      if (log) range.setAttribute("aria-valuetext", show(value));
    };
    limit({ min, max, step });
    const lock = (locked) => (range.disabled = box.disabled = locked);
    const name = h("label", {}, h("span", {}, label), range);
    const node = h("div", { class: "tinyq-control" }, name, box);
    return { node, set, lock };
  }

  const pairs = (options) => options.map((one) => (Array.isArray(one) ? one : [one, one]));

  function choiceControl(label, change, { options }) {
    const values = pairs(options).map(([value]) => value);
    const select = h("select", { ...KEYS, onchange: () => change(values[select.selectedIndex]) },
      ...pairs(options).map(([, words]) => h("option", {}, String(words))));
    const set = (value) => (select.selectedIndex = values.indexOf(value));
    const lock = (locked) => (select.disabled = locked);
    const name = h("label", {}, h("span", {}, label), select);
    return { node: h("div", { class: "tinyq-control" }, name), set, lock };
  }

  function checkControl(label, change) {
    const box = h("input", { type: "checkbox", ...KEYS, onchange: () => change(box.checked) });
    const name = h("label", {}, box, h("span", {}, label));
    const set = (value) => (box.checked = value);
    const lock = (locked) => (box.disabled = locked);
    return { node: h("div", { class: "tinyq-control" }, name), set, lock };
  }

  const KINDS = { number: numberControl, choice: choiceControl, check: checkControl };

  const labelOf = (name, control) => control.label ?? name.replaceAll("_", " ");

  /* The control called name, or null for a hidden one; change(value, typed). */
  function make(name, control, change) {
    if (control.kind === "hidden") return null;
    return KINDS[control.kind](labelOf(name, control), change, control);
  }

  const wholly = ({ integer }) => (integer ? "a whole number" : "a number");

  function span(min, max) {
    if (min === -Infinity) return max === Infinity ? "" : ` up to ${show(max)}`;
    return ` from ${show(min)} ${max === Infinity ? "on" : `to ${show(max)}`}`;
  }

  /* Throw, in plain words, on a number that the control does not allow. */
  function checkNumber(label, number, control) {
    if (Number.isNaN(number)) throw new RangeError(`${label} is empty or not a number.`);
    if (!Number.isFinite(Math.fround(number))) {
      throw new RangeError(`${label} is too large: float32 ends at 3.40282e+38.`);
    }
    const { min = -Infinity, max = Infinity, integer } = control;
    if (number < min || number > max || (integer && !Number.isInteger(number))) {
      throw new RangeError(`${label} must be ${wholly(control)}${span(min, max)}.`);
    }
  }

  /* Throw on a value that the control cannot have. */
  function check(name, value, control) {
    const label = labelOf(name, control);
    if (typeof control.value === "number" && control.kind !== "choice") {
      return checkNumber(label, value, control);
    }
    const options = control.kind === "choice" && pairs(control.options).map(([one]) => one);
    if (options && !options.includes(value)) {
      throw new RangeError(`${label} must be one of ${options.join(", ")}.`);
    }
  }

  ui.controls = { make, check };
})();
