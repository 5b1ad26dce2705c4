"""Which of a program's scopes run when a record is labeled, and not only when the program is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from labelwright.sandbox.static_checks.scopes import Scope, path_of

_CACHES = frozenset(("cache", "lru_cache", "cached_property"))


class Reachable:
    """What ``label`` reaches by name. Errs on the side of leaving out: calls by other ways are not followed."""

    def __init__(self, module: Scope) -> None:
        self.module = module
        self.functions: dict[str, list[Scope]] = {}
        self.classes: dict[str, list[Scope]] = {}
        self._lambdas = {id(scope.node): scope for scope in module.inner if isinstance(scope.node, ast.Lambda)}
        for scope in module.inner:
            if isinstance(scope.node, ast.ClassDef):
                self.classes.setdefault(scope.node.name, []).append(scope)
            elif not isinstance(scope.node, ast.Lambda):
                self.functions.setdefault(scope.node.name, []).append(scope)  # type: ignore[attr-defined]
        self.methods = {scope: dict(_functions_in(scope)) for found in self.classes.values() for scope in found}
        """The methods of each class, by name."""
        self.scopes: dict[Scope, None] = {}
        self.makers: set[Scope] = set()
        """Functions that are called while the program is loaded, and whose inner functions stay."""
        self._declared: set[str] = set()
        """Names that a function makes the module's own."""
        self._names = {"label"}
        self._waiting = ["label"]
        while self._waiting:
            self._follow(self._waiting.pop())

    def is_variable(self, name: str) -> bool:
        """Whether the name is the module's, and no function, class or import."""
        is_other = name in self.functions or name in self.classes or name in self.module.imported
        return not is_other and (name in self.module.bound or name in self._declared)

    def made_by(self, name: str) -> ast.expr | None:
        """Return what the variable was given, once and for all, at the top level."""
        values = self.module.values.get(name, [])
        return values[0] if len(values) == 1 and self.module.bound[name] == 1 else None

    def class_of(self, name: str) -> Scope | None:
        """Return the class of the one object that the variable stands for, or that the name is itself."""
        made = self.made_by(name)
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
            name = made.func.id
        return self.classes.get(name, [None])[-1]

    def _follow(self, name: str) -> None:
        for function in self.functions.get(name, []):
            self._reach(function)
            for decorator in function.node.decorator_list:  # type: ignore[attr-defined]
                self._make(decorator)
        for found in self.classes.get(name, []):
            for method in found.inner:
                self._reach(method)
            for base in found.node.bases:  # type: ignore[attr-defined]
                self._follow_value(base)
        for value in self.module.values.get(name, []):
            self._follow_value(value)

    def _follow_value(self, value: ast.expr) -> None:
        called = set()
        for node in ast.walk(value):
            match node:
                case ast.Call(func=ast.Name() as function) if function.id in self.functions:
                    called.add(id(function))
                    self._make(function)
                case ast.Name(id=name) if id(node) not in called:
                    self._want(name)
                case ast.Lambda() if id(node) in self._lambdas:
                    self._reach(self._lambdas[id(node)])

    def _make(self, caller: ast.expr) -> None:
        root, _ = path_of(caller.func if isinstance(caller, ast.Call) else caller)
        for maker in self.functions.get(root.id, []) if root else []:
            if maker not in self.makers:
                self.makers.add(maker)
                for inner in maker.inner:
                    self._reach(inner)

    def _reach(self, scope: Scope) -> None:
        waiting = [scope]
        while waiting:
            scope = waiting.pop()
            if scope in self.scopes:
                continue
            self.scopes[scope] = None
            self._declared |= scope.outer
            waiting += scope.inner
            for name in {*(event.name for event in scope.events), *scope.aliases.values()}:
                if scope.defining(name) is self.module:
                    self._want(name)

    def _want(self, name: str) -> None:
        if name not in self._names:
            self._names.add(name)
            self._waiting.append(name)


def is_cached(scope: Scope) -> bool:
    """Whether the function runs once for its arguments."""
    return bool(_CACHES & set(_decorators(scope)))


def is_class_method(scope: Scope) -> bool:
    """Whether the function's first parameter is the class."""
    return "classmethod" in _decorators(scope)


def is_method(scope: Scope) -> bool:
    """Whether the function's first parameter is the object, or the class."""
    in_class = scope.parent is not None and isinstance(scope.parent.node, ast.ClassDef)
    return in_class and bool(scope.parameters) and "staticmethod" not in _decorators(scope)


def _decorators(scope: Scope) -> list[str]:
    if not isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    called = (item.func if isinstance(item, ast.Call) else item for item in scope.node.decorator_list)
    return [item.id if isinstance(item, ast.Name) else getattr(item, "attr", "") for item in called]


def _functions_in(scope: Scope) -> Iterator[tuple[str, Scope]]:
    for inner in scope.inner:
        if isinstance(inner.node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner.node.name, inner
