"""Repairs of names: the function's, its parameters', imports, labels."""

from __future__ import annotations

import ast
import re

from labelwright.core.task import Task

# Modules that programs use without importing them, and names that programs use without the module that they are from.
_MODULES = {"re", "math", "string", "collections", "statistics", "itertools", "unicodedata", "datetime", "json"}
_MEMBERS = {"Counter": "collections", "defaultdict": "collections"}
_UNSURE = {"none", "unknown", "unsure", "uncertain", "abstain", "other", "null"}


def drop_side_effects(_: Task, tree: ast.Module) -> list[str]:
    """Drop example calls, prints and main blocks at the top, and prints inside functions."""
    changes = []
    kept = [node for node in tree.body if not _is_try_out(node)]
    after = _after_function(kept)
    if len(kept) < len(tree.body) or after:
        tree.body = [node for node in kept if node not in after]
        changes.append("dropped example calls")
    if _drop_prints(tree):
        changes.append("dropped prints")
    return changes


def name_function(task: Task, tree: ast.Module) -> list[str]:
    """Name the function ``label`` where just one takes as many parameters as there are fields."""
    if _label_function(tree):
        return []
    fitting = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and len(node.args.args) == len(task.fields)
    ]
    if len(fitting) != 1:
        return []
    old = fitting[0].name
    fitting[0].name = "label"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = "label"
    return [f"named the function label, not {old}"]


def name_parameters(task: Task, tree: ast.Module) -> list[str]:
    """Name the parameters after the fields, where there are as many."""
    function = _label_function(tree)
    fields = list(task.fields)
    if function is None or len(function.args.args) != len(fields) or function.args.kwonlyargs:
        return []
    old = [argument.arg for argument in function.args.args]
    if set(old) == set(fields) or (set(fields) - set(old)) & _names(function):
        return []
    renamed = dict(zip(old, fields, strict=True))
    for argument in function.args.args:
        argument.arg = renamed[argument.arg]
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in renamed:
            node.id = renamed[node.id]
    return [f"named the parameters {', '.join(fields)}, not {', '.join(old)}"]


def add_imports(_: Task, tree: ast.Module) -> list[str]:
    """Import what is used but not imported, where the sandbox has it."""
    bound = _bound(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    lines: list[ast.stmt] = [ast.Import([ast.alias(name)]) for name in sorted((used & _MODULES) - bound)]
    lines += [ast.ImportFrom(_MEMBERS[name], [ast.alias(name)], 0) for name in sorted((used & _MEMBERS.keys()) - bound)]
    at = 1 if tree.body and _is_docstring(tree.body[0]) else 0
    tree.body[at:at] = lines
    return [f"added: {ast.unparse(line)}" for line in lines]


def match_label_names(task: Task, tree: ast.Module) -> list[str]:
    """Spell labels as the task does, and turn words for not knowing into None."""
    names = {_plain(name): name for name in task.labels}
    changes = []
    for constant in _label_places(tree):
        text = constant.value
        if not isinstance(text, str) or text in task.labels:
            continue
        if _plain(text) in names:
            constant.value = names[_plain(text)]
            changes.append(f"spelled the label {constant.value!r}, not {text!r}")
        elif _plain(text) in _UNSURE and _is_returned(tree, constant):
            constant.value = None
            changes.append(f"returned None, not {text!r}")
    return list(dict.fromkeys(changes))


def _label_function(tree: ast.Module) -> ast.FunctionDef | None:
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "label"), None)


def _is_try_out(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _after_function(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements after the function that only try it out: nothing else uses what they bind."""
    place = next(
        (index for index, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == "label"), None
    )
    if place is None:
        return []
    used = {node.id for part in body[: place + 1] for node in ast.walk(part) if isinstance(node, ast.Name)}
    return [
        node
        for node in body[place + 1 :]
        if isinstance(node, ast.Assign | ast.For | ast.Assert)
        and not any(isinstance(name, ast.Name) and name.id in used - {"label"} for name in _targets(node))
    ]


def _targets(node: ast.stmt) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else []


def _drop_prints(tree: ast.Module) -> bool:
    changed = False
    for node in ast.walk(tree):
        for attribute in ("body", "orelse"):
            statements = getattr(node, attribute, None)
            if not isinstance(statements, list):
                continue
            kept = [item for item in statements if not _is_print(item)]
            if len(kept) < len(statements):
                changed = True
                needs_one = attribute == "body" and not kept
                setattr(node, attribute, [ast.Pass()] if needs_one else kept)
    return changed


def _is_print(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "print"
    )


def _names(function: ast.FunctionDef) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def _bound(tree: ast.Module) -> set[str]:
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    return bound


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _label_places(tree: ast.Module) -> list[ast.Constant]:
    """Return the constants that stand where a label does: returned, or the key of a table."""
    constants: list[ast.Constant] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            constants += _returned_constants(node.value)
        elif isinstance(node, ast.Dict):
            constants += [key for key in node.keys if isinstance(key, ast.Constant)]
    return constants


def _returned_constants(value: ast.expr) -> list[ast.Constant]:
    found: list[ast.Constant] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Constant):
            found.append(part)
        elif isinstance(part, ast.IfExp):
            waiting += [part.orelse, part.body]
    return found


def _is_returned(tree: ast.Module, constant: ast.Constant) -> bool:
    return any(
        constant in _returned_constants(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and node.value is not None
    )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
