"""The reader's own marks: kept in the browser, shown in every page, forgotten on demand."""

import functools
from collections.abc import Iterator

import pytest
from accessibility import violations
from book_pages import CHAPTERS, TOC
from browse import Browse
from test_browser import ARTICLE, too_wide

CHAPTER, OTHER = CHAPTERS[1], CHAPTERS[4]
STORED = "localStorage.getItem('tinyq-book')"
# The theme keeps its colours in the same place, and without it reports errors of its own: only
# our entries are refused.
REFUSE = """for (const method of %s) {
    const real = Storage.prototype[method];
    Storage.prototype[method] = function (key, ...rest) {
        if (key.startsWith("tinyq")) throw new DOMException("no", "QuotaExceededError");
        return real.call(this, key, ...rest);
    };
}"""
REFUSALS = {"denied": '["getItem", "setItem", "removeItem"]', "full": '["setItem"]'}
# Milliseconds in which the browser hands on what a page keeps, before another page asks for it.
WRITTEN = 200
READ, ANSWER = ".reader-read input", ".own-answer textarea"


@pytest.fixture
def browse(chromium) -> Iterator[Browse]:
    """As everywhere, in a context of its own: what these tests store is not cleared in time."""
    browse = Browse(chromium)
    yield browse
    browse.close()
    assert not browse.problems, "\n".join(browse.problems)


def kept(test):
    """Try a test up to three times: under load Chromium now and then loses what a page wrote.

    After a reload `localStorage` then holds the text before the last one, and keeps it; a page
    that does not write or read its marks fails each time.
    """

    @functools.wraps(test)
    def tried(*args, **kwargs):
        for _ in range(2):
            try:
                return test(*args, **kwargs)
            except AssertionError:
                continue
        return test(*args, **kwargs)

    return tried


def ticks(page, name: str) -> int:
    """How many links to the chapter `name` carry a tick, in the whole page."""
    script = """(marks, name) => marks.filter(
        (mark) => mark.closest("a").pathname.endsWith(`/${name}.html`)).length"""
    return page.locator(".read-mark").evaluate_all(script, name)


def visit(page, built_book, name: str):
    page.wait_for_timeout(WRITTEN)
    page.goto((built_book / f"{name}.html").as_uri())
    return page


def reload(page) -> None:
    page.wait_for_timeout(WRITTEN)
    page.reload()


@kept
def test_a_chapter_that_is_read_is_ticked_wherever_it_is_listed(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html")
    assert ticks(page, CHAPTER) == 0
    page.locator(READ).focus()
    page.keyboard.press("Space")
    assert ticks(page, CHAPTER) == 1
    visit(page, built_book, OTHER)
    assert not page.locator(READ).is_checked()
    assert (ticks(page, CHAPTER), ticks(page, OTHER)) == (1, 0)
    visit(page, built_book, "index")
    assert ticks(page, CHAPTER) >= 2, "in the contents and in the table"
    assert page.locator(".bd-sidebar-primary .read-mark .visually-hidden").inner_text() == "(read)"
    visit(page, built_book, CHAPTER)
    page.locator(READ).uncheck()
    assert ticks(page, CHAPTER) == 0


@pytest.mark.full
@kept
def test_the_answers_of_a_reader_are_there_again(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html")
    assert page.locator(ANSWER).count() == page.locator("#check-yourself details").count() == 3
    page.get_by_label("Your answer to question 2").fill("0.1, and <b>0.5</b>")
    fold = page.locator("#check-yourself details").nth(1)
    fold.locator("summary").click()
    fold.get_by_label("I had it right").check()
    reload(page)
    fields = page.locator(ANSWER).evaluate_all("fields => fields.map(f => f.value)")
    assert fields == ["", "0.1, and <b>0.5</b>", ""]
    chosen = page.locator(".verdict input").evaluate_all("all => all.map(r => r.checked)")
    assert chosen == [False, False, True, False, False, False]
    visit(page, built_book, OTHER)
    assert page.locator(ANSWER).nth(1).input_value() == ""


@pytest.mark.full
@kept
def test_the_front_page_says_how_far_the_reader_is_and_forgets_it(browse, built_book):
    page = browse(built_book / "index.html")
    assert page.locator(".reader-overview").inner_text().strip() == ""
    visit(page, built_book, CHAPTERS[0]).locator(READ).check()
    page.get_by_label("Your answer to question 1").fill("both")
    visit(page, built_book, "index")
    said = page.locator(".reader-overview p")
    assert f"read 1 of {len(CHAPTERS)} chapters" in said.inner_text()
    assert "answered 1 question, 0 of them right" in said.inner_text()
    target = said.locator("a").evaluate("a => a.href")
    assert target == (built_book / f"{CHAPTERS[1]}.html").as_uri()
    page.get_by_role("button", name="Forget all").click()
    assert "gone" in said.inner_text() and page.locator(".read-mark").count() == 0
    assert page.evaluate("document.activeElement.localName") == "p"
    assert page.evaluate(STORED) is None
    visit(page, built_book, CHAPTERS[0])
    assert not page.locator(READ).is_checked()
    assert page.locator(ANSWER).first.input_value() == ""


@pytest.mark.full
@kept
def test_all_chapters_read_leave_no_next_one(browse, built_book):
    page = browse(built_book / "index.html")
    marks = {"read": {name: True for name in CHAPTERS}, "answers": {}}
    page.evaluate("m => localStorage.setItem('tinyq-book', JSON.stringify(m))", marks)
    reload(page)
    overview = page.locator(".reader-overview")
    assert f"read {len(CHAPTERS)} of {len(CHAPTERS)}" in overview.inner_text()
    assert overview.locator("a").count() == 0


@pytest.mark.full
@kept
def test_two_windows_agree(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html")
    other = page.context.new_page()
    visit(other, built_book, CHAPTER).locator(READ).check()
    page.wait_for_selector(".read-mark", state="attached")
    assert page.locator(READ).is_checked()


@pytest.mark.full
@kept
def test_what_another_program_left_there_does_no_harm(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html")
    for rubbish in ["{", "null", "7", '{"read": 3, "answers": "x"}', "[]"]:
        page.evaluate("text => localStorage.setItem('tinyq-book', text)", rubbish)
        reload(page)
        assert not page.locator(READ).is_checked(), rubbish
        page.locator(READ).check()
        reload(page)
        assert page.locator(READ).is_checked(), rubbish


@pytest.mark.full
@pytest.mark.parametrize("refused", REFUSALS)
@kept
def test_a_browser_that_keeps_nothing_shows_no_control(browse, built_book, refused):
    page = browse(built_book / "index.html")
    page.add_init_script(REFUSE % REFUSALS[refused])
    visit(page, built_book, CHAPTER)
    page.locator("#check-yourself").wait_for()
    assert page.locator(f"{READ}, {ANSWER}, .verdict, .reader-overview button").count() == 0


@kept
def test_with_scripts_off_no_control_is_dead(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html", javascript=False)
    assert page.locator(f"{READ}, {ANSWER}, .verdict").count() == 0
    assert page.locator(".chapter-end pre").inner_text().startswith("make lab OPEN=")


@pytest.mark.full
@pytest.mark.parametrize("theme", ["light", "dark"])
@kept
def test_the_marks_are_accessible_and_fit_a_phone(browse, built_book, theme):
    page = browse(built_book / f"{CHAPTER}.html", theme=theme)
    page.locator(READ).check()
    page.locator("#check-yourself summary").first.click()
    page.locator(".verdict input").first.check()
    assert not violations(page, f"{ARTICLE} #check-yourself, .chapter-end")
    visit(page, built_book, "index")
    assert not violations(page, ".reader-overview, .bd-sidebar-primary nav")
    page.set_viewport_size({"width": 360, "height": 740})
    assert not too_wide(page)
    assert not too_wide(visit(page, built_book, CHAPTER))


@pytest.mark.full
@kept
def test_paper_shows_no_fields(browse, built_book):
    page = browse(built_book / f"{CHAPTER}.html")
    page.locator(READ).check()
    page.emulate_media(media="print")
    for name in [ANSWER, READ, ".chapter-line", ".verdict"]:
        assert not page.locator(name).first.is_visible()


@kept
def test_the_number_of_chapters_is_not_forgotten():
    assert len(CHAPTERS) >= 11 and TOC["root"] == "index"
