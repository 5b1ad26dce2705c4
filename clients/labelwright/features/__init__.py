"""Features: fields of numbers that are made out of texts before a record reaches the programs.

The sandbox runs no model. What a model sees in a text enters as numbers, like any other field, and whoever labels
records makes them first: ``Features.open(task).fill(rows)``.
"""

from labelwright.features.encoder import add_encoder
from labelwright.features.extractor import Features

__all__ = ["Features", "add_encoder"]
