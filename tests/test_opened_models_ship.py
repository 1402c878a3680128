"""Models that other people made, opened: C, npz, plans and a .tflite have TFLite Micro's bytes."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from c_compilers import SANITIZE, codes_from, compile_host, needs  # noqa: E402
from engine_networks import ENGINES  # noqa: E402
from export_networks import random_codes  # noqa: E402
from tflite_files import FOLDER, need_others  # noqa: E402
from tflite_micro.python.tflite_micro.runtime import Interpreter as Micro  # noqa: E402

import tinyq  # noqa: E402
from tinyq import export  # noqa: E402
from tinyq.models.tflite_network import TFLiteNetwork  # noqa: E402
from tinyq.network import QNetwork  # noqa: E402
from tools.agreement.every_tensor import ARENA  # noqa: E402

MLPERF = ["mlc_resnet8", "mlc_kws", "mlc_ad01", "tflm_person_detect"]  # of MLPerf Tiny
OTHERS = ["aeq_mnist_a8w8", "mltk_image_example1", "tflm_hello_world"]  # mltk_rps: float ends
NAMES = pytest.mark.parametrize("name", [*MLPERF, *OTHERS])


@cache
def opened(name: str) -> tuple[TFLiteNetwork, np.ndarray, bytes]:
    """A model, images, each code equally likely, and what TFLite Micro makes of them."""
    need_others()
    path = FOLDER / f"{name}.tflite"
    qnet = tinyq.load_tflite(path)
    codes = random_codes(qnet, 4)
    if name == "mlc_resnet8":
        codes = np.concatenate([np.load(FOLDER / "resnet8_smooth.npy"), codes])
    return qnet, codes, micro(path.read_bytes(), codes)


def micro(content: bytes, codes: np.ndarray) -> bytes:
    """TFLite Micro's bytes, a sample at a time."""
    interpreter, made = Micro.from_bytes(content, arena_size=ARENA), []
    for sample in codes:
        interpreter.set_input(sample[None], 0)
        interpreter.invoke()
        made.append(interpreter.get_output(0).tobytes())
    return b"".join(made)


@NAMES
def test_the_c_prints_tflite_micro_s_bytes(name, tmp_path):
    needs("cc")
    qnet, codes, want = opened(name)
    export.c(qnet, tmp_path)
    assert codes_from(compile_host("cc", tmp_path, "-O1", *SANITIZE), codes, tmp_path) == want


@NAMES
def test_a_npz_holds_the_plain_network(name, tmp_path):
    qnet, codes, want = opened(name)
    export.npz(qnet, tmp_path / "net.npz")
    back = export.load(tmp_path / "net.npz")
    assert type(back) is QNetwork and [n.name for n in back.nodes] == [n.name for n in qnet.nodes]
    assert back(codes).tobytes() == want


@pytest.mark.parametrize("engine", ENGINES)
@NAMES
def test_a_plan_gives_them(name, engine):
    qnet, codes, want = opened(name)
    assert qnet.compile(engine, batch=len(codes))(codes).tobytes() == want


@pytest.mark.parametrize("fuse", [False, True])
@NAMES
def test_it_goes_out_as_a_tflite_again(name, fuse, tmp_path):
    qnet, codes, want = opened(name)
    export.tflite(qnet, tmp_path / "net.tflite", fuse_relu=fuse, fuse_pad=fuse)
    assert micro((tmp_path / "net.tflite").read_bytes(), codes) == want
