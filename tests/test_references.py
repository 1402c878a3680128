"""The references: each is cited, each source that the code names is there, papers have DOIs."""

import re
from pathlib import Path

from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = parse_file(str(ROOT / "book" / "references.bib")).entries
PROSE = [*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/*.py"), ROOT / "index.md"]
# "Nagel et al. 2019", "Kingma and Ba 2015", "Migacz 2017"
AUTHORS = re.compile(r"\b([A-Z][a-zA-Z]+)(?: et al\.| and [A-Z][a-z]+)? ((?:19|20)\d\d)\b")


def named(text: str) -> set[tuple[str, str]]:
    """Author and year of each source that a docstring names after "Source:"."""
    sources = re.findall(r"Source: (.+?)(?:\n\s*\n|\"\"\"|>>>)", text, re.S)
    return {pair for source in sources for pair in AUTHORS.findall(source)}


def test_each_entry_is_cited_in_the_text():
    cited = set()
    for path in PROSE:
        for keys in re.findall(r"\{cite:\w+\}`([\w, ]+)`", path.read_text()):
            cited |= {key.strip() for key in keys.split(",")}
    assert cited == set(ENTRIES)


def test_each_source_of_the_code_has_an_entry():
    have = {
        (person.last_names[-1], entry.fields["year"])
        for entry in ENTRIES.values()
        for person in entry.persons["author"][:1]
    }
    wanted = {pair for path in ROOT.glob("tinyq/**/*.py") for pair in named(path.read_text())}
    assert {("Jacob", "2018"), ("Nagel", "2019"), ("Kingma", "2015")} <= wanted
    assert wanted - have == set()


def test_papers_have_dois_and_everything_an_address():
    for key, entry in ENTRIES.items():
        assert "doi" in entry.fields or "url" in entry.fields, key
        if entry.type != "misc" or "arxiv" in entry.fields.get("url", ""):
            assert re.fullmatch(r"10\.\d{4,5}/\S+", entry.fields.get("doi", "")), key
        if "arXiv" in entry.fields.get("doi", ""):
            assert entry.fields["doi"].rsplit("arXiv.")[1] in entry.fields["url"], key
