"""A flatbuffer's tables, read with struct and NumPy; every position is checked before it is used.

A table begins with the distance back to its vtable, and the vtable says where in the table each
field stands, by the field's number.  Strings, vectors and other tables stand elsewhere: the field
holds the distance to them.  The format: https://flatbuffers.dev/internals.
"""

import struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Of one vector of tables.  Large models have some thousands of tensors; a vector may point to one
# table a million times.
MOST_TABLES = 1 << 16
Number = TypeVar("Number", int, float, bool)


class Source:
    """The bytes of a file.  unread: how many of them may still be gone through.

    A vector is a view and costs nothing, whatever its length, until it is copied or looked through.
    A small file could point to one long vector many times and so take hours and all memory; but no
    honest file has more to go through than bytes.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.unread = len(content)

    def check(self, place: int, size: int, where: str) -> None:
        """Raise ValueError unless the bytes place .. place + size - 1 are in the file."""
        if not 0 <= place <= len(self.content) - size:
            raise ValueError(
                f"{where}: bytes {place} to {place + size - 1} lie outside the file, "
                f"which has {len(self.content)}"
            )

    def number(self, kind: str, place: int, where: str) -> Any:
        """Return the number at a place; kind: its format for struct, such as "<i"."""
        self.check(place, struct.calcsize(kind), where)
        return struct.unpack_from(kind, self.content, place)[0]

    def array(self, dtype: DTypeLike, place: int, count: int, where: str) -> NDArray[Any]:
        """Return count numbers from a place on: a view of the file that cannot be written."""
        self.check(place, count * np.dtype(dtype).itemsize, where)
        return np.frombuffer(self.content, dtype, count, place)

    def charge(self, view: NDArray[Any], where: str) -> None:
        """Take a view's bytes off `unread`; raise ValueError where that many are not left."""
        self.unread -= view.nbytes
        if self.unread < 0:
            raise ValueError(f"{where}: the file points to the same bytes again and again")


class Table:
    """One table.  where: what messages call it; each method takes a field's number and name.

    All methods raise ValueError, with where and name, for what does not lie in the table or file.
    """

    def __init__(self, source: Source, start: int, where: str) -> None:
        self.source, self.start, self.where = source, start, where
        self.vtable = start - source.number("<i", start, where)
        self.vtable_size = source.number("<H", self.vtable, where)
        self.size = source.number("<H", self.vtable + 2, where)
        if min(self.vtable_size, self.size) < 4:
            raise ValueError(f"{where}: its sizes must be 4 or more: it is no table")
        source.check(self.vtable, self.vtable_size, where)
        source.check(start, self.size, where)

    def number(self, field: int, name: str, kind: str, default: Number) -> Number:
        """Return a number or bool, the default where the file leaves it out; kind: as in struct."""
        place = self._place(field, name, struct.calcsize(kind))
        return self.source.number(kind, place, self.where) if place else default

    def vector(self, field: int, name: str, dtype: DTypeLike) -> NDArray[Any]:
        """Return a vector of numbers, read-only; an empty one where the file leaves it out."""
        place, where = self._target(field, name), f"{self.where}: {name}"
        if not place:
            return np.empty(0, dtype)
        count = self.source.number("<I", place, where)
        return self.source.array(dtype, place + 4, count, where)

    def charged(self, field: int, name: str, dtype: DTypeLike) -> NDArray[Any]:
        """Return a vector, as `vector` does, that is about to be gone through: see Source."""
        view = self.vector(field, name, dtype)
        self.source.charge(view, f"{self.where}: {name}")
        return view

    def ints(self, field: int, name: str) -> tuple[int, ...]:
        """Return a vector of int32 as a tuple."""
        return tuple(self.charged(field, name, "<i4").tolist())

    def octets(self, field: int, name: str) -> bytes:
        """Return a vector of bytes."""
        return self.charged(field, name, np.uint8).tobytes()

    def text(self, field: int, name: str) -> str:
        """Return a string; bytes that are not UTF-8 stand in it as \\x and two digits."""
        return self.octets(field, name).decode(errors="backslashreplace")

    def table(self, field: int, name: str) -> "Table | None":
        """Return a table, None where the file leaves it out."""
        place = self._target(field, name)
        return Table(self.source, place, f"{self.where}: {name}") if place else None

    def tables(self, field: int, name: str) -> list["Table"]:
        """Return a vector of tables; name: of one, messages call them name 0, name 1 and so on."""
        distances = self.vector(field, f"{name}s", "<u4")
        if len(distances) > MOST_TABLES:
            raise ValueError(
                f"{self.where}: {name}s: at most {MOST_TABLES} are read, got {len(distances)}"
            )
        first = (self._target(field, name) or 0) + 4
        return [
            Table(self.source, first + 4 * i + distance, f"{name} {i}")
            for i, distance in enumerate(distances.tolist())
        ]

    def _place(self, field: int, name: str, size: int) -> int | None:
        """Return where a field of some size stands, None where the file leaves it out."""
        entry = 4 + 2 * field
        if entry + 2 > self.vtable_size:
            return None
        inside = self.source.number("<H", self.vtable + entry, self.where)
        if inside and not 4 <= inside <= self.size - size:
            raise ValueError(f"{self.where}: {name}: the field lies outside its table")
        return self.start + inside if inside else None

    def _target(self, field: int, name: str) -> int | None:
        """Return the place that a field points to, None where the file leaves it out."""
        place = self._place(field, name, 4)
        return place + self.source.number("<I", place, self.where) if place else None


def root(content: bytes, identifier: bytes, where: str) -> Table:
    """Return the outermost table of a file whose bytes 4 to 7 are the identifier.

    Raises ValueError for another identifier, and as Table does.

    >>> root(b"RIFF....WAVE", b"TFL3", "model")
    Traceback (most recent call last):
    ValueError: model: bytes 4 to 7 must be b'TFL3', got b'....'
    """
    if content[4:8] != identifier:
        raise ValueError(f"{where}: bytes 4 to 7 must be {identifier!r}, got {content[4:8]!r}")
    source = Source(content)
    return Table(source, source.number("<I", 0, where), where)
