"""The built book, made once for all tests: built anew where the sources or the pages changed."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
STAMP = ROOT / "_build" / "html.sha256"
SOURCES = ["_config.yml", "_toc.yml", "index.md", "book/**/*", "notebooks/*"]
SOURCES += ["tinyq/widgets/**/*", "requirements.lock"]


def digest() -> str:
    """SHA-256 of the book's sources and of the built pages: a change in either asks for a build."""
    globs = [(ROOT, pattern) for pattern in SOURCES] + [(HTML, "**/*.html")]
    files = sorted({file for folder, glob in globs for file in folder.glob(glob) if file.is_file()})
    sha = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            sha.update(f"{file.relative_to(ROOT)} {file.stat().st_size}\n".encode())
            sha.update(file.read_bytes())
    return sha.hexdigest()


def build() -> None:
    """Build all pages; a warning is an error. Fails the calling test with the builder's output."""
    STAMP.unlink(missing_ok=True)
    # --all: an incremental build does not copy a changed script or style sheet
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    command = [jupyter_book, "build", str(ROOT), "--all", "-W", "-n", "--keep-going"]
    run = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    if run.returncode:
        pytest.fail(f"the book does not build:\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}")
    STAMP.write_text(digest())


def up_to_date() -> Path:
    """Return the folder of the built pages; xdist's workers share one build."""
    STAMP.parent.mkdir(exist_ok=True)
    with FileLock(STAMP.with_suffix(".lock")):
        if not STAMP.exists() or STAMP.read_text() != digest():
            build()
    return HTML
