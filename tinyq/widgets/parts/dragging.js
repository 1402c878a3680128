/* Dragging in an SVG that a widget draws anew at each step.

   grab(x, y, width): what a pointer at that pixel takes hold of, null for nothing.
   drag(held, x, y): called as it moves on. letGo(): called when it is released. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});

  function dragging(svg, grab, drag, letGo = () => {}) {
    let held = null;
    const place = (event) => {
      const { left, top, width } = svg.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top, width];
    };
    svg.addEventListener("pointerdown", (event) => {
      held = grab(...place(event));
      if (!held) return;
      event.preventDefault();
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (held) drag(held, ...place(event));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, () => {
        if (held) letGo();
        held = null;
      });
    }
  }

  /* An SVG that is an image for a screen reader; paint(label, body, height) fills it. */
  function imageSvg() {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    node.setAttribute("role", "img");
    const paint = (label, body, height) => {
      node.setAttribute("aria-label", label);
      node.setAttribute("height", height);
      ui.kit.put(node, body);
    };
    return { node, paint };
  }

  ui.dragging = { dragging, imageSvg };
})();
