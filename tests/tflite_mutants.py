"""Damage .tflite files in every way and read them under limits.

`python tflite_mutants.py COUNT SEED [open]` prints as JSON how many gave a model, how many a
ValueError with a place, and what else came; with `open` each model is made a network too.
"""

import json
import re
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain

import numpy as np
import tflite_files as files

from tinyq.models.load_tflite import to_network
from tinyq.models.tflite import list_operators, parse
from tinyq.models.tflite.flatbuffer import Source
from tinyq.models.understand_tflite import understand

ROOM = 64 << 20  # bytes that all of them may take beyond what the process has before the first
SECONDS = 2.0  # of processor time for one file, some hundred times what a sound one takes
ALL_SECONDS = 60  # of processor time for all of them
PLACES = r"model|subgraph \d+|tensor \d+|operator \d+(, .*)?|operator_code \d+|buffer \d+"
SAID = re.compile(f"({PLACES}): ")
EVIL = [0, 1, 3, 4, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]


class Mutant:
    """One file that is damaged step by step; places: what the reader looks at, (place, size)."""

    def __init__(self, content: bytes, places: list[tuple[int, int]], rng: np.random.Generator):
        self.content, self.places, self.rng = bytearray(content), places, rng

    def place(self) -> tuple[int, int]:
        """A place that the reader looks at, mostly, and its size."""
        if self.rng.random() < 0.1:
            return int(self.rng.integers(len(self.content) or 1)), 4
        return self.places[self.rng.integers(len(self.places))]

    def write(self, place: int, value: int, size: int) -> None:
        """Put a number in, as far as the file goes."""
        stored = (value % 2 ** (8 * size)).to_bytes(size, "little")[: len(self.content) - place]
        self.content[place : place + len(stored)] = stored

    def truncate(self) -> None:
        place, size = self.place()
        del self.content[place + int(self.rng.integers(-1, size + 2)) :]

    def flip_a_bit(self) -> None:
        place, size = self.place()
        place = min(place + int(self.rng.integers(size)), len(self.content) - 1)
        self.content[place] ^= 1 << int(self.rng.integers(8))

    def put_random_bytes(self) -> None:
        place, _ = self.place()
        noise = self.rng.bytes(int(self.rng.integers(1, 17)))[: len(self.content) - place]
        self.content[place : place + len(noise)] = noise

    def put_an_evil_number(self) -> None:
        place, size = self.place()
        self.write(place, EVIL[self.rng.integers(len(EVIL))], min(size, 8))

    def swap_two_words(self) -> None:
        (one, _), (other, _) = self.place(), self.place()
        first, second = self.content[one : one + 4], self.content[other : other + 4]
        if len(first) == len(second) == 4:
            self.content[one : one + 4], self.content[other : other + 4] = second, first

    def point_anywhere(self) -> None:
        """Let a distance lead to another place that is read: back, to itself, in a circle."""
        (place, _), (target, _) = self.place(), self.place()
        self.write(place, [target - place, place - target][self.rng.integers(2)], 4)

    def insert_or_delete(self) -> None:
        place, size = self.place()
        new = self.rng.bytes(size) if self.rng.random() < 0.5 else b""
        self.content[place : place if new else place + size] = new

    WAYS = [truncate, flip_a_bit, put_random_bytes, put_an_evil_number]
    WAYS += [swap_two_words, point_anywhere, insert_or_delete]


def looked_at(content: bytes) -> list[tuple[int, int]]:
    """Each (place, size) that the reader checks in a sound file; of vectors the first bytes."""
    seen, check = set(), Source.check

    def record(self, place, size, where):
        seen.update({(place, min(max(size, 1), 8)), (place, 4)})
        check(self, place, size, where)

    Source.check = record
    try:
        parse(content)
    finally:
        Source.check = check
    return sorted(p for p in seen if p[0] < len(content))


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Files by what was done to which, all kinds of damage and all files in turn."""
    rng = np.random.default_rng(seed)
    sound = [(name, content, looked_at(content)) for name, content in files.contents()]
    for turn in range(count):
        name, content, places = sound[turn % len(sound)]
        mutant, done = Mutant(content, places, rng), []
        for _ in range(1 + (rng.random() < 0.3)):
            way = Mutant.WAYS[rng.integers(len(Mutant.WAYS))]
            if mutant.content:
                way(mutant)
                done.append(way.__name__)
        yield f"{turn}: {name}: {', '.join(done)}", bytes(mutant.content)


def limit() -> None:
    """Let this process take ROOM more memory and ALL_SECONDS, and a file SECONDS, and no more."""
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (ALL_SECONDS, ALL_SECONDS))

    def too_long(*_):
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGPROF, too_long)


def outcome(content: bytes, opened: bool) -> str:
    """What became of one file: "model", "refused", or what must not be.

    opened: whether a model must become a network or be refused.
    """
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        model = parse(content)
        list_operators(model)
        if opened:
            to_network(model, understand(model))
        return "model"
    except ValueError as error:
        said = SAID.match(str(error)) and type(error) is ValueError
        return "refused" if said else f"unplaced: {error!r}"
    except BaseException as error:
        return repr(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main(count: int, seed: int, opened: bool) -> None:
    made = mutants(count, seed)
    first = next(made)  # reads all sound files
    limit()
    counts: Counter = Counter()
    wrong = []
    for name, content in chain([first], made):
        became = outcome(content, opened)
        counts[became if became in ("model", "refused") else "wrong"] += 1
        if became not in ("model", "refused"):
            wrong.append(f"{name}: {became}")
    print(json.dumps({"counts": counts, "wrong": wrong[:20]}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), opened="open" in sys.argv[3:])
