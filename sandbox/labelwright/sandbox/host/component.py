"""Takes a component apart into its core modules.

A component that imports nothing is only core modules and how they are linked. Taken apart, they run through wasmtime's
core interface, which gives what the one for components does not: the memory itself. So the host can look at the length
of an answer before it reads it, and put the memory back to what it was.

Format: component-model/design/mvp/Binary.md. What lifts functions to the component's own types is left out: the
exports keep their core names, ``INTERFACE#name``, and take and give addresses and lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_PREAMBLE = b"\0asm\x0d\0\x01\0"
_CORE_MODULE, _CORE_INSTANCE, _ALIAS, _IMPORT = 1, 2, 6, 10
_CORE_SORT = 0x00
_TO_CORE_EXPORT, _TO_OUTER = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class Link:
    """One module to instantiate: its place in ``Parts.modules``, and what its imports are called elsewhere.

    ``sources[module][name]`` is the number of an earlier link and the name there.
    """

    module: int
    sources: Mapping[str, Mapping[str, tuple[int, str]] | int]


@dataclass(frozen=True, slots=True)
class Parts:
    """A component's core modules, and the order in which they are linked."""

    modules: Sequence[bytes]
    links: Sequence[Link]


def take_apart(component: bytes) -> Parts:
    """Return the component's parts. Raises ValueError where it is none, or imports something."""
    if not component.startswith(_PREAMBLE):
        raise ValueError("it is no component")
    modules: list[bytes] = []
    links: list[Link] = []
    # What stands at each number of the core instances: a link's number, or names gathered from several.
    instances: list[int | Mapping[str, tuple[int, str]]] = []
    items: dict[int, list[tuple[int, str]]] = {}

    def found(instance: int, name: str) -> tuple[int, str]:
        place = instances[instance]
        return (place, name) if isinstance(place, int) else place[name]

    try:
        for kind, reader in _sections(component):
            if kind == _CORE_MODULE:
                modules.append(reader.rest())
            elif kind == _CORE_INSTANCE:
                for _ in range(reader.number()):
                    if reader.byte():
                        gathered = [(reader.name(), items[reader.byte()][reader.number()]) for _ in reader.count()]
                        instances.append(dict(gathered))
                        continue
                    module = reader.number()
                    sources = {reader.name(): instances[reader.after_sort()] for _ in reader.count()}
                    instances.append(len(links))
                    links.append(Link(module, sources))
            elif kind == _ALIAS:
                for _ in reader.count():
                    sort = reader.byte()
                    core = reader.byte() if sort == _CORE_SORT else 0
                    target = reader.byte()
                    number = reader.number()
                    if target == _TO_OUTER:
                        reader.number()
                        continue
                    name = reader.name()
                    if target == _TO_CORE_EXPORT:
                        items.setdefault(core, []).append(found(number, name))
            elif kind == _IMPORT:
                raise ValueError("it imports something")
    except (IndexError, KeyError, UnicodeDecodeError):
        raise ValueError("it is damaged") from None
    return Parts(modules, links)


class _Reader:
    """Reads the binary format from ``start`` to ``end``."""

    def __init__(self, content: bytes, start: int, end: int) -> None:
        if end > len(content):
            raise IndexError
        self._content, self._place, self._end = content, start, end

    def __bool__(self) -> bool:
        return self._place < self._end

    def byte(self) -> int:
        self._place += 1
        return self._content[self._place - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> range:
        return range(self.number())

    def name(self) -> str:
        return self.take(self.number()).rest().decode()

    def after_sort(self) -> int:
        self.byte()
        return self.number()

    def take(self, length: int) -> _Reader:
        taken = _Reader(self._content, self._place, self._place + length)
        self._place += length
        return taken

    def rest(self) -> bytes:
        return self._content[self._place : self._end]


def _sections(component: bytes) -> Iterator[tuple[int, _Reader]]:
    reader = _Reader(component, len(_PREAMBLE), len(component))
    while reader:
        kind = reader.byte()
        yield kind, reader.take(reader.number())
