"""Whether a vote depends on the records before: what outlives a record, is changed at each, and looked at.

Only what is certain is an error. A table that is filled on demand, a cache by key, a value that is put back: all of
these are told from a counter by how they are used, and where that leaves doubt, running decides (LW310 as well).
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field

from labelwright.sandbox.static_checks.reachable import Reachable, is_cached, is_class_method, is_method
from labelwright.sandbox.static_checks.rule import HISTORY, OUTLIVES, Breach, Breaches
from labelwright.sandbox.static_checks.scopes import Deed, Event, Scope, scopes_of

_ITERATORS = frozenset(("iter", "map", "filter", "zip", "enumerate", "reversed"))
_NO_ITERATORS = frozenset(("itertools.repeat", "itertools.tee"))
_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MUTABLE_CALLS = frozenset(("list", "dict", "set", "Counter", "defaultdict", "deque", "OrderedDict", "bytearray"))
_BEGINNINGS = frozenset(("__init__", "__new__", "__post_init__"))
_ALIASES = 3
"""How many names in a row are followed from one to the next."""
_CHANGES = frozenset((Deed.ADD, Deed.SUBTRACT, Deed.GROW, Deed.SHRINK, Deed.KEEP, Deed.RESET))


def check(tree: ast.Module) -> Breaches:
    """Yield what keeps something from one record for the next."""
    reachable = Reachable(scopes_of(tree))
    yield from _check_iterators(reachable)
    yield from _check_calls(reachable)
    yield from _check_changes(reachable)


def _check_iterators(reachable: Reachable) -> Breaches:
    iterators = {name for name in reachable.module.values if _is_iterator(reachable, reachable.made_by(name))}
    for scope in reachable.scopes if iterators else ():
        for event in scope.events:
            if event.name in iterators and scope.defining(event.name) is reachable.module:
                yield Breach(HISTORY, event.line, f"uses up the iterator {event.name}, a bit more with each record")


def _is_iterator(reachable: Reachable, value: ast.expr | None) -> bool:
    match value:
        case ast.GeneratorExp():
            return True
        case ast.Call(func=ast.Name(id=name)) if name in reachable.functions:
            return reachable.functions[name][-1].yields
        case ast.Call(func=ast.Name(id=name)) if name in reachable.module.imported:
            origin = reachable.module.imported[name]
            return origin.startswith("itertools.") and origin not in _NO_ITERATORS
        case ast.Call(func=ast.Name(id=name)):
            return name in _ITERATORS and name not in reachable.module.bound
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute)):
            is_tool = reachable.module.imported.get(name) == "itertools"
            return (is_tool and f"itertools.{attribute}" not in _NO_ITERATORS) or attribute == "finditer"
    return False


def _check_calls(reachable: Reachable) -> Breaches:
    scopes = (reachable.module, *reachable.scopes)
    origins = (origin for scope in scopes for origin in scope.imported.values())
    has_chance = any(origin.partition(".")[0] == "statistics" for origin in origins)
    for scope in reachable.scopes:
        for event in scope.events:
            if event.attribute == "cache_info" and event.name in reachable.functions:
                yield Breach(HISTORY, event.line, f"asks what {event.name} was called with before")
        for call in scope.calls:
            match call:
                case ast.Call(func=ast.Name(id="hash"), args=[value]) if _has_address(reachable, scope, value):
                    yield Breach(HISTORY, call.lineno, "takes the hash of an object that has none but its address")
                case ast.Call(func=ast.Attribute(attr="samples" | "kde_random") | ast.Name(id="kde_random")):
                    if has_chance and not any(keyword.arg in ("seed", None) for keyword in call.keywords):
                        yield Breach(HISTORY, call.lineno, "draws random numbers without a seed")


def _has_address(reachable: Reachable, scope: Scope, value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="object"), args=[]):
            return True
        case ast.Name(id=name):
            is_own = name in reachable.functions or name in reachable.classes
            return is_own and scope.defining(name) is reachable.module
    return isinstance(value, ast.Lambda)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is kept: what ``owner`` calls ``name``, or one attribute of it."""

    owner: Scope
    name: str
    attribute: str


@dataclass(slots=True)
class _Use:
    deeds: Counter[Deed] = field(default_factory=Counter)
    line: int = 0
    whole: bool = True

    def add(self, event: Event, deed: Deed) -> None:
        self.deeds[deed] += 1
        if deed in _CHANGES:
            self.line = min(self.line or event.line, event.line)
            self.whole = self.whole and event.whole


def _check_changes(reachable: Reachable) -> Breaches:
    uses = _Uses(reachable)
    for place, use in uses.uses.items():
        if not any(use.deeds[deed] for deed in _CHANGES):
            continue
        shown = ".".join(filter(None, (place.name, place.attribute)))
        if uses.is_looked_at(place) and _is_history(use.deeds):
            yield Breach(HISTORY, use.line, f"changes {shown} and looks at it, so that the records before decide")
        elif place.owner is reachable.module and not place.attribute and not use.whole:
            yield Breach(OUTLIVES, use.line, f"changes {shown}, which outlives the record")


def _is_history(deeds: Counter[Deed]) -> bool:
    if deeds[Deed.RESET] or deeds[Deed.GUARD]:
        return False
    if deeds[Deed.ADD] or deeds[Deed.SUBTRACT]:
        return not (deeds[Deed.ADD] and deeds[Deed.SUBTRACT])
    if deeds[Deed.GROW] or deeds[Deed.SHRINK]:
        return not (deeds[Deed.KEEP] or (deeds[Deed.GROW] and deeds[Deed.SHRINK]))
    return False


class _Uses:
    """What the scopes that run at each record do with what outlives it."""

    def __init__(self, reachable: Reachable) -> None:
        self._reachable = reachable
        self._methods = _kept_methods(reachable)
        self._kept = {method.parent for method in self._methods}
        self._shared = {found: _shared_attributes(found) for found in reachable.methods}
        self._missing = _missing_arguments(reachable)
        self.uses: dict[_Place, _Use] = {}
        self._read: set[tuple[Scope, str]] = set()
        self._guarded: set[tuple[Scope, str]] = set()
        events = [(scope, event, self._place(scope, event)) for scope in reachable.scopes for event in scope.events]
        for _, event, place in events:
            if place and event.deed is Deed.GUARD:
                self._guarded.add((place.owner, place.name))
        filling = {scope for scope, event, place in events if event.deed in _CHANGES and self._is_guarded(place)}
        for scope, event, place in events:
            if place is None:
                continue
            unsure = not event.sure or scope in filling or is_cached(scope) or self._is_guarded(place)
            deed = Deed.KEEP if unsure and event.deed in _CHANGES else event.deed
            self.uses.setdefault(place, _Use()).add(event, deed)
            if deed is Deed.READ:
                self._read.add((place.owner, place.name))

    def is_looked_at(self, place: _Place) -> bool:
        """Whether a record's code asks what is there; what is taken away is missed by itself."""
        use = self.uses[place]
        if use.deeds[Deed.READ] or use.deeds[Deed.SHRINK]:
            return True
        if not place.attribute:
            return (place.owner, place.name) in self._read
        whole = self.uses.get(_Place(place.owner, place.name, ""))
        return whole is not None and bool(whole.deeds[Deed.READ])

    def _is_guarded(self, place: _Place | None) -> bool:
        return place is not None and (place.owner, place.name) in self._guarded

    def _place(self, scope: Scope, event: Event) -> _Place | None:
        """Return where the event happens, None for what ends with the record."""
        name = event.name
        owner = scope.defining(name)
        for _ in range(_ALIASES):
            if event.whole or owner.bound[name] != 1 or name not in owner.aliases or name in owner.parameters:
                break
            name = owner.aliases[name]
            owner = owner.defining(name)
        if owner is self._reachable.module:
            return self._module_place(name, event)
        if is_method(owner) and name == owner.parameters[0]:
            return self._own_place(scope, owner, event)
        is_default = (owner, name) in self._missing and owner.bound[name] == 1
        is_closure = owner in self._reachable.makers and owner not in self._reachable.scopes
        return _Place(owner, name, event.attribute) if is_default or is_closure else None

    def _module_place(self, name: str, event: Event) -> _Place | None:
        found = self._reachable.class_of(name)
        if found is not None and event.attribute and found in self._kept:
            return _Place(found, "self", event.attribute)
        if found is not None and event.attribute in self._shared[found]:
            return _Place(found, name, event.attribute)
        is_kept = self._reachable.is_variable(name)
        return _Place(self._reachable.module, name, event.attribute) if is_kept else None

    def _own_place(self, scope: Scope, method: Scope, event: Event) -> _Place | None:
        """Return where an attribute of a method's own object is, None where the object is new with each record."""
        found = method.parent
        is_beginning = getattr(scope.node, "name", "") in _BEGINNINGS and method not in self._methods
        if found is None or not event.attribute or is_beginning:
            return None
        if method in self._methods:
            return _Place(found, "self", event.attribute)
        if event.attribute in self._shared.get(found, ()):
            return _Place(found, found.node.name, event.attribute)  # type: ignore[attr-defined]
        return None


def _shared_attributes(found: Scope) -> set[str]:
    """Return the attributes of a class that all its objects share and can change."""
    shared = {name for name, values in found.values.items() if _is_mutable(values[-1])}
    for method in found.inner if shared else ():
        own = method.parameters[0] if is_method(method) else ""
        shared -= {event.attribute for event in method.events if event.deed is Deed.RESET and event.name == own}
    return shared


def _kept_methods(reachable: Reachable) -> set[Scope]:
    """Return the methods that are called on objects that outlive the record, or on a class itself."""
    methods: set[Scope] = set()
    waiting: list[Scope] = []

    def called(found: Scope | None, name: str, *, on_class: bool) -> None:
        method = reachable.methods.get(found, {}).get(name) if found else None
        is_new = method is not None and method not in methods and is_method(method)
        if method is not None and is_new and (not on_class or is_class_method(method)):
            methods.add(method)
            waiting.append(method)

    for scope in reachable.scopes:
        for call in scope.calls:
            match call.func:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                    if scope.defining(name) is reachable.module:
                        called(reachable.class_of(name), attribute, on_class=name in reachable.classes)
    while waiting:
        method = waiting.pop()
        for call in method.calls:
            match call.func:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == method.parameters[0]:
                    called(method.parent, attribute, on_class=False)
    return methods


def _missing_arguments(reachable: Reachable) -> set[tuple[Scope, str]]:
    """Return the parameters whose default can be changed, of functions that are called without them."""
    waiting: dict[str, list[tuple[Scope, str, int]]] = {}
    for called, functions in reachable.functions.items():
        for function in functions:
            for name, place in _changeable_defaults(function).items():
                waiting.setdefault(called, []).append((function, name, place))
    found: set[tuple[Scope, str]] = set()
    seen: set[tuple[str, int, frozenset[str | None]]] = set()
    for scope in reachable.scopes:
        for call in scope.calls:
            is_plain = not any(isinstance(argument, ast.Starred) for argument in call.args)
            if not isinstance(call.func, ast.Name) or call.func.id not in waiting or not is_plain:
                continue
            given = frozenset(keyword.arg for keyword in call.keywords)
            shape = (call.func.id, len(call.args), given)
            if shape in seen:
                continue
            # Each call looks only at what no call before it left out, so that this stays linear.
            seen.add(shape)
            missing = [
                (function, name, place)
                for function, name, place in waiting[call.func.id]
                if place >= len(call.args) and not given & {name, None}
            ]
            found |= {(function, name) for function, name, _ in missing}
            waiting[call.func.id] = [item for item in waiting[call.func.id] if item[:2] not in found]
    return found


def _changeable_defaults(scope: Scope) -> dict[str, int]:
    """Return the parameters whose default value can be changed, and their places."""
    defaults: list[ast.expr] = getattr(scope.node, "args").defaults  # noqa: B009
    first = len(scope.parameters) - len(defaults)
    named = zip(scope.parameters[first:], defaults, strict=True)
    return {name: first + place for place, (name, default) in enumerate(named) if _is_mutable(default)}


def _is_mutable(default: ast.expr) -> bool:
    if isinstance(default, ast.Call):
        called = default.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        return name in _MUTABLE_CALLS
    return isinstance(default, _MUTABLE)
