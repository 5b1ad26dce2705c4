"""From an LLM's reply to source that parses."""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelwright.synthesis.llm.fences import fenced_blocks

# A word in single quotes with an apostrophe inside: 'don't'. What follows must be a separator, so 'a' 'b' stays.
_APOSTROPHE = re.compile(r"'(\w+)'(t|s|re|ve|ll|d|m)'(?=\s*[,\])}:])")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MOST_LINES_CUT = 12
"""Lines after the function that may be prose. A longer tail is rather part of a program: cutting it would lose code."""
_FUNCTION = re.compile(r"^[ \t]*def[ \t]+label[ \t]*\(", re.MULTILINE)
_START = re.compile(
    r"^[ \t]*(?:import |from \S+ import |def |class |@\w|[A-Za-z_]\w*[ \t]*(?::[^=\n]+)?=[^=])", re.MULTILINE
)
_MOST_STARTS = 20
_MOST_CUTS = 20
"""Lines at which code without a fence may begin, and at which prose may follow it, before the search is given up."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The source in one block, and its tree where it parses."""

    source: str
    tree: ast.Module | None
    closed: bool

    @property
    def rank(self) -> int:
        """How much it looks like the program: 3 defines label, 2 does so but does not parse, 1 defines others."""
        functions = _functions(self.tree)
        if any(function.name == "label" for function in functions):
            return 3
        if _FUNCTION.search(self.source):
            return 2
        return 1 if functions else 0


def extract_source(reply: str, *, cut: bool = False) -> str | None:
    """Return the program in the reply, None where it holds no code.

    The last block that parses and defines ``label``, with what it needs of the other blocks; without any fence, the
    lines that do so. Where none does, what looks most like it, for repair. Of a reply that was ``cut`` only a closed
    block will do, which was whole before the cut.
    """
    text = reply.replace("\r\n", "\n").replace("\r", "\n")
    blocks = list(_candidates(text))
    if cut:
        blocks = [block for block in blocks if block.closed and _functions(block.tree)]
    best = max(blocks, key=lambda block: block.rank, default=None)
    if best is None or (best.rank == 0 and _FUNCTION.search(text)):
        found = None if cut else _unfenced(text)
        return found or (best.source if best else None)
    same = [block for block in blocks if block.rank == best.rank]
    if best.rank >= 2:
        return _with_missing_names(same[-1], blocks)
    return max(same, key=lambda block: len(block.source)).source


def parse_source(source: str) -> ast.Module | None:
    """Return the syntax tree, None where the source is not Python."""
    try:
        return _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def repair_syntax(source: str) -> tuple[str, list[str]]:
    """Return a source that parses where a small change makes it, and the change; else the source as it was."""
    if parse_source(source) is not None:
        return source, []
    for repair, change in (
        (_quote_apostrophes, "quoted words with an apostrophe"),
        (_drop_tail, "dropped what follows the program"),
        (_close_lists, "closed a list that broke off"),
    ):
        repaired = repair(source)
        if repaired is not None and parse_source(repaired) is not None:
            return repaired, [change]
    return source, []


def _quote_apostrophes(source: str) -> str:
    return _APOSTROPHE.sub(r'"\1' + "'" + r'\2"', source)


def _drop_tail(source: str) -> str | None:
    """Cut prose or a torn line after the function, as long as the function keeps its last return."""
    lines = source.rstrip().split("\n")
    for cut in range(1, min(_MOST_LINES_CUT, len(lines) - 1) + 1):
        rest = "\n".join(lines[:-cut]) + "\n"
        if "def label" in rest and parse_source(rest) is not None:
            return rest if _ends_in_return(rest) else None
    return None


def _ends_in_return(source: str) -> bool:
    last = source.rstrip().split("\n")[-1]
    return last.lstrip().startswith("return") and last.startswith((" ", "\t"))


def _close_lists(source: str) -> str | None:
    """Close brackets at the end of a list that was cut within an item; of use where the function stands before it."""
    cut = source.rfind(",")
    if cut < 0 or "def label" not in source[:cut]:
        return None
    rest = source[:cut]
    open_brackets: list[str] = []
    for character in re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "", rest):
        if character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
    return rest + "".join(reversed(open_brackets)) + "\n"


def syntax_fault(source: str) -> str:
    """Return why the source is not Python, with the line where there is one; empty where it is."""
    line, fault = _syntax_fault(source)
    return f"line {line}: {fault}" if line else fault


def _candidates(text: str, depth: int = 2) -> Iterator[_Candidate]:
    """Yield what stands in the blocks, and in blocks inside of blocks: four backticks around three."""
    for block in fenced_blocks(text, lambda content: parse_source(textwrap.dedent(content)) is not None):
        content = block.content if block.closed else _without_fence(block.content)
        source = textwrap.dedent(content).strip("\n") + "\n"
        tree = parse_source(source)
        inner = list(_candidates(content, depth - 1)) if tree is None and depth > 1 else []
        if inner:
            yield from inner
        elif source.strip():
            yield _Candidate(source, tree, block.closed)


def _without_fence(content: str) -> str:
    """Return the content of an unclosed block without a fence behind its last line of code."""
    return content.rstrip().rstrip("`~") if content.rstrip().endswith(("```", "~~~")) else content


def _functions(tree: ast.Module | None) -> list[ast.FunctionDef]:
    """Return the functions at the top that do something; a signature alone explains and defines nothing."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
    return [node for node in found if not all(map(_does_nothing, node.body))]


def _does_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _with_missing_names(program: _Candidate, blocks: Sequence[_Candidate]) -> str:
    """Return the program with the blocks that define what it uses and does not define: imports and tables apart."""
    missing = _missing_names(program.tree)
    parts = [
        block.source
        for block in blocks
        if block is program or (block.rank < 2 and block.tree and missing & _names_at_top(block.tree))
    ]
    return "\n".join(parts)


def _missing_names(tree: ast.Module | None) -> set[str]:
    nodes = list(ast.walk(tree)) if tree else []
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= _names_at_top(tree) if tree else set()
    return {node.id for node in names} - bound - set(dir(builtins))


def _names_at_top(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            found |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and _is_stored(node)}
    return found


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _unfenced(text: str) -> str | None:
    """Return the program in a text without fences; where no part of it is one, all from where it looks like Python."""
    starts = [match.start() for match in _START.finditer(text)][:_MOST_STARTS]
    for start in starts:
        source = _without_prose(_indented_alike(text[start:]))
        tree = parse_source(source)
        if any(function.name == "label" for function in _functions(tree)):
            return source
    return text[starts[0] :].strip("`\n ") + "\n" if starts else None


def _indented_alike(text: str) -> str:
    """Return the lines that are indented at least as deep as the first one, without that indentation."""
    lines = text.split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    if not indent:
        return text
    end = next((at for at, line in enumerate(lines) if line.strip() and line[:indent].strip()), len(lines))
    return textwrap.dedent("\n".join(lines[:end]))


def _without_prose(text: str) -> str:
    """Return the lines before the prose behind a program: up to the first unindented line that is no Python."""
    lines = text.rstrip("`\n ").split("\n")
    for _ in range(_MOST_CUTS):
        source = "\n".join(lines) + "\n"
        wrong, fault = _syntax_fault(source)
        if not fault:
            return source
        if not 1 < wrong <= len(lines) or lines[wrong - 1][:1].isspace():
            break
        # A word or two of prose before that line may be Python by chance.
        before = parse_source("\n".join(lines[: wrong - 1]))
        ends = [node.end_lineno or 0 for node in before.body if not isinstance(node, ast.Expr)] if before else []
        lines = lines[: max(ends, default=wrong - 1)]
    return text


def _syntax_fault(source: str) -> tuple[int, str]:
    """Return the line, counted from 1, at which the source stops being Python, and why; 0 for no line in particular."""
    try:
        _parse(source)
    except SyntaxError as error:
        return error.lineno or 0, error.msg
    except (RecursionError, MemoryError):
        return 0, "it is nested too deeply"
    except ValueError:
        return 0, "it holds characters that no program may hold"
    return 0, ""


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)
