"""What the pages offer beside their text: times, files, the way on, launch buttons, widgets."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from book_pages import CHAPTERS, PAGES, ROOT, soup

ADDRESS = "https://github.com/someone/tinyq"


def minutes(page: str) -> int:
    """What the box at the head of the chapter's notebook says."""
    box = nbformat.read(ROOT / f"{page}.ipynb", as_version=4).cells[0].source
    return int(re.search(r"\*\*Time:\*\* (\d+) minutes", box)[1])


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_shows_its_time_and_its_two_files(built_book, page):
    line = soup(built_book / f"{page}.html").find(class_="chapter-line")
    assert re.match(r"\d+ minutes", line.get_text())[0] == f"{minutes(page)} minutes"
    folder = (built_book / page).parent
    files = [(folder / link["href"]).resolve() for link in line.find_all("a")]
    originals = [ROOT / f"{page}.ipynb", ROOT / f"{page}.py"]
    assert [file.suffix for file in files] == [".ipynb", ".py"]
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in originals]


@pytest.mark.parametrize("page", CHAPTERS)
def test_the_command_of_a_chapter_opens_that_chapter(built_book, page):
    command = soup(built_book / f"{page}.html").find(class_="chapter-end").pre.get_text().strip()
    make = ["make", "-n", "--old-file=.venv-lab/ready", *command.split()[1:]]
    # as from a shell, not as a child of the make that runs the tests
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    run = subprocess.run(make, cwd=ROOT, env=env, text=True, capture_output=True, check=True)
    assert run.stdout.strip() == f".venv-lab/bin/jupyter lab {page}.ipynb"
    assert (ROOT / f"{page}.ipynb").exists()


@pytest.mark.parametrize("n", range(1, len(PAGES)))
def test_two_neighbours_in_the_contents_lead_to_each_other(built_book, n):
    before, after = PAGES[n - 1 : n + 1]
    ways = {before: ("right-next", after), after: ("left-prev", before)}
    for page, (name, other) in ways.items():
        href = soup(built_book / f"{page}.html").find("a", class_=name)["href"]
        target = (built_book / page).parent / href
        assert target.resolve() == (built_book / f"{other}.html").resolve()


def test_the_front_page_lists_every_chapter_with_its_minutes(built_book):
    rows = soup(built_book / "index.html").find("table").tbody.find_all("tr")
    listed = {row.a["href"].removesuffix(".html"): row("td")[1].get_text() for row in rows}
    assert listed == {page: str(minutes(page)) for page in CHAPTERS}


def test_each_route_of_the_front_page_says_the_minutes_of_its_chapters(built_book):
    short, half, whole = (
        soup(built_book / "index.html").find(class_="routes").find_all(class_="sd-card")
    )
    times = [int(re.search(r"(\d+) minutes", card.get_text()[10:])[1]) for card in (half, whole)]
    chapters = [link["href"].removesuffix(".html") for link in half.find_all("a")]
    assert len(chapters) == 5
    assert times == [sum(map(minutes, chapters)), sum(map(minutes, CHAPTERS))]
    first = short.find("a")["href"].removesuffix(".html")
    assert f"in {minutes(first)} minutes" in " ".join(short.get_text().split())
    assert minutes(first) < 50 and sum(map(minutes, chapters)) < 4 * 60


def test_the_front_page_has_a_widget_before_its_first_number(built_book):
    article = soup(built_book / "index.html").find("article")
    widget = article.find("tinyq-grid-ruler")
    assert widget["bits"] == "4" and widget.find("svg")
    assert widget.sourceline < article.find("pre").sourceline


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A book of one chapter, built with the address of a repository in `_config.yml`."""
    folder = tmp_path_factory.mktemp("published")
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert config["repository"]["url"] == ""
    config["repository"]["url"] = ADDRESS
    extensions = config["sphinx"]["local_extensions"]
    extensions.update({name: str(ROOT / path) for name, path in extensions.items()})
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    toc = {"format": "jb-book", "root": "index", "chapters": [{"file": CHAPTERS[0]}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--all"]
    command += ["--path-output", folder, "--config", folder / "_config.yml"]
    command += ["--toc", folder / "_toc.yml"]
    run = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert run.returncode == 0, f"{run.stdout[-1000:]}\n{run.stderr[-3000:]}"
    yield folder / "_build" / "html"
    shutil.rmtree(folder)


@pytest.mark.full
def test_with_an_address_a_chapter_opens_in_binder_and_colab(published):
    links = [a.get("href", "") for a in soup(published / f"{CHAPTERS[0]}.html").find_all("a")]
    name = f"{CHAPTERS[0]}.ipynb"
    assert f"https://colab.research.google.com/github/someone/tinyq/blob/main/{name}" in links
    assert f"https://mybinder.org/v2/gh/someone/tinyq/main?urlpath=lab/tree/{name}" in links


@pytest.mark.parametrize("page", PAGES)
def test_without_an_address_no_page_offers_binder_or_colab(built_book, page):
    text = (built_book / f"{page}.html").read_text()
    assert not re.search(r"mybinder|colab\.research|launch-buttons", text)
