"""The page of execution times has every notebook, and the versions that the lock file pins."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "book" / "execution.md").read_text()
ANEW = "run: python tools/times.py"


def test_every_notebook_has_a_time_and_they_add_up():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    rows = re.findall(r"^\| \[\]\(\.\./(notebooks/\w+)\.ipynb\) \| (\d+\.\d) \|$", TEXT, re.M)
    assert [file for file, _ in rows] == [f for f in files if f.startswith("notebooks/")], ANEW
    total = float(re.search(r"^\| all \| (\d+\.\d) \|$", TEXT, re.M)[1])
    assert total == pytest.approx(sum(float(took) for _, took in rows), abs=0.05 * len(rows) + 0.05)
    assert all(float(took) > 0 for _, took in rows)


def test_the_versions_are_the_locks():
    lock = (ROOT / "requirements.lock").read_text().lower()
    rows = re.findall(r"^\| ([\w-]+) \| (\w+\.[\w.]+) \|$", TEXT.split("## Versions")[1], re.M)
    assert len(rows) >= 10
    assert [row for row in rows if not re.search(rf"^{row[0]}=={row[1]}\s", lock, re.M)] == [], ANEW
