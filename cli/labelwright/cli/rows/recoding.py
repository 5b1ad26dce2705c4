"""Bytes of a text file as UTF-8, whatever encoding the file is in."""

from __future__ import annotations

import codecs
import io
import sys
from typing import IO, Any, cast

from labelwright.core.errors import ConfigurationError
from labelwright.core.text.encoding import marked_encoding, wide_encoding
from typing_extensions import override

_CHUNK = 1 << 16
_WIDE = ("utf-16", "utf-32")


def as_utf8(stream: IO[bytes], path: str, encoding: str) -> IO[bytes]:
    """Return the stream as UTF-8: in ``encoding``, or in that of its byte order mark, or as it is.

    Bytes that are not text in that encoding stay as they are, and so are no UTF-8. Raises ConfigurationError for an
    encoding that is not known, or one of 16 or 32 bits that no mark tells.
    """
    peeking: Any = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("Any", stream))
    head = peeking.peek(_CHUNK)
    chosen = encoding or marked_encoding(head)
    if not chosen and (wide := wide_encoding(head)):
        raise ConfigurationError(f"{path}: this is {wide} text, not UTF-8", advice="save the file as UTF-8")
    if not chosen:
        return cast("IO[bytes]", peeking)
    try:
        codec = codecs.lookup(chosen)
        "".encode(chosen)
    except LookupError as error:
        raise ConfigurationError(
            f"there is no encoding {chosen!a}", advice="such as cp932, cp1252, euc_jp or utf-16"
        ) from error
    recoded: Any = _Recoded(peeking, codec)
    return io.BufferedReader(recoded)


class _Recoded(io.RawIOBase):
    """Reads a stream in one encoding as UTF-8."""

    def __init__(self, stream: Any, codec: codecs.CodecInfo) -> None:
        self._stream = stream
        # Half a pair in UTF-16 is no byte that could stay as it is.
        errors = "replace" if codec.name.startswith(_WIDE) else "surrogateescape"
        self._decoder = codec.incrementaldecoder(errors)
        self._waiting = b""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        chunk = b"-"
        while not self._waiting and chunk:
            chunk = self._stream.read1(_CHUNK)
            self._waiting = self._decoder.decode(chunk, not chunk).encode("utf-8", "surrogateescape")
        count = min(len(buffer), len(self._waiting))
        buffer[:count], self._waiting = self._waiting[:count], self._waiting[count:]
        return count

    @override
    def close(self) -> None:
        if self._stream is not sys.stdin.buffer:
            self._stream.close()
        super().close()
