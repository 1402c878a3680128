"""What the lock files say: each requirement, its one version and the hashes of its files."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / ".binder" / "requirements.txt"
LOCKS = [*sorted(ROOT.glob("*.lock")), BINDER]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


class Pin(NamedTuple):
    requirement: Requirement
    hashes: list[str]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (only,) = self.requirement.specifier
        assert only.operator == "==" and "*" not in only.version, f"no exact pin: {only}"
        return only.version


def lines(lock: Path) -> list[str]:
    """The lines of a requirements file as pip reads them: joined, without comments."""
    text = lock.read_text().replace("\\\n", " ")
    return [line for raw in text.splitlines() if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]


def options(lock: Path) -> list[str]:
    return [line for line in lines(lock) if line.startswith("-")]


def pins(*locks: Path) -> Iterator[Pin]:
    for line in (line for lock in locks for line in lines(lock) if not line.startswith("-")):
        requirement, *hashes = line.split(" --hash=")
        yield Pin(Requirement(requirement), [each.strip() for each in hashes])


def wanted(*extras: str) -> Iterator[Requirement]:
    """What tinyq needs with these extras and to be built: nothing of it names tinyq itself."""
    project = PROJECT["project"]
    yield from map(Requirement, project["dependencies"] + PROJECT["build-system"]["requires"])
    for extra in extras:
        for requirement in map(Requirement, project["optional-dependencies"][extra]):
            if requirement.name == project["name"]:
                yield from wanted(*requirement.extras)
            else:
                yield requirement
