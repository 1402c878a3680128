"""The network in Keras, and its training."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

SEED = 4
EPOCHS = 12
BATCH = 64
LEARNING_RATE = 0.005
CLASSES = 10
SHIFTS = 9


def build() -> keras.Model:
    """Return the untrained network: images (N, 8, 8, 1), ink 0..1, to probabilities (N, 10)."""
    image = keras.Input((8, 8, 1), name="image")
    x = normed(layers.Conv2D(32, 3, padding="same", use_bias=False, name="stem"), image)
    x = separable(layers.ReLU(name="stem_relu")(x), 64, stride=2, name="block1")
    skip = layers.ReLU(name="block1_relu")(x)
    x = layers.Add(name="add")([skip, separable(skip, 64, stride=1, name="block2")])
    x = layers.GlobalAveragePooling2D(name="mean")(layers.ReLU(name="add_relu")(x))
    logits = layers.Dense(CLASSES, name="dense")(x)
    return keras.Model(image, layers.Softmax(name="softmax")(logits), name="digits")


def separable(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    """Return a depthwise 3x3 convolution of x with its ReLU, and a 1x1 one without."""
    depthwise = layers.DepthwiseConv2D(
        3, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )
    x = layers.ReLU(name=f"{name}_depthwise_relu")(normed(depthwise, x))
    return normed(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise"), x)


def normed(layer: layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return a layer of x with a batch norm after it."""
    return layers.BatchNormalization(name=f"{layer.name}_norm")(layer(x))


def shifted(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images (N, 8, 8, 1) moved by -1, 0 or 1 pixel each way, (SHIFTS * N, 8, 8, 1)."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    return np.concatenate([padded[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)])


def train(images: NDArray[np.float32], labels: NDArray[np.int64]) -> keras.Model:
    """Return the trained network: images (N, 8, 8, 1), labels (N,).

    A fixed seed, one thread and deterministic kernels: two runs on one machine give one network.
    """
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    network = build()
    steps = EPOCHS * -(-SHIFTS * len(images) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.01),
        "sparse_categorical_crossentropy",
        jit_compile=False,  # XLA would sum in an order that fits this machine's processor
    )
    network.fit(shifted(images), np.tile(labels, SHIFTS), BATCH, EPOCHS, verbose=2)
    return network
