"""A text encoder in ONNX form: what the text means, as a list of numbers of length 1.

The model is a folder with ``model.onnx`` and ``tokenizer.json``, as sentence encoders are published: token ids and
their mask in, one vector a token out (or one a text).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

MODELS_VARIABLE = "LABELWRIGHT_MODELS"
MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
_MOST_TOKENS = 256
_DECIMALS = 4
"""Keeps records small, and equal on machines that differ in the last bits."""


class OnnxText:
    """Turns texts into numbers. The same text gives the same numbers, whatever stands beside it.

    Reads the first 256 tokens of a text, or as many as the tokenizer's own file says.
    """

    def __init__(self, session: Any, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = {item.name for item in session.get_inputs()}

    @classmethod
    def open(cls, model: str, digest: str = "") -> OnnxText:
        """Load the model in the folder ``model``; a relative one is below LABELWRIGHT_MODELS, else the working folder.

        Raises ConfigurationError if it is missing, is not the one of ``digest``, or cannot be loaded.
        """
        try:
            import numpy  # noqa: F401 - the numbers are its arrays
            import onnxruntime
            import tokenizers
        except ImportError as error:
            raise ConfigurationError(
                f"making numbers out of texts needs a part that is not installed ({error.name})",
                advice="pip install 'labelwright[onnx]'",
            ) from error
        folder = Path(os.environ.get(MODELS_VARIABLE, "")) / model
        _check(folder, digest)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), options)
        except Exception as error:  # both libraries raise plain Exceptions
            raise ConfigurationError(f"the model in {folder} cannot be loaded: {str(error)[:200]}") from error
        tokenizer.no_padding()
        if tokenizer.truncation is None:
            tokenizer.enable_truncation(_MOST_TOKENS)
        return cls(session, tokenizer)

    def extract(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the numbers of each text.

        Raises ConfigurationError if the model's inputs or outputs are not those of a text encoder.
        """
        # One at a time: an integer model scales its numbers over the batch, so a text would get other numbers beside
        # other texts. Without a GPU a batch gains little.
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        import numpy as np

        encoded = self._tokenizer.encode(text)
        # No model takes a text without tokens; the first token of a vocabulary is the padding.
        ids = encoded.ids or [0]
        ones, zeros = [1] * len(ids), [0] * len(ids)
        vector = _pooled(self._run({"input_ids": ids, "attention_mask": ones, "token_type_ids": zeros}))
        length = float(np.linalg.norm(vector)) or 1.0
        return [round(float(number), _DECIMALS) for number in vector / length]

    def _run(self, inputs: Mapping[str, list[int]]) -> Floats:
        import numpy as np

        arrays = {name: np.array([ids], dtype=np.int64) for name, ids in inputs.items() if name in self._inputs}
        try:
            output: Floats = np.asarray(self._session.run(None, arrays)[0], dtype=np.float32)
        except Exception as error:  # see above
            raise ConfigurationError(f"the model is no text encoder: {str(error)[:200]}") from error
        return output


def _pooled(output: Floats) -> Floats:
    """Return the mean over the tokens, unless the model pooled them. No token is padding: texts come one at a time."""
    if output.ndim == 3 and output.shape[0] == 1:
        output = output.mean(axis=1)
    if output.ndim == 2 and output.shape[0] == 1:
        vector: Floats = output[0]
        return vector
    raise ConfigurationError(f"the model is no text encoder: its output has the shape {output.shape}")


def _check(folder: Path, digest: str) -> None:
    for name in (MODEL_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise ConfigurationError(
                f"{folder / name} is not there",
                advice=f"put the model there, or set {MODELS_VARIABLE} to the folder that holds the models",
            )
    if not digest:
        return
    with (folder / MODEL_FILE).open("rb") as file:
        actual = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if actual != digest:
        raise ConfigurationError(
            f"{folder / MODEL_FILE} is not the model that the task names ({actual})",
            advice="take the model that the programs were made with, or make a new version",
        )
