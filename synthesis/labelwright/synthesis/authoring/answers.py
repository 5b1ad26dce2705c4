"""Programs as a capable model's answers hold them."""

from __future__ import annotations

from labelwright.synthesis.llm.completion import Reply
from labelwright.synthesis.repair.extraction import extract_source, repair_syntax, syntax_fault
from labelwright.synthesis.writing.validation import ProgramFault


def read_source(reply: Reply) -> tuple[str | None, tuple[str, ...], ProgramFault | None]:
    """Return the program in a reply, what was changed to make it parse, and why it cannot be used as it is."""
    source = extract_source(reply.text, cut=reply.is_cut)
    if source is None and reply.is_cut:
        return None, (), ProgramFault("loop" if reply.finish.value == "loop" else "cut", reply.cut_message)
    if source is None:
        return None, (), ProgramFault("no_program", "the reply holds no Python code")
    repaired, changes = repair_syntax(source)
    if wrong := syntax_fault(repaired):
        return source, (), ProgramFault("syntax", f"the code is not valid Python: {wrong}")
    return repaired, tuple(changes), None
