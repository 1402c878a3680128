/* Paper is white: while the page is printed it has the light theme. */
(() => {
  const page = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => {
    theme = page.dataset.theme;
    page.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    page.dataset.theme = theme;
  });
})();

/* What is wider than the page scrolls inside its box; the keyboard gets there only if it can take
   the focus. Formulas reach their width when they are typeset, so each box is watched. */
(() => {
  const watch = new ResizeObserver((boxes) => {
    for (const { target: box } of boxes) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  });
  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".bd-article div.math").forEach((box) => watch.observe(box));
  });
})();
