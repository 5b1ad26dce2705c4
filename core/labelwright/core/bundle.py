"""Bundles: the folder that is pushed. Read, normalized, checked for shape and named by digest.

Text is normalized on the way in (no byte order mark, line feeds only), so that a checkout on another system has the
same digest. Everything else about a bundle is immutable content: the digest covers paths and bytes, nothing more.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from labelwright.core.errors import InvalidBundle
from labelwright.core.finding import Finding, Severity, has_errors
from labelwright.core.label_model import LABEL_MODEL_FILE, LabelModel, MajorityVote, parse_label_model
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import TASK_FILE, Task, parse_task
from labelwright.core.text.encoding import not_utf8, wide_encoding
from labelwright.core.text.json_text import parse_json

GOLD_FILE = "gold.jsonl"
SAMPLE_FILE = "sample.jsonl"
PROVENANCE_FILE = "provenance.json"
GUIDE_FILE = "guide.md"
PROGRAM_FOLDER = "programs"
OPTIONAL_FILES = (LABEL_MODEL_FILE, PROVENANCE_FILE, GUIDE_FILE, GOLD_FILE, SAMPLE_FILE)

_BLANK = 1 << 10
"""Bytes that are read to see whether there is anything in a file."""

MAX_PROGRAMS = 256
MAX_PROGRAM_BYTES = 256 << 10
MAX_BUNDLE_BYTES = 16 << 20
MAX_FILES = MAX_PROGRAMS + 1 + len(OPTIONAL_FILES)

_PROGRAM_PATH = re.compile(rf"{PROGRAM_FOLDER}/([a-z][a-z0-9_]{{0,62}})\.py")


_LEAVINGS = (
    "*~",
    "~$*",
    "#*#",
    "*.sw[a-p]",
    "*.bak",
    "*.orig",
    "*.rej",
    "*.tmp",
    "*.py[co]",
    "thumbs.db",
    "desktop.ini",
)
"""What editors, merges and file managers leave beside a file, in small letters."""
_LEFT_FOLDERS = ("__pycache__", "__macosx")


@dataclass(frozen=True, slots=True)
class Program:
    """A labeling program: its name (the file's stem) and its source."""

    name: str
    source: str

    @property
    def path(self) -> str:
        """Where it stands in the bundle."""
        return f"{PROGRAM_FOLDER}/{self.name}.py"

    @property
    def digest(self) -> str:
        """What names its content: "sha256:" and the SHA-256 of the source, whatever ends its lines."""
        plain = self.source.replace("\r\n", "\n").replace("\r", "\n")
        return f"sha256:{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()}"

    @property
    def description(self) -> str:
        """What it looks for, in plain words: the docstring of ``label``, else the file's, else nothing."""
        try:
            module = ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ""
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "label"]
        docstrings = [*map(ast.get_docstring, functions), ast.get_docstring(module)]
        return next(filter(None, docstrings), "")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A well-formed bundle. ``programs`` are sorted by name; a record's votes keep that order."""

    files: dict[str, bytes]
    digest: str
    task: Task
    programs: tuple[Program, ...]
    label_model: LabelModel
    gold: tuple[Row, ...]
    sample: tuple[Row, ...]

    @property
    def program_names(self) -> tuple[str, ...]:
        """The programs' names, in voting order."""
        return tuple(program.name for program in self.programs)

    @property
    def guide(self) -> str:
        """The labeling guide, empty where there is none."""
        return self.files.get(GUIDE_FILE, b"").decode("utf-8", "replace").strip()


def program_digests(programs: Iterable[Program]) -> dict[str, str]:
    """Return the programs' digests by name, in their order."""
    return {program.name: program.digest for program in programs}


def digest_files(files: dict[str, bytes]) -> str:
    """Return "sha256:" and the SHA-256 over paths and contents, each preceded by its length, sorted by path."""
    sha = hashlib.sha256(b"labelwright bundle 1\n")
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            sha.update(len(part).to_bytes(8, "big"))
            sha.update(part)
    return f"sha256:{sha.hexdigest()}"


def open_bundle(files: Iterable[tuple[str, bytes]]) -> tuple[Bundle | None, list[Finding]]:
    """Return the bundle that the files make, or None, and all that is wrong with their shape.

    Programs are not run and not judged here, only named.
    """
    contents, findings = _normalize(files)
    if TASK_FILE not in contents:
        findings.append(Finding(TASK_FILE, 0, "LW100", "the file is missing", "docs/bundle.md shows a bundle"))
    programs = tuple(
        Program(found[1], contents[path].decode())
        for path in sorted(contents)
        if (found := _PROGRAM_PATH.fullmatch(path))
    )
    if not programs:
        findings.append(Finding(PROGRAM_FOLDER, 0, "LW110", "there is no program", "add programs/<name>.py"))
    if has_errors(findings):
        return None, findings
    task, problems = parse_task(contents[TASK_FILE].decode())
    findings += problems
    if task is None:
        return None, findings
    label_model: LabelModel | None = MajorityVote()
    if LABEL_MODEL_FILE in contents:
        text = contents[LABEL_MODEL_FILE].decode()
        label_model, problems = parse_label_model(text, task.label_names, program_digests(programs))
        findings += problems
    gold, problems = _rows(task, contents, GOLD_FILE, labeled=True)
    findings += problems
    sample, problems = _rows(task, contents, SAMPLE_FILE, labeled=False)
    findings += problems
    findings += _provenance_findings(contents)
    if label_model is None or has_errors(findings):
        return None, findings
    return Bundle(contents, digest_files(contents), task, programs, label_model, gold, sample), findings


def normalized_files(files: Iterable[tuple[str, bytes]]) -> dict[str, bytes] | None:
    """Return the contents by path as a bundle of them would keep them, None where no bundle can."""
    contents, findings = _normalize(files)
    return None if has_errors(findings) else contents


def read_folder(folder: Path) -> tuple[Bundle | None, list[Finding]]:
    """Return the bundle in ``folder`` as ``open_bundle`` does. Links are refused; hidden files and leavings left out.

    Raises InvalidBundle where the folder cannot be read.
    """
    files, findings = read_files(folder)
    bundle, more = open_bundle(files)
    findings += more
    return (None if has_errors(findings) else bundle), findings


def read_files(folder: Path) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Return the files in ``folder`` by path, and findings about what a bundle cannot hold.

    Raises InvalidBundle where the folder cannot be read.
    """
    if not folder.is_dir():
        raise InvalidBundle(f"{folder} is not a folder", advice="name the folder that holds task.toml")
    files: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    try:
        for path in sorted(_walk(folder)):
            if len(files) > MAX_FILES:
                break
            name = path.relative_to(folder).as_posix()
            if problem := _file_problem(path, ascii(name)[1:-1]):
                findings.append(problem)
            else:
                files.append((name, path.read_bytes()))
    except OSError as error:
        raise InvalidBundle(f"{error.filename} cannot be read: {error.strerror}") from error
    return files, findings


def leavings(folder: Path) -> list[str]:
    """Return the files that ``read_files`` leaves out as no part of a bundle, by path; hidden ones are not named."""
    paths = (path for path in _walk(folder, with_leavings=True) if _is_leaving(path))
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def write_folder(files: dict[str, bytes], folder: Path) -> None:
    """Write a bundle's files below ``folder``, which must be empty or new. Raises InvalidBundle otherwise."""
    if folder.exists() and any(folder.iterdir()):
        raise InvalidBundle(f"{folder} is not empty", advice="name a new folder")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _file_problem(path: Path, name: str) -> Finding | None:
    if path.is_symlink():
        return Finding(name, 0, "LW104", "is a link", "put the file itself into the bundle")
    if not path.is_file():
        return Finding(name, 0, "LW104", "is not a regular file", "remove it")
    if path.stat().st_size > MAX_BUNDLE_BYTES:
        return Finding(name, 0, "LW106", f"is larger than {MAX_BUNDLE_BYTES:,} bytes", "make it smaller")
    return None


def _walk(folder: Path, *, with_leavings: bool = False) -> Iterable[Path]:
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = [name for name in folders if not name.startswith(".") and name.lower() not in _LEFT_FOLDERS]
        yield from (here / name for name in folders if (here / name).is_symlink())
        paths = (here / name for name in names if not name.startswith("."))
        yield from (path for path in paths if with_leavings or not _is_leaving(path))


def _is_leaving(path: Path) -> bool:
    if path.is_symlink():
        return False
    name = path.name.lower()
    # An empty __init__.py is what some editors make of a folder of programs; one that says something is a mistake.
    return any(fnmatchcase(name, pattern) for pattern in _LEAVINGS) or (
        name == "__init__.py" and path.is_file() and path.stat().st_size < _BLANK and not path.read_bytes().strip()
    )


def _normalize(files: Iterable[tuple[str, bytes]]) -> tuple[dict[str, bytes], list[Finding]]:
    contents: dict[str, bytes] = {}
    findings: list[Finding] = []
    size = 0
    for count, (path, content) in enumerate(files, start=1):
        if count > MAX_FILES:
            findings.append(
                Finding(PROGRAM_FOLDER, 0, "LW105", f"more than {MAX_FILES} files", f"at most {MAX_PROGRAMS} programs")
            )
            break
        size += len(content)
        if problem := _path_problem(path, contents):
            findings.append(problem)
        elif size > MAX_BUNDLE_BYTES:
            findings.append(
                Finding(path, 0, "LW106", f"the bundle is larger than {MAX_BUNDLE_BYTES:,} bytes", "make it smaller")
            )
            break
        else:
            contents[path] = _normalize_text(path, content, findings)
    return contents, findings


def _path_problem(path: str, contents: dict[str, bytes]) -> Finding | None:
    shown = ascii(path)[1:-1][:200]
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or str(pure) != path:
        return Finding(shown, 0, "LW103", "the path leaves the bundle or is not in plain form", "use a relative path")
    if path in contents:
        return Finding(shown, 0, "LW107", "the path stands twice in the bundle", "rename one of the files")
    if path == TASK_FILE or path in OPTIONAL_FILES or _PROGRAM_PATH.fullmatch(path):
        return None
    return Finding(
        shown,
        0,
        "LW108",
        "a bundle has no place for this file",
        f"programs are {PROGRAM_FOLDER}/<name>.py, with a name of a-z, 0-9 and _; "
        f"besides them: {TASK_FILE}, {', '.join(OPTIONAL_FILES)}",
    )


def _normalize_text(path: str, content: bytes, findings: list[Finding]) -> bytes:
    if path.endswith(".py") and len(content) > MAX_PROGRAM_BYTES:
        findings.append(Finding(path, 0, "LW106", f"is larger than {MAX_PROGRAM_BYTES:,} bytes", "make it smaller"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        findings.append(Finding(path, line, "LW109", f"is {not_utf8(content)}", "save the file as UTF-8"))
        return b""
    if (wide := wide_encoding(content)) != "":
        findings.append(Finding(path, 1, "LW109", f"is {wide} text, not UTF-8", "save the file as UTF-8"))
        return b""
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        findings.append(Finding(path, line, "LW109", "holds a NUL character", "remove it"))
        return b""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain != text and path.endswith(".py"):
        findings.append(Finding(path, 0, "LW130", "line ends were changed to line feeds", severity=Severity.WARNING))
    return plain.encode()


def _rows(task: Task, contents: dict[str, bytes], file: str, *, labeled: bool) -> tuple[tuple[Row, ...], list[Finding]]:
    if file not in contents:
        return (), []
    rows, findings = parse_rows(task, contents[file].decode(), file, labeled=labeled)
    return tuple(rows), findings


def _provenance_findings(contents: dict[str, bytes]) -> list[Finding]:
    if PROVENANCE_FILE not in contents:
        return []
    try:
        if isinstance(parse_json(contents[PROVENANCE_FILE]), dict):
            return []
        message = "is not a JSON object"
    except (ValueError, RecursionError) as error:
        message = f"not valid JSON: {error}"
    return [Finding(PROVENANCE_FILE, 0, "LW112", message, "correct or remove the file")]
