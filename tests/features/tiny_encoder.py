"""A text encoder small enough to be made in a test: a vector a word, and the real file formats around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

UNKNOWN = "[UNK]"


def write_encoder(folder: Path, vectors: Mapping[str, tuple[float, ...]]) -> Path:
    """Write model.onnx and tokenizer.json of an encoder that looks words up in ``vectors``."""
    folder.mkdir(parents=True, exist_ok=True)
    size = len(next(iter(vectors.values())))
    words = {UNKNOWN: 0, **{word: place for place, word in enumerate(vectors, start=1)}}
    tokenizer = Tokenizer(WordLevel(words, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.array([(0.0,) * size, *vectors.values()], dtype=np.float32)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "tokens"])
    hidden = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", size])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [ids, mask],
        [hidden],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    return folder
