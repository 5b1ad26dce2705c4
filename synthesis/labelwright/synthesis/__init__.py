"""Synthesis: from a task and unlabeled records to a bundle, with programs that an LLM writes.

The way of the data: prompts -> provider (replies, ledger) -> extraction -> repair -> validation -> synthesis ->
bundle_files. What the programs' votes are worth is measured by the modules on the numbers' side.
"""
