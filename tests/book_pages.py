"""The pages of the book, in the order of its contents."""

import functools
import re
from pathlib import Path

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
CHAPTERS = [page for page in PAGES if re.match(r"notebooks/(\d\d|appendix)_", page)]


@functools.cache
def soup(page: Path) -> BeautifulSoup:
    """Return a built page, parsed once a process: look at it, do not change it."""
    return BeautifulSoup(page.read_text(), "html.parser")
