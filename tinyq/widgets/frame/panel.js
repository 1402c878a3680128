/* What a widget looks like: title, presets, figure, controls, read-out, formulas, call.

   No state of its own beyond the page's nodes; frame.js tells it what to paint. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { h } = ui.kit;

  const formulaRow = ([name, ...parts]) =>
    h("p", {}, h("b", {}, name), ...parts.flatMap((part) => [" ", h("span", {}, `= ${part}`)]));

  /* A figure without controls of its own: an image for a screen reader. */
  function still(root, spec) {
    root.setAttribute("role", "img");
    const paint = (v, ctx, width) => {
      root.setAttribute("aria-label", spec.sentence(v, ctx));
      const drawn = spec.draw(v, ctx, width);
      if (typeof drawn === "string") ui.kit.put(root, drawn);
      else root.replaceChildren(drawn);
    };
    return { paint };
  }

  /* The controls that stand on the page, by name. */
  function controlsOf(spec, change) {
    const make = ([field, control]) => [field, ui.controls.make(field, control, (value, typed) =>
      change({ [field]: value }, typed))];
    const made = Object.entries(spec.controls).map(make).filter(([, control]) => control);
    for (const [field, { node }] of made) node.dataset.field = field;
    return Object.fromEntries(made);
  }

  /* A row of buttons, each of which sets a part of the state. */
  function presetsOf(spec, change) {
    const presets = Object.entries(spec.presets ?? {});
    const buttons = presets.map(([words, part]) =>
      h("button", { type: "button", onclick: () => change(part) }, words));
    const node = h("div", { class: "tinyq-presets" }, ...buttons);
    node.hidden = !buttons.length;
    const paint = (state, locked) => presets.forEach(([, part], i) => {
      const on = Object.entries(part).every(([field, one]) => state[field] === one);
      buttons[i].setAttribute("aria-pressed", on);
      buttons[i].disabled = Object.keys(part).some((field) => locked.has(field));
    });
    return { node, paint };
  }

  /* change(part, typed), reset(): called by the controls. api: for a figure with its own DOM. */
  function make(name, spec, { change, reset, api }) {
    const controls = controlsOf(spec, change);
    const presets = presetsOf(spec, change);
    const readout = ui.kit.readout();
    const call = ui.kit.copyable("The same in Python");
    const figure = h("div", { class: `tinyq-figure tinyq-${name}-figure` });
    const formulas = h("div", { class: "tinyq-formulas" });
    const button = h("button", { type: "button", onclick: reset }, "Reset");
    const node = h("div", { class: "tinyq-widget", role: "group", "aria-label": spec.title },
      h("div", { class: "tinyq-bar" }, h("b", {}, spec.title), button), presets.node, figure,
      h("div", { class: "tinyq-controls" }, ...Object.values(controls).map((one) => one.node)),
      readout.node, formulas, call.node);
    const view = spec.view?.(figure, api) ?? still(figure, spec);
    let painted = false;

    /* A figure that is gone for now keeps its place, lest a slider leave the pointer on it. */
    function place(wrong, hidden) {
      figure.hidden = hidden.has("figure") || (wrong && !painted);
      figure.style.visibility = wrong ? "hidden" : "visible";
      formulas.hidden = wrong || hidden.has("formulas");
      call.node.hidden = wrong || hidden.has("call");
      painted ||= !wrong;
    }

    /* The numbers v, or the sentence wrong in their place. */
    function paint(v, wrong, ctx, hidden) {
      place(Boolean(wrong), hidden);
      readout.set(wrong ?? spec.sentence(v, ctx));
      if (wrong) return;
      view.paint(v, ctx, figure.clientWidth || 640);
      formulas.replaceChildren(...(spec.formulas?.(v, ctx) ?? []).map(formulaRow));
      call.set(spec.call(v, ctx));
    }

    function paintControls(state, locked, hidden) {
      const limits = view.limits?.() ?? {};
      for (const [field, control] of Object.entries(controls)) {
        control.set(state[field], limits[field]);
        control.lock(locked.has(field));
        control.node.hidden = hidden.has(field);
      }
      presets.paint(state, locked);
    }

    return { node, figure, view, paint, paintControls };
  }

  ui.panel = { make };
})();
