"""The table of tests/int8_table.py in Chromium: its engine gives the bytes of tinyq too."""

import json

import pytest
from int8_table import BUILDERS, DIGITS, PRELUDE, differences

from tinyq.widgets.frame.scripts import scripts_for


@pytest.mark.full
def test_chromium_equals_tinyq(browse, tmp_path):
    path = tmp_path / "page.html"
    tags = "".join(f'<script src="{file.as_uri()}"></script>' for file in scripts_for([DIGITS]))
    path.write_text(f"<!doctype html><title>int8</title>{tags}<script>{PRELUDE}</script>")
    page = browse(path)

    def call(function: str, cases: list) -> list:
        answer = page.evaluate(f"cases => JSON.stringify(({function})(cases))", cases)
        return json.loads(answer, parse_int=float)

    for builder in BUILDERS:
        wrong = differences(call, seed=6, size=300, builder=builder)
        assert not wrong, f"{len(wrong)} differ; the first: {wrong[0]}"
