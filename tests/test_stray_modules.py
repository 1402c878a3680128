"""No stray file takes the place of a module: not in this folder, on PYTHONPATH or among the user's.

The strays have the name of every module of Python, and of what tinyq needs. Each leaves a mark.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reference import GOLDEN

ROOT = Path(__file__).resolve().parents[1]
NAMES = {*sys.stdlib_module_names, "sitecustomize", "usercustomize"}
NAMES |= {"matplotlib", "numpy", "pytest", "tinyq"}
NAMES -= {"encodings"}  # a stray one stops Python before anything could leave a mark
TOOLS = sorted((ROOT / "tools").glob("*.py"))

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def strays(tmp_path: Path) -> Path:
    """A folder that holds the Makefile and the strays; `marks` in it says which were imported."""
    for name in NAMES:
        mark = f"open({str(tmp_path / 'marks')!r}, 'a').write({name!r} + chr(10))\n"
        (tmp_path / f"{name}.py").write_text(mark)
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run make in a folder; the environment of this test stands in for .venv."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-s", f"py={sys.executable}", "--old-file=.venv/ready", *arguments]
    return subprocess.run(command, cwd=folder, env=env | variables, text=True, capture_output=True)


def marks(folder: Path) -> list[str]:
    file = folder / "marks"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize("target", ["run", "golden", "ledger", "bench", "plot"])
def test_a_target_imports_no_stray(strays: Path, target: str):
    done = make(strays, target, PYTHONPATH=str(strays), PYTHONHOME=str(strays))
    assert done.returncode == 0, done.stderr
    assert marks(strays) == []
    if target == "golden":
        assert done.stdout == GOLDEN


@pytest.mark.full
def test_no_stray_is_imported_while_an_environment_is_made(strays: Path):
    """The recipe that every environment shares, up to the first package that it would fetch."""
    (strays / "pyproject.toml").touch()
    (strays / "requirements.lock").write_text("nothing==1.0 --hash=sha256:" + 64 * "0")
    arguments = [f"PYTHON={sys.executable}", "--new-file=pyproject.toml", "setup"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    env |= {"PYTHONPATH": str(strays), "PIP_NO_INDEX": "1"}
    done = subprocess.run(["make", *arguments], cwd=strays, env=env, text=True, capture_output=True)
    assert done.returncode and "No matching distribution found for nothing" in done.stderr
    assert marks(strays) == []


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "."}], ids=["folder", "PYTHONPATH"])
def test_without_the_makefile_a_stray_does_come_in(strays: Path, variables: dict[str, str]):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, "-m", "tinyq", "golden"]
    subprocess.run(command, cwd=strays, env=env | variables, capture_output=True)
    assert marks(strays)


@pytest.mark.full
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_needs_no_folder_of_its_own_on_the_path(strays: Path, tool: Path):
    if tool.name == "train_digits.py":
        pytest.importorskip("sklearn", reason="the extra `train` is not installed")
    code = f"import runpy; runpy.run_path({str(tool)!r}, run_name='imported')"
    env = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=strays, env=env, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert marks(strays) == []


@pytest.mark.full
def test_pytest_keeps_this_folder_behind_the_environment(strays: Path):
    """A doctest puts the folder of its package on the path; there it comes last."""
    shutil.copy(ROOT / "pyproject.toml", strays)
    (strays / "package").mkdir()
    (strays / "package" / "__init__.py").touch()
    (strays / "package" / "late.py").write_text('"""\n>>> import colorsys\n"""\n')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "package"]
    env = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=strays, env=env, text=True, capture_output=True)
    assert marks(strays) == []
    assert "1 passed" in done.stdout, done.stdout + done.stderr
