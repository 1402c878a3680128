"""A widget in JupyterLab: the browser moves its slider, the kernel reads the value back.

JupyterLab has an environment of its own, .venv-lab; `make test-lab` makes it and runs this file.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[1]
JUPYTER = ROOT / ".venv-lab" / "bin" / "jupyter"
CELLS = [
    "from tinyq.widgets import GridRuler\nruler = GridRuler(bits=4)\nruler",
    "print('read', ruler.x, ruler.bits, ruler.value['code'])",
    "ruler.bits = 2",
]
# Nothing of the person's own settings is read, nothing is left behind.
HOMES = ["JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"]
HOMES += ["JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not JUPYTER.exists(), reason="no .venv-lab: make test-lab makes it"),
]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """JupyterLab's address, serving a folder with the notebook ruler.ipynb."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "ruler.ipynb")
    home = {name: str(folder / name) for name in HOMES}
    port = free_port()
    command = [JUPYTER, "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--IdentityProvider.token=", "--ServerApp.port_retries=0"]
    command += [f"--notebook-dir={folder}"]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(command, env={**os.environ, **home}, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=1) as answer:
                json.load(answer)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(lab, chromium):
    """The notebook in JupyterLab, with no other host within reach."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    refused = []

    def refuse(route) -> None:
        refused.append(route.request.url)
        route.abort()

    page.route(lambda url: not url.startswith((lab, "data:", "blob:")), refuse)
    page.goto(f"{lab}/lab/tree/ruler.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").nth(2).wait_for(timeout=60_000)
    yield page
    context.close()
    assert not refused, "the widget asked another host"


def run(page, cell: int) -> None:
    """Run a cell, again where JupyterLab dropped the run as the kernel was not connected yet."""
    code = page.locator(".jp-CodeCell").nth(cell)
    started = code.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\d+|\*)\]"))
    for _ in range(12):
        code.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        with contextlib.suppress(TimeoutError):
            return started.wait_for(timeout=5_000)
    pytest.fail(f"cell {cell} did not start: {code.inner_text()}")


def output(page, cell: int) -> str:
    return page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-output").last.inner_text()


def test_the_kernel_reads_what_the_slider_says(page):
    page.locator('[data-status="idle"]').first.wait_for(timeout=60_000)
    run(page, 0)
    sliders = page.locator(".jp-OutputArea-output .tinyq-widget input[type=range]")
    sliders.first.wait_for(timeout=60_000)
    assert page.get_by_text("The same in Python").is_visible()
    x = sliders.nth(3)
    x.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.type") == "range"  # the notebook left it the keys
    page.wait_for_timeout(300)
    run(page, 1)
    page.get_by_text("read 0.78 4 1").wait_for(timeout=20_000)
    assert output(page, 1).strip() == "read 0.78 4 1"
    run(page, 2)  # and the other way round
    page.wait_for_function(
        "document.querySelectorAll('.tinyq-widget input[type=range]')[2].value === '2'",
        timeout=20_000,
    )
    assert "code 0" in page.locator(".tinyq-widget .tinyq-seen").inner_text()
