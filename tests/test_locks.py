"""The locks name every package by version and hash, and pip takes nothing else."""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from locks import BINDER, LOCKS, PROJECT, ROOT, lines, options, pins, wanted
from packaging.utils import canonicalize_name

# An environment's extras, and the locks that it is installed from.
ENVIRONMENTS = {
    ("test",): ["requirements.lock"],
    ("agreement",): ["requirements-agreement.lock", "requirements-torch.lock"],
    ("lab",): ["requirements-lab.lock"],
    ("own-model",): ["requirements-own-model.lock"],
    ("plot", "widgets"): [".binder/requirements.txt"],
}
VERIFIED = re.search(r"^verified := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_has_one_version_and_a_hash(lock: Path):
    found = list(pins(lock))
    assert found
    for pin in found:
        assert pin.version and not pin.requirement.url
        assert pin.hashes, f"no hash: {pin.requirement}"
        for digest in pin.hashes:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest), pin.requirement


@pytest.mark.parametrize("extras", list(ENVIRONMENTS), ids="-".join)
def test_the_locks_of_an_environment_meet_what_pyproject_asks_for(extras: tuple[str, ...]):
    versions = {}
    for pin in pins(*(ROOT / name for name in ENVIRONMENTS[extras])):
        versions.setdefault(pin.name, []).append(pin.version)
    for requirement in wanted(*extras):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"not locked: {requirement}"
        for version in found:
            assert version in requirement.specifier, f"{version} is locked, wanted {requirement}"


def test_every_lock_belongs_to_an_environment():
    used = {ROOT / name for names in ENVIRONMENTS.values() for name in names}
    assert {lock.name for lock in set(LOCKS) - used} == {"requirements-uv.lock"}
    assert [f"{p.name}=={p.version}" for p in pins(ROOT / "requirements-uv.lock")] == (
        PROJECT["dependency-groups"]["lock"]
    )


def test_a_package_has_the_same_version_and_files_in_each_environment():
    main = {(pin.name, pin.version): pin.hashes for pin in pins(ROOT / "requirements.lock")}
    names = {name for name, _ in main}
    for lock in LOCKS:
        for pin in pins(lock):
            if pin.name in names:
                assert pin.hashes == main[pin.name, pin.version], f"{lock.name}: {pin.name}"


def test_jupyterlab_stays_out_of_the_environment_of_the_tests():
    names = {pin.name for pin in pins(ROOT / "requirements.lock")}
    assert "jupyterlab" not in names, "it slows each start of pytest and each book build"


def test_pytorch_comes_without_cuda_and_in_one_version():
    (torch,) = pins(ROOT / "requirements-torch.lock")
    extras = PROJECT["project"]["optional-dependencies"]
    for extra in ("agreement", "train"):
        assert f"torch=={torch.version}" in extras[extra]
    (told,) = PROJECT["tool"]["uv"]["dependency-metadata"]  # to uv, which writes the other locks
    assert (told["name"], told["version"]) == ("torch", torch.version)
    names = {pin.name for lock in LOCKS for pin in pins(lock)}
    assert not [name for name in names if re.match("nvidia|cuda|triton", name)]


def test_only_pytorch_comes_from_another_index():
    others = {lock.name: options(lock) for lock in LOCKS if options(lock)}
    assert others == {
        "requirements-torch.lock": ["--extra-index-url https://download.pytorch.org/whl/cpu"]
    }
    assert len(list(pins(ROOT / "requirements-torch.lock"))) == 1


@pytest.mark.parametrize(
    "environment", [".venv", ".venv-agreement", ".venv-lab", ".venv-own-model"]
)
def test_make_installs_wheels_by_hash_and_tinyq_itself_without_asking_anyone(environment: str):
    command = ["make", "-n", "-B", f"{environment}/ready"]
    recipe = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    installs = re.findall(r"-m pip .*?(?=[|;\n])", recipe)
    locked, own = (install.split(" install ")[1].split() for install in installs)
    assert locked == [*VERIFIED, "-r", "$lock"]
    assert {"--no-deps", "--no-build-isolation"} <= set(own) and own[-2:] == ["--editable", "."]
    read = re.search(r"for lock in (.*?);", recipe)[1].split()
    assert read in ENVIRONMENTS.values()


def test_binder_installs_tinyq_beside_its_lock():
    (command,) = (line for line in lines(BINDER.with_name("postBuild")) if " pip " in line)
    assert command.split(" install ")[1].split() == ["--no-deps", "--no-build-isolation", "."]
    assert os.access(BINDER.with_name("postBuild"), os.X_OK)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """A folder with a package as a wheel, and another as a source that runs code when built."""
    folder = tmp_path_factory.mktemp("shelf")
    with zipfile.ZipFile(folder / "pebble-1.0-py3-none-any.whl", "w") as wheel:
        about = "pebble-1.0.dist-info/"
        wheel.writestr("pebble.py", "")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: pebble\nVersion: 1.0\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")
    setup = folder / "setup.py"
    setup.write_text(
        f"open({str(folder / 'it ran')!r}, 'w')\n"
        "import setuptools; setuptools.setup(name='gravel', version='1.0')"
    )
    with tarfile.open(folder / "gravel-1.0.tar.gz", "w:gz") as source:
        source.add(setup, "gravel-1.0/setup.py")
    return folder


def install(shelf: Path, target: Path, line: str) -> subprocess.CompletedProcess:
    """Let pip install one line as the Makefile would, from the shelf and no network."""
    lock = target.with_suffix(".lock")
    lock.write_text(line)
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--find-links"]
    command += [shelf, "--no-build-isolation", "--target", target, *VERIFIED, "-r", lock]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(command, env=environment, text=True, capture_output=True)


def digest(shelf: Path, name: str) -> str:
    (file,) = shelf.glob(f"{name}-*")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_wheel_with_its_own_hash_is_installed(shelf: Path, tmp_path: Path):
    line = f"pebble==1.0 --hash=sha256:{digest(shelf, 'pebble')}"
    run = install(shelf, tmp_path / "target", line)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "target" / "pebble.py").exists()


REFUSED = {
    "another hash": ("pebble==1.0 --hash=sha256:{other}", "DO NOT MATCH THE HASHES"),
    "no hash": ("pebble==1.0", "Hashes are required"),
    "no version": ("pebble --hash=sha256:{pebble}", "must have their versions pinned with =="),
    "a source": ("gravel==1.0 --hash=sha256:{gravel}", "No matching distribution"),
}


@pytest.mark.parametrize("line, reason", list(REFUSED.values()), ids=list(REFUSED))
def test_anything_else_is_refused(shelf: Path, tmp_path: Path, line: str, reason: str):
    pebble = digest(shelf, "pebble")
    other = f"{int(pebble[0], 16) ^ 1:x}{pebble[1:]}"
    gravel = digest(shelf, "gravel")
    run = install(
        shelf, tmp_path / "target", line.format(pebble=pebble, other=other, gravel=gravel)
    )
    assert run.returncode and reason in run.stderr, run.stderr
    assert not (tmp_path / "target").exists() and not (shelf / "it ran").exists()
