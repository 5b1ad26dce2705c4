"""A program's scopes: which names each binds, and what each does to names that it may not have bound itself.

One walk over the tree, without recursion. Comprehensions count as part of the scope that they stand in.
"""

from __future__ import annotations

import ast
import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Deed(enum.Enum):
    """What a piece of code does with what a name stands for."""

    READ = "read"
    ADD = "add"
    """Makes a new value out of the old one, so that each time counts: ``n[0] += 1``."""
    SUBTRACT = "subtract"
    GROW = "grow"
    SHRINK = "shrink"
    KEEP = "keep"
    """Puts something under a key, as a cache does, or does what is done only once: ``kept[text] = 1``, ``seen.add``."""
    RESET = "reset"
    """Puts a new value in the place of the old one."""
    GUARD = "guard"
    """Asks whether there is anything yet: ``if not table``."""
    ASK = "ask"
    """Asks whether something is in it, as one does before putting it there."""


@dataclass(frozen=True, slots=True)
class Event:
    """One deed. ``attribute`` is the first one that is taken of the name, if any."""

    deed: Deed
    name: str
    attribute: str
    line: int
    sure: bool = True
    """Whether it happens at each call: not where an exception is handled."""
    whole: bool = False
    """Whether the name itself gets the new value, and not something in what it stands for."""


@dataclass(eq=False, slots=True)
class Scope:
    """The module, a class or a function."""

    node: ast.AST
    parent: Scope | None
    bound: Counter[str] = field(default_factory=Counter)
    outer: set[str] = field(default_factory=set)
    """Names that are declared ``global``."""
    free: set[str] = field(default_factory=set)
    """Names that are declared ``nonlocal``."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Names that were given another name's value as it is."""
    events: list[Event] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)
    inner: list[Scope] = field(default_factory=list)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    """What was assigned to each plain name."""
    imported: dict[str, str] = field(default_factory=dict)
    """What each imported name stands for, with the module's name before it."""
    yields: bool = False

    @property
    def parameters(self) -> list[str]:
        """The names of a function's positional parameters."""
        if not isinstance(self.node, Function):
            return []
        return [argument.arg for argument in (*self.node.args.posonlyargs, *self.node.args.args)]

    def defining(self, name: str) -> Scope:
        """Return the scope that binds the name, as seen from this one; the module where none does."""
        scope = self
        while scope.parent is not None:
            visible = scope is self or not isinstance(scope.node, ast.ClassDef)
            if name in scope.outer:
                break
            if visible and name in scope.bound and name not in scope.free:
                return scope
            scope = scope.parent
        while scope.parent is not None:
            scope = scope.parent
        return scope


_GROWING = frozenset(("append", "extend", "insert", "appendleft", "extendleft"))
_SHRINKING = frozenset(("pop", "popleft", "popitem", "remove"))
_KEEPING = frozenset(("add", "update", "setdefault", "discard", "sort"))
_TURNING = frozenset(("reverse", "rotate", "subtract"))
_EMPTINESS = ((ast.Eq, ast.NotEq, ast.Gt, ast.LtE), (ast.Lt, ast.GtE))
"""How one asks by comparing a length with 0, and with 1, whether there is anything."""
_COUNTING_METHODS = frozenset(("update", "subtract"))
"""Of a Counter: each call adds to what is there."""


def scopes_of(tree: ast.Module) -> Scope:
    """Return the module's scope, with all others in it."""
    return _Walk(tree).module


def path_of(node: ast.expr) -> tuple[ast.Name | None, str]:
    """Return the name that attributes and items are taken of, and the first attribute."""
    attribute = ""
    while isinstance(node, ast.Attribute | ast.Subscript):
        attribute = node.attr if isinstance(node, ast.Attribute) else ""
        node = node.value
    return (node if isinstance(node, ast.Name) else None), attribute


class _Walk:
    """Goes through the tree once, from the outside to the inside."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(tree, None)
        self._told: set[int] = set()
        """Identities of nodes that were made an event of with what is around them."""
        self._waiting: list[tuple[ast.AST, Scope, bool]] = [(node, self.module, True) for node in reversed(tree.body)]
        while self._waiting:
            node, scope, sure = self._waiting.pop()
            self._visit(node, scope, sure)

    def _visit(self, node: ast.AST, scope: Scope, sure: bool) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node, scope)
                return
            case ast.ClassDef():
                self._class(node, scope)
                return
            case ast.Import(names=aliases):
                for alias in aliases:
                    self._imported(alias.asname or alias.name.partition(".")[0], alias.name, scope)
            case ast.ImportFrom(names=aliases):
                for alias in aliases:
                    self._imported(alias.asname or alias.name, f"{node.module}.{alias.name}", scope)
            case ast.Global(names=names):
                scope.outer.update(names)
            case ast.Nonlocal(names=names):
                scope.free.update(names)
            case ast.ExceptHandler():
                scope.bound.update([node.name] if node.name else [])
                sure = False
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                scope.bound[name] += 1
            case ast.Yield() | ast.YieldFrom():
                scope.yields = True
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
                self._statement(node, scope, sure)
            case ast.Call():
                self._call(node, scope, sure)
            case ast.Compare():
                self._compare(node, scope, sure)
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                for name, attribute in _guards(test):
                    scope.events.append(Event(Deed.GUARD, name.id, attribute, name.lineno))
            case ast.Attribute(value=ast.Name() as name) if id(name) not in self._told:
                self._tell(Deed.READ, name, node.attr, scope, sure)
            case ast.Name():
                self._name(node, scope, sure)
        self._waiting += ((child, scope, sure) for child in reversed(list(ast.iter_child_nodes(node))))

    def _function(self, node: Function, scope: Scope) -> None:
        inner = Scope(node, scope)
        scope.inner.append(inner)
        arguments = node.args
        parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        inner.bound.update(argument.arg for argument in parameters if argument)
        around: list[ast.AST] = [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]
        body: list[ast.AST] = []
        if isinstance(node, ast.Lambda):
            body.append(node.body)
        else:
            scope.bound[node.name] += 1
            around += node.decorator_list
            body += node.body
        self._waiting += ((child, scope, True) for child in around)
        self._waiting += ((child, inner, True) for child in reversed(body))

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        inner = Scope(node, scope)
        scope.inner.append(inner)
        scope.bound[node.name] += 1
        around = (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords))
        self._waiting += ((child, scope, True) for child in around)
        self._waiting += ((child, inner, True) for child in reversed(node.body))

    def _imported(self, name: str, origin: str, scope: Scope) -> None:
        scope.bound[name] += 1
        scope.imported[name] = origin

    def _statement(
        self, node: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete, scope: Scope, sure: bool
    ) -> None:
        match node:
            case ast.AugAssign():
                self._target(node.target, _deed_of(node.op), scope, sure)
            case ast.Assign():
                for target in node.targets:
                    self._assigned(target, node.value, scope, sure)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assigned(node.target, value, scope, sure)
            case ast.Delete():
                for target in node.targets:
                    whole = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)
                    self._target(target, Deed.RESET if whole else Deed.SHRINK, scope, sure)

    def _assigned(self, target: ast.expr, value: ast.expr, scope: Scope, sure: bool) -> None:
        if isinstance(target, ast.Name):
            scope.values.setdefault(target.id, []).append(value)
            if isinstance(value, ast.Name):
                scope.aliases[target.id] = value.id
                self._told.add(id(value))
        self._target(target, self._deed_of_assignment(target, value), scope, sure)

    def _deed_of_assignment(self, target: ast.expr, value: ast.expr) -> Deed:
        place = _place(target)
        if isinstance(value, ast.BinOp) and place is not None:
            for operand in (value.left, value.right):
                if _place(operand) == place:
                    root, _ = path_of(operand.func if isinstance(operand, ast.Call) else operand)
                    self._told.add(id(root))
                    return _deed_of(value.op)
        keyed = isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant | ast.Slice)
        return Deed.KEEP if keyed else Deed.RESET

    def _target(self, target: ast.expr, deed: Deed, scope: Scope, sure: bool) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._target(item.value if isinstance(item, ast.Starred) else item, Deed.RESET, scope, sure)
            return
        root, attribute = path_of(target)
        if root is not None:
            self._tell(deed, root, attribute, scope, sure, whole=root is target)

    def _call(self, node: ast.Call, scope: Scope, sure: bool) -> None:
        scope.calls.append(node)
        if not isinstance(node.func, ast.Attribute):
            return
        root, attribute = path_of(node.func.value)
        method = node.func.attr
        if root is None:
            return
        if method in _GROWING:
            self._tell(Deed.GROW, root, attribute, scope, sure)
        elif method in _SHRINKING:
            self._tell(Deed.SHRINK if len(node.args) < 2 else Deed.KEEP, root, attribute, scope, sure)
        elif method in _TURNING or (method in _COUNTING_METHODS and self._is_counter(root.id)):
            self._tell(Deed.ADD, root, attribute, scope, sure)
        elif method in _KEEPING:
            self._tell(Deed.KEEP, root, attribute, scope, sure)
        elif method == "clear":
            self._tell(Deed.RESET, root, attribute, scope, sure)

    def _is_counter(self, name: str) -> bool:
        values = self.module.values.get(name, [])
        return bool(values) and isinstance(values[0], ast.Call) and _called(values[0]) == "Counter"

    def _compare(self, node: ast.Compare, scope: Scope, sure: bool) -> None:
        for operator, other in zip(node.ops, node.comparators, strict=True):
            root, attribute = path_of(other)
            if isinstance(operator, ast.In | ast.NotIn) and root is not None:
                self._tell(Deed.ASK, root, attribute, scope, sure)

    def _name(self, node: ast.Name, scope: Scope, sure: bool) -> None:
        if not isinstance(node.ctx, ast.Load):
            scope.bound[node.id] += 1
        elif id(node) not in self._told:
            self._tell(Deed.READ, node, "", scope, sure)

    def _tell(
        self, deed: Deed, root: ast.Name, attribute: str, scope: Scope, sure: bool, *, whole: bool = False
    ) -> None:
        self._told.add(id(root))
        scope.events.append(Event(deed, root.id, attribute, root.lineno, sure, whole))


def _deed_of(operator: ast.operator) -> Deed:
    if isinstance(operator, ast.Sub):
        return Deed.SUBTRACT
    # The second time these change nothing.
    return Deed.KEEP if isinstance(operator, ast.BitOr | ast.BitAnd) else Deed.ADD


def _place(node: ast.expr) -> tuple[object, ...] | None:
    """Return what tells whether two short expressions mean the same place; ``d.get(k, 0)`` means ``d[k]``."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return (name, ".", attribute)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
            return (name, "=", repr(key))
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=key)):
            return (name, "[", key)
        case ast.Call(func=ast.Attribute(value=ast.expr() as value, attr="get"), args=[ast.expr() as key, *_]):
            return _place(ast.Subscript(value, key)) if isinstance(key, ast.Constant | ast.Name) else None
    return None


def _guards(test: ast.expr) -> Iterator[tuple[ast.Name, str]]:
    """Yield what the test asks whether it is there, or not there yet."""
    waiting = [test]
    while waiting:
        match waiting.pop():
            case ast.BoolOp(values=values):
                waiting += values
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                waiting.append(operand)
            case ast.Compare(ops=[ast.Is() | ast.IsNot() | ast.In() | ast.NotIn()]) as test:
                waiting += [test.left] if isinstance(test.ops[0], ast.Is | ast.IsNot) else test.comparators
            case ast.Compare(left=ast.Call() as length, ops=[operator], comparators=[ast.Constant(value=int(n))]):
                if n in (0, 1) and isinstance(operator, _EMPTINESS[n]):
                    waiting.append(length)
            case ast.Call(func=ast.Name(id="len" | "bool"), args=[value]):
                waiting.append(value)
            case ast.Name() | ast.Attribute() | ast.Subscript() as value:
                root, attribute = path_of(value)
                if root is not None:
                    yield root, attribute


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
