"""The README's example gives its exact numbers, and its picture is the one that is drawn today."""

import doctest
import re
import sys
from pathlib import Path

import pytest

from tinyq.__main__ import main

ROOT = Path(__file__).parent.parent
PICTURE = "book/assets/parity.png"


def test_the_example_gives_its_numbers():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted >= 8 and not result.failed


def test_every_linked_file_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert PICTURE in links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="text is rasterised a shade apart elsewhere")
def test_the_picture_has_not_drifted(tmp_path):
    main(["plot", "--out", str(tmp_path / "parity.png")])
    fresh, stored = (tmp_path / "parity.png").read_bytes(), (ROOT / PICTURE).read_bytes()
    assert fresh == stored, f"run: python -m tinyq plot --force --out {PICTURE}"
