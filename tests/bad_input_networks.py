"""The seed's networks on two images: the valid arguments that bad ones take the place of."""

import numpy as np

from tinyq.analysis.runs import run_both
from tinyq.models import resnet

SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)
IMAGES = SEED.images[:2]
LABELS = np.array([1, 3])
QNET = NET.quantize(IMAGES)
RUNS = run_both(NET, QNET, IMAGES)
