"""A plan in a process that forked, and the engine "vnni" where nothing can be kept on the disk."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from engine_networks import ENGINES, MISSING

from tinyq.models import resnet

ROOT = Path(__file__).resolve().parents[1]
SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)
SECONDS = 60

# ------------------------------------------------------------------------------------------- fork

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("when", ["at rest", "in a call of another thread"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_forked_child_runs_the_plan(engine, when):
    qnet = NET.quantize(SEED.images)
    plan, images = qnet.compile(engine, batch=4), SEED.images[:4]
    want = qnet(images)
    inside, go = threading.Event(), threading.Event()
    first = plan._steps[0]

    def waiting() -> None:
        inside.set()
        go.wait(SECONDS)
        first()

    thread = threading.Thread(target=plan, args=(images,))
    if when != "at rest":
        plan._steps[0] = waiting
        thread.start()
        assert inside.wait(SECONDS)
        plan._steps[0] = first
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(plan(images)))
    child.start()
    try:
        assert ours.poll(SECONDS / 2), "the child does not answer"
        assert np.array_equal(ours.recv(), want)
        child.join(SECONDS)
        assert child.exitcode == 0
    finally:
        child.kill()
        go.set()
        if thread.ident:
            thread.join(SECONDS)
    assert np.array_equal(plan(images), want)


# ------------------------------------------------------------------------------ numba's own files

CHILD = """
import resource, sys
import numpy as np
if sys.argv[1] == "full":  # no file takes a byte
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from tinyq.engines import kernels
codes, total = np.ones((2, 3, 3, 4), np.int8), np.zeros((2, 4), np.int32)
kernels.channel_sums(codes, total)
assert (total == 9).all()
if sys.argv[2] == "whole":
    from tinyq.models import resnet
    seed = resnet.seed()
    qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    assert qnet.compile("vnni")(seed.images[:1]).tolist() == [[-8, 102, 89, -41]]
"""


def check_kernels(disk: str, what: str, folder: Path) -> None:
    """Run the kernels of a copy of the package, beside which numba can keep nothing."""
    shutil.copytree(ROOT / "tinyq", folder / "tinyq", ignore=shutil.ignore_patterns("__pycache__"))
    # a file where a folder is wanted refuses everyone, root too
    (folder / "tinyq" / "engines" / "__pycache__").touch()
    gone = str(folder / "tinyq" / "engines" / "__pycache__" / "home")
    kept = str(folder / "cache") if disk == "full" else gone
    environment = os.environ | {"PYTHONPATH": str(folder), "HOME": gone, "XDG_CACHE_HOME": gone}
    environment |= {"NUMBA_CACHE_DIR": kept} if disk != "no folder" else {}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:numba", "-c", CHILD, disk, what],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    # ONNX Runtime warns by itself that it cannot keep an id of this machine
    said = [line for line in done.stderr.splitlines() if "[W:onnxruntime:" not in line]
    assert (done.returncode, done.stdout, said) == (0, "", [])


needs_numba = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")
disks = pytest.mark.parametrize("disk", ["no folder", "no NUMBA_CACHE_DIR", "full"])


@needs_numba
@disks
def test_a_kernel_runs_where_nothing_can_be_kept(disk, tmp_path):
    check_kernels(disk, "one kernel", tmp_path)


@needs_numba
@pytest.mark.full
@disks
def test_a_plan_runs_where_nothing_can_be_kept(disk, tmp_path):
    check_kernels(disk, "whole", tmp_path)
