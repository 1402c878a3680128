/* A widget made from a description: its controls, its numbers, its sentence, its figure.

   frame.define("clip-lab", {
     title,
     controls: { name: { kind, value, ... } },     see controls.js; the names are the state's
     presets: { "words on a button": { name: value } },
     prepare(data) -> ctx                once a page: decode, calibrate; data is null by default
     value(state, ctx) -> v              numbers shown; a RangeError's sentence is shown instead
     sentence(v, ctx), call(v, ctx)      the read-out; the tinyq call that gives the same
     formulas(v, ctx) -> [[name, part, ...], ...]
     draw(v, ctx, width) -> what figure.js has made, or a node, or
     view(root, api) -> { paint(v, ctx, width), limits?, reset?, stop? }   a figure with its own
                                         DOM; limits() -> { name: { min, max, step } } of sliders
     adjust(part, state, typed, ctx) -> part     bends a change before it is made
   });

   Only title, controls, value, sentence, call and one of draw and view must be there. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { kit } = ui;

  /* Run f: { value }, or { wrong } where a RangeError says in a sentence what is wrong. */
  function attempt(f) {
    try {
      return { value: f() };
    } catch (error) {
      if (error instanceof RangeError) return { wrong: error.message };
      throw error;
    }
  }

  /* The numbers for a state, after the controls' own checks. */
  function evaluate(spec, state, ctx) {
    for (const [field, control] of Object.entries(spec.controls)) {
      ui.controls.check(field, state[field], control);
    }
    return spec.value(state, ctx);
  }

  const list = (text) => (text ?? "").split(",").filter(Boolean);

  class Frame {
    /* model: anywidget's, or the page's stand-in. start: where Reset leads. */
    constructor(name, spec, { model, el, start }) {
      Object.assign(this, { name, spec, model, fields: Object.keys(spec.controls) });
      this.start = this.pick((field) => (start ? start[field] : model.get(field)));
      this.repaint = kit.oncePerFrame(() => this.paint());
      this.prepare();
      this.panel = ui.panel.make(name, spec, {
        change: (part, typed) => this.change(part, typed),
        reset: () => this.reset(),
        api: this.api(),
      });
      this.listen();
      this.follow();
      el.append(this.panel.node);
      this.paint();
    }

    pick(from) {
      return Object.fromEntries(this.fields.map((field) => [field, from(field)]));
    }

    prepare() {
      const data = this.model.get("data");
      const make = () => this.spec.prepare?.(data ? kit.decode(data) : null) ?? {};
      this.ctx = data ? make() : kit.once(`frame ${this.name}`, make);
    }

    /* What a figure with its own DOM may do; change() leaves locked fields as they are. */
    api() {
      const frame = this;
      return {
        change: (part) => frame.change(part),
        locked: (field) => frame.locked.has(field),
        repaint: () => frame.repaint(),
        get state() { return frame.state; },
        get ctx() { return frame.ctx; },
        get held() { return frame.held; }, // between pressing and letting go of the pointer
      };
    }

    listen() {
      const { node, figure } = this.panel;
      node.addEventListener("pointerdown", () => (this.held = true));
      this.release = () => {
        if (this.held) this.repaint();
        this.held = false;
      };
      for (const event of ["pointerup", "pointercancel"]) addEventListener(event, this.release);
      let width;
      this.observer = new ResizeObserver(() => {
        if (figure.clientWidth === width) return;
        width = figure.clientWidth;
        this.repaint();
      });
      this.observer.observe(figure);
      this.follow = () => {
        if (this.telling) return;
        this.state = this.pick((field) => this.model.get(field));
        this.untold = false;
        this.hidden = new Set(list(this.model.get("hide")));
        this.locked = new Set([...list(this.model.get("lock")), ...this.hidden]);
        this.repaint();
      };
      this.renew = () => {
        this.prepare();
        this.repaint();
      };
      this.heard = [...this.fields, "lock", "hide"].map((field) => `change:${field}`);
      for (const event of this.heard) this.model.on(event, this.follow);
      this.model.on("change:data", this.renew);
    }

    stop() {
      for (const event of this.heard) this.model.off(event, this.follow);
      this.model.off("change:data", this.renew);
      for (const event of ["pointerup", "pointercancel"]) removeEventListener(event, this.release);
      this.observer.disconnect();
      this.panel.view.stop?.();
    }

    /* { value } or { wrong } for the state as it is now, computed once a state. */
    get outcome() {
      if (this.seen !== this.state || this.seenWith !== this.ctx) {
        [this.seen, this.seenWith] = [this.state, this.ctx];
        this.found = attempt(() => evaluate(this.spec, this.state, this.ctx));
      }
      return this.found;
    }

    change(part, typed = false) {
      const bent = this.spec.adjust?.(part, this.state, typed, this.ctx) ?? part;
      const free = Object.entries(bent).filter(([field]) => !this.locked.has(field));
      this.state = { ...this.state, ...Object.fromEntries(free) };
      this.untold = true;
      this.repaint();
    }

    reset() {
      this.panel.view.reset?.();
      this.change(this.start);
    }

    /* The model takes a state only when there is something to show for it. */
    tell() {
      this.untold = false;
      this.telling = true;
      for (const field of this.fields) this.model.set(field, this.state[field]);
      this.telling = false;
      this.model.save_changes();
    }

    paint() {
      const { value, wrong } = this.outcome;
      if (this.untold && !wrong) this.tell();
      this.panel.paint(value, wrong, this.ctx, this.hidden);
      this.panel.paintControls(this.state, this.locked, this.hidden);
    }
  }

  /* Register a widget: its custom element, and its render for a notebook. */
  function define(name, spec) {
    const values = ([field, control]) => [field, control.value];
    const defaults = Object.fromEntries(Object.entries(spec.controls).map(values));
    const mount = (place) => new Frame(name, spec, place);
    const render = (place) => {
      const frame = mount(place);
      return () => frame.stop();
    };
    ui.host.define(name, { ...spec, defaults, mount, render,
      evaluate: (state, ctx) => evaluate(spec, { ...defaults, ...state }, ctx) });
  }

  ui.frame = { define };
})();
