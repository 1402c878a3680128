"""What a classifier decides: its answers, how many are right, and where two networks differ."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.parity import sqnr_db


class Score(NamedTuple):
    """How good a quantized network's logits are.

    sqnr_db: signal to noise ratio of its logits against the float ones, equation (10.1), in dB;
    infinity where they are equal; accuracy: share of right answers, 0..1; agreement: share of
    images that get the float network's answer, 0..1.
    """

    sqnr_db: float
    accuracy: float
    agreement: float


def predict(logits: NDArray) -> NDArray[np.int64]:
    """Return each image's answer, the class of its largest logit; of equal ones, the first.

    logits: (N, classes), finite floats or integer codes.  Returns int64 (N,).
    Codes and the numbers that they stand for give the same answers: a grid keeps the order.
    Raises TypeError or ValueError for anything else.

    >>> predict(np.int8([[5, 9, -3], [127, -128, 127]])).tolist()
    [1, 0]
    """
    return check_logits("logits", logits).argmax(axis=1)


def ties(logits: NDArray) -> int:
    """Return how many images have two or more classes with the largest logit.

    Their answer is decided by the order of the classes.  Floats hardly ever tie; with 256 codes,
    and with two logits clamped at qmax, int8 logits may.
    logits: as predict takes them.

    >>> ties(np.int8([[5, 9, -3], [127, -128, 127]]))
    1
    """
    logits = check_logits("logits", logits)
    largest = logits.max(axis=1, keepdims=True)
    return int(((logits == largest).sum(axis=1) > 1).sum())


def accuracy(logits: NDArray, labels: NDArray[np.integer]) -> float:
    """Return the share of images whose answer is their label, 0..1.

    logits: (N, classes), N >= 1, as predict takes them; labels: integers (N,), 0..classes - 1.
    Raises TypeError or ValueError for anything else.

    >>> accuracy(np.float32([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    answers = predict(logits)
    return float((answers == check_labels(labels, logits)).mean())


def agreement(logits: NDArray, others: NDArray) -> float:
    """Return the share of images that get the same answer from two networks, 0..1.

    logits, others: (N, classes), N >= 1, each floats or codes, as predict takes them.
    Raises TypeError or ValueError for anything else.

    >>> agreement(np.int8([[5, 9], [7, 3]]), np.float32([[0.5, 0.9], [0.6, 0.7]]))
    0.5
    """
    logits, others = check_logits("logits", logits), check_logits("others", others)
    if logits.shape != others.shape or not len(logits):
        raise ValueError(
            f"logits and others must have one shape, N >= 1, got {logits.shape}, {others.shape}"
        )
    return float((predict(logits) == predict(others)).mean())


def confusion(logits: NDArray, labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the confusion matrix: how many images of each label got each answer.

    matrix[i, j] = number of images with label i and answer j

    logits, labels: as accuracy takes them.  Returns int64 (classes, classes); its trace over its
    sum is the accuracy.

    >>> confusion(np.int8([[5, 9], [7, 3], [1, 2]]), np.array([1, 1, 1])).tolist()
    [[0, 0], [1, 2]]
    """
    answers, labels = predict(logits), check_labels(labels, logits)
    matrix = np.zeros((logits.shape[1],) * 2, np.int64)
    np.add.at(matrix, (labels, answers), 1)
    return matrix


def score(logits: NDArray, reference: NDArray, labels: NDArray[np.integer]) -> Score:
    """Return the score of real-valued logits against the float network's.

    logits: float (N, classes), of a quantized network, dequantized; reference: float logits of that
    shape; labels: integers (N,).  Raises as accuracy and agreement do.
    """
    return Score(sqnr_db(reference, logits), accuracy(logits, labels), agreement(logits, reference))


def check_logits(name: str, logits: NDArray) -> NDArray:
    """Return logits, or raise TypeError or ValueError unless they are finite (N, classes)."""
    if not isinstance(logits, np.ndarray) or logits.dtype.kind not in "fi":
        kind = getattr(logits, "dtype", type(logits).__name__)
        raise TypeError(f"{name} must be an array of floats or int8 codes, got {kind}")
    if logits.ndim != 2 or not logits.shape[1]:
        raise ValueError(f"{name} must have shape (N, classes), got {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return logits


def check_labels(labels: NDArray[np.integer], logits: NDArray) -> NDArray[np.integer]:
    """Return labels, or raise TypeError or ValueError unless there is one an image, N >= 1."""
    count, classes = logits.shape
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        kind = getattr(labels, "dtype", type(labels).__name__)
        raise TypeError(f"labels must be an array of integers, got {kind}")
    if labels.shape != (count,) or not count:
        raise ValueError(
            f"labels must have shape (N,) for logits (N, classes), N >= 1, "
            f"got {labels.shape} for {logits.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    return labels
