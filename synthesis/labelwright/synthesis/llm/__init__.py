"""The large language model: endpoints, completions, kept replies, prices, and the ledger of what was spent."""
