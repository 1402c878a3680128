"""One module writes files, and whoever calls it is attacked: both are read from the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from writers import WRITERS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [path for room in ("tinyq", "tools") for path in sorted((ROOT / room).rglob("*.py"))]
FILES = [
    *SOURCES,
    *sorted((ROOT / "book").rglob("*.py")),
    *sorted((ROOT / "notebooks").glob("*.py")),
]

THE_WRITER = {"tinyq/export/files.py"}
# Names of methods and functions that write a file, in pathlib, os, shutil, NumPy and the packages.
WAYS = {"write_text", "write_bytes", "touch", "rename", "renames", "link", "symlink", "truncate"}
WAYS |= {"hardlink_to", "symlink_to", "savefig", "savez", "savez_compressed", "savetxt", "tofile"}
WAYS |= {"dump", "save", "to_csv", "copyfile", "copytree", "copy2", "move", "mkstemp", "pdf"}
WAYS |= {"screenshot", "NamedTemporaryFile", "ZipFile", "memmap", "save_model", "urlretrieve"}
# What writes to memory, to a temporary folder or into the kernel, and no file of anyone's.
ELSEWHERE = {
    ("tinyq/commands/plot.py", "save"): "plots.style.save",
    ("tinyq/export/archive.py", "savez"): "to memory",
    ("tinyq/export/archive.py", "ZipFile"): "in memory",
    ("tinyq/models/foreign.py", "ZipFile"): "to read",
    ("tinyq/plots/style.py", "savefig"): "to memory",
    ("tinyq/widgets/frame/explore.py", "savefig"): "to memory",
    ("tools/agreement/__main__.py", "save"): "vectors.save",
    ("tools/agreement/vectors.py", "savez_compressed"): "to memory",
    ("tools/agreement/wheels.py", "ZipFile"): "to read",
    ("tools/bench_engines/worker.py", "write_text"): "to Linux: a counter starts anew",
    ("tools/bench_widgets.py", "write_text"): "to a temporary folder",
    ("tools/print_book.py", "pdf"): "to memory",
    ("tools/sync.py", "save"): "to memory",
    ("tools/train_digits.py", "savez_compressed"): "to a temporary folder",
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The calls in a file, with the last name of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def may_write(name: str, call: ast.Call) -> bool:
    """Whether a call is one of WAYS, moves a file, or opens one otherwise than to read it."""
    words = [one.value for one in call.args if isinstance(one, ast.Constant)]
    words += [word.value.value for word in call.keywords
              if word.arg == "mode" and isinstance(word.value, ast.Constant)]  # fmt: skip
    if name == "open":
        text = ast.unparse(call)
        modes = [word for word in words if isinstance(word, str) and set(word) <= set("rwaxbt+")]
        if "os.open" in text:
            return "devnull" not in text and "O_RDONLY" not in text
        return any(set(mode) & set("wax+") for mode in modes)
    if name == "replace":  # a text's has two arguments, a path's one
        one = isinstance(call.func, ast.Attribute) and len(call.args) + len(call.keywords) == 1
        return one or ast.unparse(call.func) == "os.replace"
    return name in WAYS


def test_nothing_writes_but_the_writer():
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in FILES
        for name, call in calls(path)
        if may_write(name, call)
    }
    others = {place for place in found if place[0] not in THE_WRITER}
    assert others == set(ELSEWHERE), "a file is written by tinyq.export.files alone"
    assert {name for file, name in found if file in THE_WRITER} == {"open", "link", "replace"}


@pytest.mark.parametrize(
    "line",
    [
        'path.write_text("")',
        'open(path, "w")',
        'open(path, mode="ab")',
        'path.open("r+")',
        "os.open(path, os.O_WRONLY)",
        "draft.replace(path)",
        "os.replace(a, b)",
        "shutil.copyfile(a, b)",
        "np.save(path, a)",
        "json.dump(a, file)",
        "tab.pdf(path=path)",
    ],
)
def test_another_way_to_write_is_found(line, tmp_path):
    (tmp_path / "a.py").write_text(line)
    assert any(may_write(name, call) for name, call in calls(tmp_path / "a.py"))


def test_every_writer_is_attacked():
    callers = set()
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    for tree in [ast.parse(text) for text in texts if "write_files(" in text]:
        for function in filter(lambda node: isinstance(node, ast.FunctionDef), tree.body):
            names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            callers |= {function.name} if "write_files" in names else set()
    assert callers == set(WRITERS)
