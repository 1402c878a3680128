"""What a classifier decides: its answers, how many are right, and where two networks differ."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.parity import sqnr_db
from tinyq.checks import numbers

Logits = NDArray[np.floating | np.signedinteger]


class Score(NamedTuple):
    """How good a quantized network's logits are.

    sqnr_db: signal to noise ratio of its logits against the float ones, equation (10.1), in dB;
    infinity where they are equal; accuracy: share of right answers, 0..1; agreement: share of
    images to which it gives the float network's answer, 0..1.
    """

    sqnr_db: float
    accuracy: float
    agreement: float


def predict(logits: Logits) -> NDArray[np.int64]:
    """Return each image's answer: the class of its largest logit, the first one where several tie.

    logits: (N, classes), finite floats or integer codes.  Returns int64 (N,).
    Codes and the numbers that they stand for give the same answers: a grid keeps the order.
    Raises TypeError or ValueError for anything else.

    >>> predict(np.int8([[5, 9, -3], [127, -128, 127]])).tolist()
    [1, 0]
    """
    return check_logits("logits", logits).argmax(axis=1)


def accuracy(logits: Logits, labels: NDArray[np.integer]) -> float:
    """Return the share of images whose answer is their label, 0..1.

    logits: (N, classes), N >= 1, as predict takes them; labels: integers (N,), 0..classes - 1.
    Raises TypeError or ValueError for anything else.

    >>> accuracy(np.float32([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    answers = predict(logits)
    return float((answers == check_labels(labels, logits)).mean())


def agreement(logits: Logits, others: Logits) -> float:
    """Return the share of images to which two networks give the same answer, 0..1.

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


def score(logits: Logits, reference: Logits, labels: NDArray[np.integer]) -> Score:
    """Return the score of real-valued logits against the float network's.

    logits: float (N, classes), of a quantized network, dequantized; reference: float logits of that
    shape; labels: integers (N,).  Raises as accuracy and agreement do.
    """
    check_logits("reference", reference)
    check_logits("logits", logits)
    return Score(sqnr_db(reference, logits), accuracy(logits, labels), agreement(logits, reference))


def check_logits(name: str, logits: Logits) -> Logits:
    """Return logits, or raise TypeError or ValueError unless they are finite (N, classes)."""
    logits = numbers(name, logits, (np.floating, np.signedinteger))
    if logits.ndim != 2 or not logits.shape[1]:
        raise ValueError(f"{name} must have shape (N, classes), got {logits.shape}")
    return logits


def check_labels(labels: NDArray[np.integer] | None, logits: Logits) -> NDArray[np.integer]:
    """Return labels, or raise TypeError or ValueError unless each image has one, N >= 1."""
    count, classes = logits.shape
    labels = numbers("labels", labels, (np.integer,))
    if labels.shape != (count,) or not count:
        raise ValueError(
            f"labels must have shape (N,) for logits (N, classes), N >= 1, "
            f"got {labels.shape} for {logits.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    return labels
