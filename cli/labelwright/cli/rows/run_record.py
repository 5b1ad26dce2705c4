"""The record of a labeling run, beside its output: what made the labels, and what a rerun must agree with.

While it says that the run is not complete, the journal beside it counts; afterwards the output does.
"""

from __future__ import annotations

from pathlib import Path

from labelwright.core.errors import ConfigurationError
from pydantic import BaseModel, ConfigDict, ValidationError

SUFFIX = ".labelwright.json"


class Escalated(BaseModel):
    """What the model was asked beside the programs, and what came of it, over all runs with this output.

    ``asked`` rows were answered, ``unlabeled`` of them without a label, and ``changed`` ones got another label than the
    programs'. ``errors_before`` and ``errors_after`` are the errors to be expected among the asked rows. Tokens are
    those that were paid for.
    """

    model_config = ConfigDict(extra="ignore")

    asked: int = 0
    unlabeled: int = 0
    changed: int = 0
    errors_before: float = 0.0
    errors_after: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0


class RunRecord(BaseModel):
    """Settings of the run and, once it is complete, what it counted. ``version`` is 0 if a folder labeled.

    The digests are those of the input's rows and of the output file. ``escalated`` of a run that is not complete is
    what it began with; the journal has the rest.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    selector: str
    task: str
    version: int
    digest: str
    explain: bool
    distribution: bool = False
    output_format: str
    complete: bool = False
    input_digest: str = ""
    output_digest: str = ""
    rows: int = 0
    labels: dict[str, int] = {}
    abstained: int = 0
    failed: int = 0
    escalated: Escalated = Escalated()


def record_path(output: Path) -> Path:
    """Return where the record of ``output`` stands."""
    return output.with_name(output.name + SUFFIX)


def read_record(output: Path) -> RunRecord | None:
    """Return the record of ``output``, None if there is none. Raises ConfigurationError if it is damaged."""
    path = record_path(output)
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be read", advice="start anew with --overwrite") from error


def write_record(output: Path, record: RunRecord) -> None:
    """Write the record so that a crash leaves the old or the new one, never half of one."""
    path = record_path(output)
    draft = path.with_name(path.name + ".new")
    draft.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def check_same_run(output: Path, before: RunRecord, now: RunRecord) -> None:
    """Raise ConfigurationError if ``output`` was begun with other settings."""
    for name in ("task", "version", "digest", "explain", "distribution", "output_format"):
        if (old := getattr(before, name)) != (new := getattr(now, name)):
            raise ConfigurationError(
                f"{output} was begun with another {name.replace('_', ' ')}: {old}, now {new}",
                advice="name another output, or start anew with --overwrite",
            )
