"""Each operator of other people's models, opened, makes the bytes of the runtimes from theirs.

An operator gets the tensors that the runtime gave it, so one that is refused hides no other.
"""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from tflite_files import OTHERS, OWN_MODEL, need_others  # noqa: E402
from tflite_tensors import RUNTIMES as ASK  # noqa: E402

from tinyq.layers.nodes import INPUT  # noqa: E402
from tinyq.models.tflite import TensorType, parse  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402
from tinyq.runtimes import RUNTIMES, forward  # noqa: E402

NAMES = ["aeq_mnist_a8w8", "mlc_ad01", "mlc_kws", "mlc_resnet8", "mltk_image_example1"]
NAMES += ["mltk_rps", "tflm_hello_world", "tflm_person_detect", OWN_MODEL.stem]
NOT_TAKEN = {("tflm_person_detect", "litert-reference"): "LiteRT refuses the axis of its biases"}
FILES = {path.stem: path for path in (*OTHERS, OWN_MODEL)}


@pytest.mark.parametrize("runtime", list(ASK))
@pytest.mark.parametrize("name", NAMES)
def test_every_operator_gives_the_bytes_of_the_runtime(name, runtime):
    if name != OWN_MODEL.stem:
        need_others()
    if (name, runtime) in NOT_TAKEN:
        pytest.skip(NOT_TAKEN[name, runtime])
    content = FILES[name].read_bytes()
    model = parse(content)
    understood = understand(model)
    tensor = model.tensors[model.inputs[0]]
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, tensor.shape).astype(np.int8)
    if tensor.type is TensorType.FLOAT32:
        x = rng.random(tensor.shape, np.float32)
    theirs = ASK[runtime](content, model, x)
    # what each name stands for in the runtime, in the shape that the network has it
    codes = {
        value.name: theirs[index].reshape(-1, *value.shape)
        for index, value in reversed(understood.values.items())
        if index in theirs and theirs[index].dtype == np.int8
    }
    made = {name for name in codes if name != INPUT}
    compared = set()
    for node in understood.nodes:
        inputs = [codes[name] for name in node.inputs]
        got = forward(node.layer, *inputs, runtime=RUNTIMES[runtime])
        if node.name in made:
            assert np.array_equal(got, codes[node.name]), node.name
            compared.add(understood.operators[node.name])
        codes[node.name] = got
    assert len(compared) > 2 and compared == set(understood.operators.values())
