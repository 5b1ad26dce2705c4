"""An instance's memory, put back to what it was: so nothing of one call is left for the next.

All instances begin with one content, the base. What a program's own begin with is an image: the pages that differ from
the base. Both are mapped into an instance so that a page is copied only where it is written to. To put a memory back,
the kernel is asked which pages were written to, and these alone are copied: some hundred of 5,000 after a call.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Pages = npt.NDArray[np.uint8]
"""One page a row."""
_PAGE = mmap.PAGESIZE
_ENTRY_BYTES = 8
_ENTRY_STATE = np.uint64(61)
_IS_OWN = np.array([False, False, True, False, True, False, True, False])
"""By the bits "file or shared", "swapped", "present": there, and not the file's. See the kernel's pagemap.rst."""
_MANY = 250
"""Pages: a call of one record writes to some 110, one of 256 to some 450."""
_NEAR = 8
"""Pages that differ and have at most so many between them are mapped at once: a process has 65,530 mappings."""
_FIXED = 0x10
_NO_MAPPING = ctypes.c_void_p(-1).value
_DONT_NEED = 4
_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02
"""Linux's MAP_FIXED, MADV_DONTNEED and flags of fallocate, which Python does not name everywhere."""


class Base:
    """What every memory begins with. Safe to share between threads; lives as long as the process."""

    def __init__(self, content: bytes) -> None:
        """``content`` is a whole number of pages."""
        self.pages = _paged(np.frombuffer(content, np.uint8))
        self._file: SharedFile | None = None
        if sys.platform == "linux":
            try:
                self._file = SharedFile(content)
            except OSError:
                # Without it all pages are copied each time, which takes milliseconds.
                self._file = None

    @property
    def file(self) -> SharedFile | None:
        """What contents are mapped from, the base at its beginning; None where this kernel cannot do that."""
        return self._file


class Image:
    """What a program's memories begin with: its size in bytes, and the pages that differ from the base."""

    def __init__(self, base: Base, memory: _Pages, written: npt.NDArray[np.bool_]) -> None:
        """Keep what ``memory`` holds; only pages that are ``written`` can differ from the base."""
        self.size = memory.nbytes
        numbers = np.flatnonzero(written)
        known = numbers[numbers < len(base.pages)]
        differs = written.copy()
        differs[known] = (memory[known] != base.pages[known]).any(axis=1)
        numbers = np.flatnonzero(differs)
        groups = np.split(numbers, np.flatnonzero(np.diff(numbers) > _NEAR) + 1) if len(numbers) else []
        runs = [(int(group[0]), int(group[-1]) + 1) for group in groups]
        parts = [memory[first:end] for first, end in runs]
        start = 0
        if base.file and parts:
            # Read from where instances are mapped from: kept once, and never copied here.
            start, self.pages = base.file.append(self, parts)
        else:
            self.pages = np.concatenate(parts) if parts else memory[:0].copy()
        self.runs: list[tuple[int, int, int]] = []
        """First page, the one after the last, and where they stand in the base's file."""
        self.rows = np.full(len(memory), -1, np.intp)
        """By page: its row in ``pages``, or -1 where it is as in the base."""
        row = 0
        for first, end in runs:
            self.rows[first:end] = np.arange(row, row + end - first)
            self.runs.append((first, end, start + row * _PAGE))
            row += end - first

    @property
    def held_bytes(self) -> int:
        """How much memory it takes."""
        return self.pages.nbytes + self.rows.nbytes


class PrivateMemory:
    """One instance's memory, seen from the host. Belongs to one thread at a time."""

    def __init__(self, base: Base, image: Image | None, address: int) -> None:
        """Begin with the image, or with the base alone, at ``address``, where there is room for it."""
        self._base = base
        self._image = image
        self._address = address
        self.resident_bytes = 0
        """How much of the memory was the instance's own when it was put back last."""
        if base.file is None:
            _memory_at(address, base.pages.nbytes)[:] = base.pages
            if image is not None:
                self.restore()
            return
        base.file.map_over(address, base.pages.nbytes, 0)
        for first, end, start in image.runs if image is not None else ():
            base.file.map_over(address + first * _PAGE, (end - first) * _PAGE, start)

    def capture(self, size: int) -> Image:
        """Return the present content of ``size`` bytes as an image."""
        written = self._written(size)
        if self._image is not None:
            written[np.flatnonzero(self._image.rows >= 0)] = True
        return Image(self._base, _memory_at(self._address, size), written)

    def restore(self, *, for_little: bool = False) -> None:
        """Make the memory what it began with; it must have the image's size.

        Before a call that will write to little (``for_little``), pages that only a large one needs are given up:
        copying them each time would cost more than all else.
        """
        image = self._image
        if image is None:
            raise ValueError("a memory without an image is not put back")
        memory = _memory_at(self._address, image.size)
        written = np.flatnonzero(self._written(image.size))
        if for_little and len(written) > _MANY and self._base.file is not None:
            self._base.file.forget_written(self._address, image.size)
            written = written[:0]
        self.resident_bytes = len(written) * _PAGE
        rows = image.rows[written]
        own = rows >= 0
        memory[written[own]] = image.pages[rows[own]]
        others = written[~own]
        known = others[: np.searchsorted(others, len(self._base.pages))]
        memory[known] = self._base.pages[known]
        memory[others[len(known) :]] = 0

    def _written(self, size: int) -> npt.NDArray[np.bool_]:
        if self._base.file is None:
            return np.ones(size // _PAGE, np.bool_)
        return self._base.file.written(self._address, size)


class SharedFile:
    """A file in memory that contents are mapped from, copied where they are written to. Linux alone has all it needs.

    It only grows; where something was that is not needed any more there is a hole.
    """

    def __init__(self, content: bytes) -> None:
        """Begin with ``content``. Raises OSError where this kernel does not say which pages were written to."""
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._libc.mmap.restype = ctypes.c_void_p
        self._libc.mmap.argtypes = (*(ctypes.c_void_p, ctypes.c_size_t), *(ctypes.c_int,) * 3, ctypes.c_long)
        self._libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        self._libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        self._libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
        self._file = os.memfd_create("labelwright-sandbox")
        self._pagemap = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        os.pwrite(self._file, content, 0)
        self._end = len(content)
        self._appending = threading.Lock()
        self._check(len(content))

    def append(self, owner: object, parts: Sequence[_Pages]) -> tuple[int, _Pages]:
        """Keep the pages as long as ``owner`` lives; return where they begin, and a view of them there.

        Raises MemoryError. The view is the kernel's own mapping: one of Python's would hold a file descriptor each.
        """
        size = sum(part.nbytes for part in parts)
        with self._appending:
            start = self._end
            self._end += size
        forget = weakref.finalize(owner, self._forget, start, size)
        place = start
        for part in parts:
            content = part.data.cast("B")
            while content:
                written = os.pwrite(self._file, content, place)
                content, place = content[written:], place + written
        address = self._libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, self._file, start)
        if address == _NO_MAPPING:
            forget()
            raise MemoryError("the kernel has no room for another mapping")
        weakref.finalize(owner, self._libc.munmap, address, size)
        return start, _memory_at(address, size)

    def map_over(self, address: int, size: int, start: int) -> None:
        """Let the memory at ``address`` begin with what stands at ``start``. Raises MemoryError."""
        access, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _FIXED
        if self._libc.mmap(address, size, access, kind, self._file, start) != address:
            raise MemoryError("the kernel has no room for another mapping")

    def written(self, address: int, size: int) -> npt.NDArray[np.bool_]:
        """Return for each page at ``address`` whether it may have been written to since it was mapped."""
        count = size // _PAGE
        wanted, start = count * _ENTRY_BYTES, address // _PAGE * _ENTRY_BYTES
        entries = np.frombuffer(os.pread(self._pagemap, wanted, start), np.uint64)
        return _IS_OWN[entries >> _ENTRY_STATE] if len(entries) == count else np.ones(count, np.bool_)

    def forget_written(self, address: int, size: int) -> None:
        """Let all pages at ``address`` be again what they were when they were mapped."""
        self._libc.madvise(address, size, _DONT_NEED)

    def _forget(self, start: int, size: int) -> None:
        self._libc.fallocate(self._file, _KEEP_SIZE | _PUNCH_HOLE, start, size)

    def _check(self, size: int) -> None:
        with mmap.mmap(self._file, size, flags=mmap.MAP_PRIVATE) as tried:
            view = (ctypes.c_ubyte * size).from_buffer(tried)
            before = self.written(ctypes.addressof(view), size)
            view[-1] = view[-1]
            after = self.written(ctypes.addressof(view), size)
            del view
        if before.any() or after.sum() != 1 or not after[-1]:
            raise OSError("the kernel does not say which pages were written to")


def _memory_at(address: int, size: int) -> _Pages:
    """Return a view of memory, in pages."""
    return _paged(np.frombuffer(memoryview((ctypes.c_ubyte * size).from_address(address)), np.uint8))


def _paged(content: npt.NDArray[np.uint8]) -> _Pages:
    return content.reshape(-1, _PAGE)
