"""Synthesis: from a task and its unlabeled records to a bundle, with programs that an LLM writes.

The way of the data, by groups; ``app`` wires them, ``rows`` is what goes in:

    rows: task, records, gold
      |
      v
    asking --- requests ---> llm              kept replies first, then the budget, then the endpoint; all in the ledger
      ^                       |
      | votes so far          | replies
      |                       v
    writing <-- source --- repair             one program a turn: repaired, tried in the sandbox, kept or dropped
      |
      | programs            statistics        label models, folds, intervals: what votes and figures are worth
      v                         |
    combining <-- student, -- learning        from gold rows, all records, and the labels that the LLM gives itself
      |           head
      | votes, the choice of programs, their label model, provenance
      v
    bundle --- measured as served ---> pilot  beside direct labeling and baselines: figures, plots, a page
"""
