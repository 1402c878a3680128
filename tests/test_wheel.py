"""The wheel: what is in it, what it imports, and its golden under the oldest and newest NumPy.

The environments with one NumPy each stay in .cache/, so only the first run downloads anything.
"""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
GOLDEN = """\
# resnet18_block_int8 golden output
# samples=4 classes=4
sample 0: -8 102 89 -41
sample 1: -20 71 55 -60
sample 2: -16 89 78 -44
sample 3: 5 124 109 -34
"""
NEW_MODULES = """
import sys, numpy.random
before = set(sys.modules)
import tinyq
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - sys.stdlib_module_names - {"numpy"}))
"""


def run(*command, cwd: Path) -> subprocess.CompletedProcess:
    """Run a command that sees no other Python path than its own."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, text=True, capture_output=True
    )


def pip(python: Path, *arguments, cwd: Path) -> subprocess.CompletedProcess:
    """Run this environment's pip on the environment of `python`, which has none itself."""
    options = ["--python", python, "--disable-pip-version-check", "--no-input", "--retries", 1]
    return run(sys.executable, "-m", "pip", *options, *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that `pip wheel .` makes of the sources alone, without what lies beside them."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "tinyq", source / "tinyq")
    for name in ["pyproject.toml", "README.md", "LICENSE"]:
        shutil.copy(ROOT / name, source)
    built = pip(
        sys.executable,
        "wheel",
        source,
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        cwd=folder,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def numpy_range() -> SpecifierSet:
    """What pyproject.toml allows of NumPy under the Python that runs this test."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(line) for line in project["dependencies"]]
    assert {r.name for r in requirements} == {"numpy"}, "NumPy is the only dependency"
    allowed = SpecifierSet()
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate():
            allowed &= requirement.specifier
    return allowed


def oldest(allowed: SpecifierSet) -> Version:
    return max(Version(limit.version) for limit in allowed if limit.operator == ">=")


@pytest.fixture(params=["oldest", "newest"])
def numpy_python(request) -> Iterator[tuple[Path, SpecifierSet]]:
    """The Python of an environment that holds NumPy alone, and the versions that it may have."""
    allowed = numpy_range()
    if request.param == "oldest":
        allowed &= SpecifierSet(f"=={oldest(allowed)}")
    folder = CACHE / f"numpy-{request.param}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    CACHE.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not python.exists():
            made = run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=ROOT)
            assert made.returncode == 0, made.stderr
        installed = "import importlib.metadata as m; print(m.version('numpy'))"
        upgrade = ["--upgrade"] if request.param == "newest" else []
        wanted = ["install", *upgrade, "--only-binary=:all:", f"numpy{allowed}"]
        fetched = pip(python, *wanted, cwd=ROOT)
        if fetched.returncode and run(python, "-c", installed, cwd=ROOT).returncode:
            reason = f"cannot install numpy{allowed}: {fetched.stderr.strip()[-300:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        yield python, allowed


@pytest.mark.full
def test_wheel_holds_each_module_script_and_style_and_nothing_else(wheel: Path):
    kinds = {".py", ".typed", ".js", ".css", ".npz", ".c", ".h"}
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tinyq").rglob("*")
        if path.suffix in kinds
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    about = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info/"
    assert {name for name in names if not name.startswith(about)} == expected
    assert {name.removeprefix(about) for name in names - expected} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "top_level.txt",
        "licenses/LICENSE",
    }


def test_importing_tinyq_loads_nothing_but_numpy_and_the_standard_library():
    loaded = run(sys.executable, "-c", NEW_MODULES, cwd=ROOT)
    assert (loaded.stdout.split(), loaded.stderr) == (["tinyq"], "")


@pytest.mark.full
def test_wheel_beside_numpy_alone_prints_the_golden(wheel: Path, numpy_python, tmp_path: Path):
    python, allowed = numpy_python
    installed = pip(python, "install", "--no-deps", "--force-reinstall", wheel, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    listed = pip(python, "list", "--format=freeze", cwd=tmp_path).stdout.split()
    versions = dict(line.split("==") for line in listed)
    assert set(versions) == {"numpy", "tinyq"}
    assert versions["numpy"] in allowed
    golden = run(python, "-W", "error", "-m", "tinyq", "golden", cwd=tmp_path)
    assert (golden.stdout, golden.stderr) == (GOLDEN, "")
