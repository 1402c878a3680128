"""The book in a real browser, from file:// with the network refused: quiet, readable, accessible.

`browse` fails a test on any request, missing file, console error or exception in its page.
"""

import re
from pathlib import Path

import pytest
from accessibility import violations
from book_pages import PAGES, ROOT
from browse import Browse

# axe-core looks at what the book writes. Outside the article stands the theme, with two known
# faults that we cannot mend: the search button's name is not its label
# (label-content-name-mismatch), and the sidebars are no landmarks (region).
ARTICLE = "article.bd-article"
# A formula that MathJax could not read becomes one of these; a macro that it does not know is red.
MATH_ERRORS = "mjx-merror, [data-mjx-error], .MathJax_Error, mjx-container [fill='red']"


def too_wide(page) -> list[str]:
    """The elements that make the page wider than the window."""
    script = """() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        return [...document.querySelectorAll("main *")]
            .filter(e => e.getBoundingClientRect().right > width + 1)
            .map(e => e.outerHTML.slice(0, 120));
    }"""
    return page.evaluate(script)


def cut_off(page) -> list[str]:
    """The formulas that begin left of the window, where no reader can scroll to."""
    script = """formulas => formulas.filter(e => e.getBoundingClientRect().left < 0)
        .map(e => e.outerHTML.slice(0, 120))"""
    return page.locator("mjx-container").evaluate_all(script)


def torn(page) -> list[str]:
    """The names in sentences that are broken although a line of a phone has room for them."""
    script = """names => names.filter(e => e.textContent.length < 30 && !e.closest("table.names")
        && (e.getClientRects().length > 1
            || e.offsetHeight > 1.9 * parseFloat(getComputedStyle(e).lineHeight)))
        .map(e => e.textContent)"""
    return page.locator("code.literal .pre").evaluate_all(script)


def small(page) -> list[str]:
    """The figures whose words a phone shows too small, or whose caption leaves the window."""
    script = """figures => figures.filter(e => e.querySelector("img").clientWidth < 500
        || e.querySelector("figcaption").getBoundingClientRect().right > innerWidth)
        .map(e => e.id)"""
    return page.locator(".cell_output > figure").evaluate_all(script)


@pytest.fixture(scope="module")
def window(chromium, built_book):
    """One window for all pages, so that theme and MathJax start once; what goes wrong in it."""
    browse = Browse(chromium)
    yield browse(built_book / "index.html"), browse.problems
    browse.close()


def as_on_a_screen(page) -> None:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture(scope="module", params=PAGES)
def opened(request, window, built_book) -> Path:
    """Each page in turn: the file that was opened, once for all that is asked of the page."""
    path = built_book / f"{request.param}.html"
    as_on_a_screen(window[0])
    window[0].goto(path.as_uri())
    return path


@pytest.fixture
def page(opened, window):
    """The opened page, light and wide; after the test, nothing may have gone wrong in it."""
    page, problems = window
    as_on_a_screen(page)
    yield page
    page.wait_for_timeout(50)  # an error in a timer or a promise arrives late
    found = problems[:]
    problems.clear()
    assert not found, "\n".join(found)


def test_a_page_is_quiet_and_fits_a_phone(page, opened):
    assert page.locator("html").get_attribute("data-theme") == "light"
    formulas = len(re.findall(r'class="math notranslate', opened.read_text()))
    page.wait_for_function(
        "n => document.querySelectorAll('mjx-container svg').length >= n", arg=formulas
    )
    assert page.locator(MATH_ERRORS).count() == 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert not too_wide(page) + cut_off(page) + torn(page) + small(page)
    # what scrolls takes the focus; the theme sees to it a while after the resize
    page.wait_for_function(
        """() => [...document.querySelectorAll(".bd-article :is(pre, div.math)")]
        .every(e => e.scrollWidth <= e.clientWidth || e.tabIndex === 0)""",
        timeout=5000,
    )


@pytest.mark.full
def test_a_page_is_accessible_in_both_themes(page):
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")
    assert not violations(page, ARTICLE)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")
    # the dark page differs in its colours only
    assert not violations(page, ARTICLE, ["color-contrast"])


@pytest.mark.parametrize("name", ["index", "notebooks/01_put_numbers_on_a_grid"])
def test_a_page_opens_in_the_theme_of_the_system(browse, built_book, name):
    for theme in ("light", "dark"):
        page = browse(built_book / f"{name}.html", theme=theme)
        assert page.locator("html").get_attribute("data-theme") == theme
        back = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", back)[:3])) < 64) == (theme == "dark")


def test_the_search_works_from_a_file(browse, built_book):
    page = browse(built_book / "search.html", fragment="?q=zero_point")
    # the results come one after another
    page.wait_for_selector("#search-results li a[href*='book/notation.html']", timeout=10_000)


def test_a_reader_searches_from_a_chapter_and_opens_what_is_found(browse, built_book):
    page = browse(built_book / "notebooks/05_come_back_to_8_bits.html")
    page.keyboard.press("Control+K")
    page.locator("input[type=search]:focus").press_sequentially("saturation")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=saturation")
    link = page.locator("#search-results li a").first
    link.wait_for()
    title = link.inner_text()
    link.click()
    page.wait_for_url(lambda url: "search.html" not in url)
    assert page.locator("article h1").inner_text().startswith(title)
    assert "satur" in page.locator("article").inner_text().lower()  # the index holds stems


def test_a_search_for_what_no_page_holds_says_so(browse, built_book):
    page = browse(built_book / "search.html", fragment="?q=qwertyuiop")
    page.locator("#search-results", has_text="did not match any documents").wait_for()
    assert page.locator("#search-results li").count() == 0


def test_the_links_in_how_to_use_set_the_widget_as_they_say(browse, built_book):
    text = (ROOT / "book/how_to_use.md").read_text()
    name, (plain, locked) = "01_put_numbers_on_a_grid.html", re.findall(r"\.html(#\S+\?\S+)", text)
    ruler = browse(built_book / "notebooks" / name, fragment=plain).locator("tinyq-grid-ruler")
    values = "all => all.map((input) => input.value)"
    boxes = ruler.locator("input[type=number]").evaluate_all(values)
    assert boxes == ["-1", "2", "4", "0.75"]
    assert ruler.locator("input:disabled").count() == 0 < ruler.locator("svg:visible").count()
    ruler = browse(built_book / "notebooks" / name, fragment=locked).locator("tinyq-grid-ruler")
    fixed = ruler.locator("input[type=number]:disabled").evaluate_all(values)
    assert fixed == ["-1", "2"]
    assert ruler.locator("svg:visible").count() == 0


def test_the_reader_can_choose_the_theme(browse, built_book):
    page = browse(built_book / "index.html", theme="light")
    seen = set()
    for _ in range(3):
        page.locator(".theme-switch-button:visible").first.click()
        seen.add(page.locator("html").get_attribute("data-mode"))
    assert seen == {"light", "dark", "auto"}


def test_a_dark_page_is_printed_on_white(browse, built_book):
    page = browse(built_book / "index.html", theme="dark")
    page.evaluate("""() => addEventListener("beforeprint", () => {
        window.paper = getComputedStyle(document.body).backgroundColor;
    })""")
    page.pdf()
    assert page.evaluate("window.paper") == "rgb(255, 255, 255)"
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_solution_and_an_answer_unfold_without_a_script(browse, built_book):
    page = browse(built_book / "notebooks/01_put_numbers_on_a_grid.html", javascript=False)
    for fold, label in [("details.hide", "Show the solution"), ("details.sd-dropdown", "Answer")]:
        details = page.locator(fold).first
        assert details.locator("summary").inner_text().strip() == label
        details.locator("summary").click()
        assert details.get_attribute("open") is not None


FAULTS = {
    "another host": '<img alt="x" src="https://cdn.example/x.png">',
    "missing file": '<img alt="x" src="nowhere.png">',
    "console error": "<script>console.error('x')</script>",
    "exception": "<script>throw Error('x')</script>",
    "late exception": "<script>setTimeout(() => { throw Error('x') }, 10)</script>",
    "promise": "<script>Promise.reject(Error('x'))</script>",
    "socket": "<script>new WebSocket('wss://cdn.example/')</script>",
}


@pytest.mark.parametrize("html", FAULTS.values(), ids=FAULTS.keys())
def test_browse_reports_a_planted_fault(browse, tmp_path, html):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><title>x</title><p>x</p>{html}")
    browse(path).wait_for_timeout(100)
    assert browse.problems
    browse.problems.clear()


@pytest.mark.parametrize("tex", [r"\frac{1}", r"\nonsense{2}"])
def test_a_formula_that_mathjax_cannot_read_is_found(browse, built_book, tmp_path, tex):
    script = (built_book / "_static/mathjax/tex-svg-full.js").as_uri()
    path = tmp_path / "page.html"
    head, text = "<!doctype html><title>x</title>", f"<p>\\({tex}\\)</p>"
    path.write_text(f'{head}{text}<script src="{script}"></script>')
    page = browse(path)
    page.wait_for_selector("mjx-container svg")
    assert page.locator(MATH_ERRORS).count() > 0


@pytest.mark.full
def test_the_checks_find_a_page_that_is_wide_and_pale(browse, tmp_path):
    path = tmp_path / "page.html"
    head = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
    pale = '<article class="bd-article"><p style="color: #ddd">pale</p></article>'
    path.write_text(f"{head}<title>x</title><main>{pale}<div style='width: 500px'>x</div></main>")
    page = browse(path, width=360)
    assert [found for found in violations(page, ARTICLE) if "color-contrast" in found]
    assert too_wide(page)


FINE = '<span class="k">for</span>'
TOKENS = {
    "another class": f'{FINE}{FINE}<span class="c"># so</span>',
    "on another ground": f'{FINE}<b style="background: #555">{FINE}</b>',
    "in a faint box": f'{FINE}</pre><pre style="opacity: 0.3">{FINE}',
    "by its own style": f'{FINE}<span class="k" style="color: #ccc">in</span>',
}


@pytest.mark.full
@pytest.mark.parametrize("tokens", ["", *TOKENS.values()], ids=["none", *TOKENS])
def test_a_pale_token_of_code_is_found_among_its_like(browse, tmp_path, tokens):
    path = tmp_path / "page.html"
    head = '<!doctype html><html lang="en"><title>x</title><style>.k { color: #333 }'
    code = f'<article class="bd-article"><pre>{FINE}{tokens}</pre></article>'
    path.write_text(f"{head} .c {{ color: #ccc }}</style><main>{code}</main>")
    found = violations(browse(path), ARTICLE, ["color-contrast"])
    assert len(found) == bool(tokens)
