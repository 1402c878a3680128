/* The reader's own marks: chapters read, answers to "Check yourself". They stay in this browser, in
   localStorage. A browser that keeps nothing for these pages shows no control. */
(() => {
  const KEY = "tinyq-book";
  const CHAPTER = /\/(notebooks\/(?:\d\d|appendix)_\w+)\.html$/;
  const VERDICTS = { right: "I had it right", "not yet": "not yet" };

  const table = (data) => (data?.constructor === Object ? data : {});

  /* What is kept: { read: { page: true }, answers: { "page 1": { text, verdict } } }. */
  function load() {
    try {
      const { read, answers } = table(JSON.parse(localStorage.getItem(KEY)));
      return { read: table(read), answers: table(answers) };
    } catch {
      return { read: {}, answers: {} }; // another program's text, or half a text
    }
  }

  function change(edit) {
    const marks = load(); // another window may have changed them
    edit(marks);
    try {
      localStorage.setItem(KEY, JSON.stringify(marks));
    } catch { /* no room left: the page works on without */ }
    repaint();
  }

  function keeps() {
    try {
      localStorage.setItem(`${KEY}-try`, "1");
      localStorage.removeItem(`${KEY}-try`);
      return true;
    } catch {
      return false;
    }
  }

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  const chapterOf = (link) => link.pathname.match(CHAPTER)?.[1];
  const painters = [];
  const repaint = () => painters.forEach((paint) => paint(load()));

  /* The checkbox at a chapter's end. */
  function readBox(place, page) {
    const input = make("input", { type: "checkbox" });
    input.addEventListener("change", () => change(({ read }) => {
      if (input.checked) read[page] = true;
      else delete read[page];
    }));
    place.append(make("label", {}, input, " I have read this chapter"));
    painters.push(({ read }) => { input.checked = page in read; });
  }

  /* A question: a field for the reader's answer, and under the book's answer a verdict on it. */
  function question(item, key, number) {
    const folded = item.querySelector("details");
    const keep = (part) => change(({ answers }) => {
      const answer = { ...table(answers[key]), ...part };
      if (answer.text || answer.verdict) answers[key] = answer;
      else delete answers[key];
    });
    const field = make("textarea", { rows: 2 });
    field.addEventListener("input", () => keep({ text: field.value }));
    folded.before(make("label", { className: "own-answer" }, `Your answer to question ${number}`, field));
    const radios = Object.entries(VERDICTS).map(([value, words]) => {
      const radio = make("input", { type: "radio", name: `verdict-${number}`, value });
      radio.addEventListener("change", () => keep({ verdict: value }));
      return make("label", {}, radio, ` ${words}`);
    });
    const legend = make("legend", {}, "And you?");
    const body = folded.querySelector(".sd-card-body") ?? folded;
    body.append(make("fieldset", { className: "verdict" }, legend, ...radios));
    painters.push(({ answers }) => {
      const { text = "", verdict } = table(answers[key]);
      if (field.value !== text) field.value = text;
      for (const { firstChild } of radios) firstChild.checked = firstChild.value === verdict;
    });
  }

  /* A tick behind each link of a list of chapters whose chapter is read. */
  function markLinks(links) {
    const marks = links.map((link) => [link, make("span", { className: "read-mark" },
      make("span", { ariaHidden: "true" }, " \u2713"), make("span", { className: "visually-hidden" }, " (read)"))]);
    painters.push(({ read }) => {
      for (const [link, mark] of marks) {
        if (chapterOf(link) in read) link.append(mark);
        else mark.remove();
      }
    });
  }

  /* How far the reader is, where to go on, and a button that forgets it. */
  function overview(place, chapters) {
    const said = make("p", { tabIndex: -1 });
    const button = make("button", { type: "button" }, "Forget all my marks and answers");
    button.addEventListener("click", () => {
      localStorage.removeItem(KEY);
      repaint();
      said.textContent = "Your marks and answers are gone from this browser.";
      said.focus();
    });
    place.append(said, button);
    painters.push(({ read, answers }) => {
      const done = [...chapters.keys()].filter((page) => page in read).length;
      const given = Object.values(answers).map(table);
      const right = given.filter(({ verdict }) => verdict === "right").length;
      button.hidden = !done && !given.length;
      said.replaceChildren();
      if (button.hidden) return;
      const next = [...chapters].find(([page]) => !(page in read));
      said.append(`You have read ${done} of ${chapters.size} chapters and answered ${given.length}`
        + ` question${given.length === 1 ? "" : "s"}, ${right} of them right. `);
      if (next) said.append("Next: ", make("a", { href: next[1].href }, next[1].dataset.title), ".");
    });
  }

  function start() {
    if (!keeps()) return;
    const contents = [...document.querySelectorAll(".bd-sidebar-primary nav a")].filter(chapterOf);
    for (const link of contents) link.dataset.title = link.textContent.trim();
    const page = chapterOf(location);
    const box = document.querySelector(".reader-read");
    if (box) readBox(box, page);
    document.querySelectorAll("#check-yourself > ol > li").forEach((item, n) => {
      if (item.querySelector("details")) question(item, `${page} ${n + 1}`, n + 1);
    });
    const place = document.querySelector(".reader-overview");
    const listed = place ? [...document.querySelectorAll(".bd-article td a")].filter(chapterOf) : [];
    markLinks([...contents, ...listed]);
    if (place) overview(place, new Map(contents.map((link) => [chapterOf(link), link])));
    repaint();
    addEventListener("storage", repaint); // another window
    addEventListener("pageshow", repaint); // back from another page
  }

  addEventListener("DOMContentLoaded", start);
})();
