/* The reader's own marks: chapters read, answers to "Check yourself". They stay in this browser, in
   localStorage. What a browser does not keep (none left, or none at all) stays in the page, and
   under the control that it belongs to a line says so, once. */
(() => {
  const KEY = "tinyq-book";
  const CHAPTER = /\/(notebooks\/(?:\d\d|appendix)_\w+)\.html$/;
  const VERDICTS = { right: "I had it right", "not yet": "not yet" };

  const table = (data) => (data?.constructor === Object ? data : {});

  /* What is kept: { read: { page: true }, answers: { "page 1": { text, verdict } } }. Throws where
     the browser does not let us look. */
  function kept() {
    const text = localStorage.getItem(KEY);
    try {
      const { read, answers } = table(JSON.parse(text));
      return { read: table(read), answers: table(answers) };
    } catch {
      return { read: {}, answers: {} }; // another program's text, or half a text
    }
  }

  let unkept = []; // edits of this page that the browser has not taken

  /* What is kept with this page's edits: another window may have changed what is kept. */
  function load() {
    let marks = { read: {}, answers: {} };
    try {
      marks = kept();
    } catch { /* refused: this page's edits alone */ }
    for (const edit of unkept) edit(marks);
    return marks;
  }

  /* said: the control's own line for what went wrong. */
  function change(said, edit) {
    unkept.push(edit);
    try {
      kept(); // what cannot be read must not be written over
      localStorage.setItem(KEY, JSON.stringify(load()));
      unkept = [];
    } catch { /* the edits wait for the next try */ }
    tell(said);
    repaint();
  }

  let told = null; // the one line that says so, until all is kept again

  function tell(said) {
    if (unkept.length && !told) {
      told = said;
      told.textContent = "Your browser cannot save this; it stays until you leave the page.";
    } else if (!unkept.length && told) {
      told.textContent = "";
      told = null;
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

  /* There before it says anything: else a screen reader would not hear of it. */
  const line = () => make("p", { className: "reader-unkept", role: "status" });

  /* The checkbox at a chapter's end. */
  function readBox(place, page) {
    const input = make("input", { type: "checkbox" });
    const said = line();
    input.addEventListener("change", () => {
      const { checked } = input;
      change(said, ({ read }) => {
        if (checked) read[page] = true;
        else delete read[page];
      });
    });
    place.append(make("label", {}, input, " I have read this chapter"), said);
    painters.push(({ read }) => { input.checked = page in read; });
  }

  /* A question: a field for the reader's answer, and under the book's answer a verdict on it. */
  function question(item, key, number) {
    const folded = item.querySelector("details");
    const said = line();
    const keep = (part) => change(said, ({ answers }) => {
      const answer = { ...table(answers[key]), ...part };
      if (answer.text || answer.verdict) answers[key] = answer;
      else delete answers[key];
    });
    const field = make("textarea", { rows: 2 });
    field.addEventListener("input", () => keep({ text: field.value }));
    const label = make("label", { className: "own-answer" }, `Your answer to question ${number}`, field);
    folded.before(label, said);
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
      try {
        localStorage.removeItem(KEY);
      } catch { /* then the overview still says what is kept */ }
      repaint();
      if (button.hidden) said.textContent = "Your marks and answers are gone from this browser.";
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
