"""Whether a program is plain: made of nothing by which it could reach another program in the same interpreter.

This is a list of what is let in, not of what is kept out. Whatever it does not name makes a program not plain, which
costs it an instance of its own and nothing else. A plain program binds no attribute, defines no class, formats no text
by a template, and of values and modules uses only the attributes below. No value that it can get at has one of these
that leads to an object which other programs see and which can be changed.
"""

from __future__ import annotations

import ast
import builtins

from labelwright.sandbox.guest.allowed import HIDDEN_BUILTINS

_NODES = tuple(
    getattr(ast, name)
    for name in (
        "Module Expr Assign AugAssign AnnAssign NamedExpr For While If IfExp Break Continue Pass Return Raise Try "
        "ExceptHandler Assert Delete Global Nonlocal FunctionDef Lambda arguments arg Import ImportFrom alias BoolOp "
        "BinOp UnaryOp Compare Call keyword Starred Name Constant JoinedStr FormattedValue Attribute Subscript Slice "
        "List Tuple Set Dict ListComp SetComp DictComp GeneratorExp comprehension Yield "
        "expr_context boolop operator unaryop cmpop"
    ).split()
)
_BUILTINS = frozenset(
    "abs all any ascii bin bool bytes chr dict divmod enumerate filter float frozenset hex int isinstance issubclass "
    "iter len list map max min next oct ord pow print range reversed round set slice sorted str sum tuple zip repr "
    "ArithmeticError AssertionError AttributeError Exception IndexError KeyError LookupError NameError OverflowError "
    "RecursionError RuntimeError StopIteration TypeError UnicodeError ValueError ZeroDivisionError".split()
)
_MODULES = frozenset(("__future__", "html", "itertools", "math", "re", "string", "unicodedata"))
_MEMBERS = {
    "collections": frozenset(("Counter", "OrderedDict", "defaultdict", "deque")),
    "functools": frozenset(("cache", "lru_cache", "reduce")),
    "html": frozenset(("escape", "unescape")),
    "urllib.parse": frozenset(("quote", "unquote", "urlparse", "urlsplit")),
}
"""What may be taken from modules that are not named themselves, or not with all that they have."""
_ATTRIBUTES = frozenset(
    # Texts and bytes; no format and format_map, which read names of attributes out of a text.
    "capitalize casefold center count decode encode endswith expandtabs find index isalnum isalpha isascii isdecimal "
    "isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip maketrans "
    "partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines "
    "startswith strip swapcase title translate upper zfill "
    # Numbers, lists, sets, dictionaries, counters.
    "is_integer bit_length append appendleft clear copy extend insert pop popleft remove reverse sort add difference "
    "difference_update discard intersection isdisjoint issubset issuperset symmetric_difference union update elements "
    "fromkeys get items keys most_common setdefault subtract total values "
    # re.
    "A ASCII DOTALL I IGNORECASE M MULTILINE S U UNICODE VERBOSE X compile end escape findall finditer fullmatch group "
    "groupdict groups match search span start sub subn "
    # string, math, unicodedata, itertools, html, urllib.parse.
    "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits printable punctuation whitespace "
    "ceil copysign dist e exp fabs floor fmod fsum hypot inf isclose isfinite isinf isnan log log10 log1p log2 nan pi "
    "pow prod sqrt tanh trunc bidirectional category combining name normalize numeric "
    "accumulate chain combinations compress cycle dropwhile filterfalse from_iterable groupby islice pairwise product "
    "repeat starmap takewhile zip_longest unescape fragment hostname netloc path port query scheme".split()
)
_REACHING = (frozenset(dir(builtins)) | HIDDEN_BUILTINS) - _BUILTINS
"""Names that stand for something else of the interpreter, wherever the program itself does not bind them."""


def is_plain(source: str) -> bool:
    """Whether programs like this one can share an instance without reaching each other."""
    try:
        return all(map(_is_plain, ast.walk(ast.parse(source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_plain(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            return _is_plain_name(name)
        case ast.FunctionDef(name=name):
            return _is_plain_name(name) and not getattr(node, "type_params", None)
        case ast.ExceptHandler(name=name):
            return name is None or _is_plain_name(name)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return all(map(_is_plain_name, names))
        case ast.Attribute(attr=name, ctx=context):
            return isinstance(context, ast.Load) and name in _ATTRIBUTES
        case ast.Import(names=names):
            return all(alias.name in _MODULES and _is_plain_name(alias.asname or alias.name) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            if level:
                return False
            allowed = _MEMBERS.get(module or "", _ATTRIBUTES if module in _MODULES else frozenset())
            return module == "__future__" or all(
                alias.name in allowed and _is_plain_name(alias.asname or alias.name) for alias in names
            )
    return isinstance(node, _NODES)


def _is_plain_name(name: str) -> bool:
    return name not in _REACHING and not name.startswith("__")
