/* The static page as a host: a custom element that feeds a widget's mount({ model, el, start }) a
   model made of its attributes and of the address.

   <tinyq-grid-ruler lo="-1" hi="2">a static figure, for a page without scripts</tinyq-grid-ruler>
   page.html#grid-ruler?lo=0&bits=4&lock=bits      a link to a state; lock=bits,lo fixes controls,
                                                hide=lo,call takes them away
   page.html#grid-ruler?lo=0;grid-ruler-2?lo=-3    one part a widget, named by its id, else by rank
   page.html#a-heading                             no "?": not ours */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});

  /* anywidget's model as far as widgets use it; saved() is called on save_changes. */
  function standIn(state, saved) {
    const listeners = {};
    const heard = (event) => (listeners[event] ??= new Set());
    return {
      get: (name) => state[name],
      set(name, value) {
        if (Object.is(state[name], value)) return;
        state[name] = value;
        heard(`change:${name}`).forEach((listen) => listen());
      },
      save_changes: saved,
      on: (event, listen) => heard(event).add(listen),
      off: (event, listen) => heard(event).delete(listen),
    };
  }

  const parts = () => location.hash.slice(1).split(";").filter((part) => part.includes("?"));

  /* A widget's part of the address as text by name, or null. */
  function readFragment(key) {
    const part = parts().find((part) => part.startsWith(`${key}?`));
    return part ? Object.fromEntries(new URLSearchParams(part.slice(key.length + 1))) : null;
  }

  /* Replace a widget's part of the address; null takes it out. */
  function writeFragment(key, state) {
    const before = parts();
    const after = before.filter((part) => !part.startsWith(`${key}?`));
    if (state) after.push(`${key}?${new URLSearchParams(state)}`);
    if (!before.length && !after.length) return; // a heading's anchor stays
    const address = after.length ? `#${after.join(";")}` : location.pathname + location.search;
    history.replaceState(history.state, "", address);
  }

  /* Text by name, read as the type of each default; -0 is 0, other names are not ours. */
  function parse(texts, defaults) {
    const known = Object.entries(texts).filter(([name]) => Object.hasOwn(defaults, name));
    const read = (text, like) => {
      if (typeof like === "boolean") return text !== "false";
      if (typeof like === "string") return text;
      return text.trim() === "" ? NaN : Number(text) + 0;
    };
    return Object.fromEntries(known.map(([name, text]) => [name, read(text, defaults[name])]));
  }

  const elementClass = (name) => class extends HTMLElement {
    connectedCallback() {
      const rank = [...document.querySelectorAll(this.localName)].indexOf(this) + 1;
      this.key = this.id || (rank > 1 ? `${name}-${rank}` : name);
      const attributes = [...this.attributes].map(({ name, value }) => [name, value]);
      this.defaults = { ...ui[name].defaults, lock: "", hide: "" };
      this.start = { ...this.defaults, ...parse(Object.fromEntries(attributes), this.defaults) };
      this.data ??= this.querySelector("script.tinyq-data")?.textContent ?? "";
      const saved = ui.kit.debounce(() => this.save(), 300);
      this.model = standIn({ ...this.start, data: this.data }, saved);
      const linked = this.load();
      const el = ui.kit.h("div");
      this.frame = ui[name].mount({ model: this.model, el, start: this.start });
      this.classList.add("tinyq-host");
      this.replaceChildren(el); // only now: what stood here stays if mount fails
      this.onhash = () => this.load() && this.scrollIntoView();
      addEventListener("hashchange", this.onhash);
      if (linked) this.scrollIntoView();
    }

    disconnectedCallback() {
      removeEventListener("hashchange", this.onhash);
      this.frame?.stop();
    }

    /* Take the state from the address; true where it has one for this widget. An empty one, gone
       back to from a link, has the page's own state, a heading's leaves all as it is. */
    load() {
      const linked = readFragment(this.key);
      const state = { ...this.start, ...parse(linked ?? {}, this.defaults) };
      const told = linked || !location.hash;
      if (told) for (const [field, value] of Object.entries(state)) this.model.set(field, value);
      return linked !== null;
    }

    /* Put the state into the address; none where nothing differs from the page's own. */
    save() {
      const state = Object.keys(this.start).map((field) => [field, this.model.get(field)]);
      const moved = state.some(([field, value]) => value !== this.start[field]);
      const told = state.filter(([field, value]) => !(field in { lock: 0, hide: 0 }) || value);
      writeFragment(this.key, moved ? told : null);
    }

    /* What is shown, as numbers: the same dictionary as the Python widget's value. null where
       there is nothing to show: tools that walk the page read this property and must not fail. */
    get value() {
      return this.frame?.outcome.value ?? null;
    }

    /* The controls' values, as they stand, even where they give nothing to show. */
    get state() {
      return this.frame?.state ?? null;
    }
  };

  /* widget: { defaults, mount({ model, el, start }) -> frame, render }. */
  function define(name, widget) {
    ui[name] = widget;
    const tag = `tinyq-${name}`;
    if (!globalThis.customElements || customElements.get(tag)) return;
    customElements.define(tag, elementClass(name));
  }

  ui.host = { define };
})();
