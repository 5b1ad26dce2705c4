"""The runtime's compiled modules, and one linked set of them: its memory and its functions."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

from labelwright.sandbox.host.component import Parts
from wasmtime import Memory, Module, Store, WasmtimeError

# The public interface of wasmtime-py finds an export by walking through all of them, at 40 times the price of all else.
from wasmtime import _ffi as ffi
from wasmtime._func import enter_wasm

INTERFACE = "labelwright:sandbox/labeling@1.0.0"
_ADDRESS_BYTES = 4
_EXTERN_BYTES = ctypes.sizeof(ffi.wasmtime_extern_t)
_find_export = ffi.dll["wasmtime_instance_export_get"]
"""Takes plain addresses: there are some 2,400 imports to each instance, which else cost more than to make it."""
_find_export.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
_find_export.restype = ctypes.c_bool


class MalformedAnswer(Exception):
    """The guest's answer is not where, or as short as, it may be; the message says which."""


class Runtime:
    """The compiled modules of a component. Safe to share between threads."""

    def __init__(self, parts: Parts, modules: Sequence[Module]) -> None:
        """``modules`` are those of ``parts``, compiled. Raises ValueError where they do not fit together."""
        self._links: list[tuple[Module, list[tuple[int, bytes]]]] = []
        self._exports: dict[str, int] = {}
        try:
            for number, link in enumerate(parts.links):
                module = modules[link.module]
                found = []
                for wanted in module.imports:
                    source, name = link.sources[wanted.module], wanted.name or ""
                    place, there = (source, name) if isinstance(source, int) else source[name]
                    found.append((place, there.encode()))
                self._links.append((module, found))
                for export in module.exports:
                    self._exports.setdefault(export.name, number)
        except (IndexError, KeyError):
            raise ValueError("its modules do not fit together") from None

    @property
    def exports(self) -> Mapping[str, int]:
        """The number of the first link that exports each name."""
        return self._exports

    def link(self, store: Store) -> list[ffi.wasmtime_instance_t]:
        """Instantiate all modules in the store. Raises WasmtimeError, Trap."""
        instances: list[ffi.wasmtime_instance_t] = []
        context = ctypes.cast(store._context(), ctypes.c_void_p).value
        for module, wanted in self._links:
            imports = (ffi.wasmtime_extern_t * len(wanted))()
            there = ctypes.addressof(imports)
            for place, name in wanted:
                if not _find_export(context, ctypes.addressof(instances[place]), name, len(name), there):
                    raise WasmtimeError(f"no export {name.decode()}")
                there += _EXTERN_BYTES
            instance = ffi.wasmtime_instance_t()
            with enter_wasm(store) as trap:
                error = ffi.wasmtime_instance_new(
                    store._context(), module.ptr(), imports, len(imports), ctypes.byref(instance), trap
                )
                if error:
                    raise WasmtimeError._from_ptr(error)
            instances.append(instance)
        return instances


class Linked:
    """The runtime's modules, linked in a store of their own. Belongs to one thread at a time."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        """Link them. Raises WasmtimeError, Trap."""
        self._store = store
        self._runtime = runtime
        self._instances = runtime.link(store)
        self._functions: dict[str, CoreFunction] = {}
        self._memory = Memory._from_raw(self._extern("memory").of.memory)
        self._stack_pointer = self._extern("__stack_pointer").of.global_
        self._stack_top = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(store._context(), ctypes.byref(self._stack_pointer), ctypes.byref(self._stack_top))

    @property
    def memory_bytes(self) -> int:
        """How large the memory is."""
        return self._memory.data_len(self._store)

    def grow_memory(self, size: int) -> None:
        """Make the memory ``size`` bytes large, where it is smaller. Raises WasmtimeError where the limit is lower."""
        if size > self.memory_bytes:
            self._memory.grow(self._store, (size - self.memory_bytes) // self._memory.page_size(self._store))

    @property
    def address(self) -> int:
        """Where the host has the memory."""
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)

    def unwind(self) -> None:
        """Put back what, beside the memory, calls leave changed."""
        ffi.wasmtime_global_set(
            self._store._context(), ctypes.byref(self._stack_pointer), ctypes.byref(self._stack_top)
        )

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function of 32-bit numbers. Raises WasmtimeError, Trap."""
        if name not in self._functions:
            self._functions[name] = CoreFunction(self._store, self._extern(name))
        return self._functions[name](*arguments)

    def ask(self, name: str, question: bytes | None, most: int) -> bytes:
        """Call a function that gives a text, and takes one unless ``question`` is None; return at most ``most`` bytes.

        Nothing is read before its length is known. Raises MalformedAnswer where it is longer, or does not lie
        in memory; WasmtimeError, Trap.
        """
        arguments = () if question is None else (self._place(question), len(question))
        place = self.call(f"{INTERFACE}#{name}", *arguments)
        start, length = (
            int.from_bytes(self.read(place + offset, _ADDRESS_BYTES), "little") for offset in (0, _ADDRESS_BYTES)
        )
        if length > most:
            raise MalformedAnswer("it is too long")
        # What cabi_post would free goes with all else when the memory is put back.
        return self.read(start, length)

    def _place(self, text: bytes) -> int:
        start = self.call("cabi_realloc", 0, 0, 1, len(text))
        self.write(start, text)
        return start

    def read(self, start: int, length: int) -> bytes:
        """Return a piece of memory. Raises MalformedAnswer where there is none."""
        self._check(start, length)
        return ctypes.string_at(self.address + start, length)

    def write(self, start: int, content: bytes) -> None:
        """Change a piece of memory. Raises MalformedAnswer where there is none."""
        self._check(start, len(content))
        ctypes.memmove(self.address + start, content, len(content))

    def _check(self, start: int, length: int) -> None:
        if start < 0 or start + length > self.memory_bytes:
            raise MalformedAnswer("an address outside of the memory")

    def _extern(self, name: str) -> ffi.wasmtime_extern_t:
        if name not in self._runtime.exports:
            raise WasmtimeError(f"the runtime does not export {name}")
        return _export(self._store, self._instances[self._runtime.exports[name]], name.encode())


class CoreFunction:
    """A function of 32-bit numbers, with one result or none."""

    def __init__(self, store: Store, extern: ffi.wasmtime_extern_t) -> None:
        self._store = store
        self._function = extern.of.func

    def __call__(self, *arguments: int) -> int:
        """Return the result as an unsigned number. Raises WasmtimeError, Trap."""
        values = (ffi.wasmtime_val_raw_t * max(1, len(arguments)))()
        for place, argument in enumerate(arguments):
            values[place].i32 = argument
        with enter_wasm(self._store) as trap:
            error = ffi.wasmtime_func_call_unchecked(
                self._store._context(), ctypes.byref(self._function), values, len(values), trap
            )
            if error:
                raise WasmtimeError._from_ptr(error)
        return int(values[0].i32) & 0xFFFFFFFF


def _export(store: Store, instance: ffi.wasmtime_instance_t, name: bytes) -> ffi.wasmtime_extern_t:
    extern = ffi.wasmtime_extern_t()
    if not ffi.wasmtime_instance_export_get(
        store._context(), ctypes.byref(instance), name, len(name), ctypes.byref(extern)
    ):
        raise WasmtimeError(f"no export {name.decode()}")
    return extern
