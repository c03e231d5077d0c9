"""The dbt project as Dagster sees it: where it lies, and its manifest, parsed anew only when a file changed.

Here: the folder, the arguments every dbt call shares, `dbt parse`. Not here: building models
(resources/dbt.py), what a model is called in the UI (assets/dbt_models.py).

Dagster prepares a manifest by itself only under `dagster dev`, in a subprocess. A fresh clone's tests,
command line and daemon need one too, so it is made here, in this process, in about two seconds, and kept.
"""

import fcntl
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

PROJECT_DIR = Path(__file__).resolve().parents[1] / "dbt_project"

# dbt says everything through its events; what it prints would stand between our own lines.
QUIET_ARGUMENTS = (
    "--quiet",
    "--log-level=none",
    "--no-print",
    "--no-use-colors",
    "--no-version-check",
    "--no-send-anonymous-usage-stats",
)

_NOT_SOURCE = {"target", "logs", "dbt_packages"}


class DbtProjectError(Exception):
    """The dbt project cannot be parsed; the message is dbt's own."""


def load_manifest(project_dir: Path = PROJECT_DIR) -> dict[str, Any]:
    """The manifest of the project as it is now, parsed first when it is missing or older than a file.

    Raises:
        DbtProjectError: dbt refuses the project.
    """
    folder = project_dir / "target" / "dagster"
    manifest, key_file = folder / "manifest.json", folder / "parsed_from"
    key = _key_of_files(project_dir)
    if not _is_current(manifest, key_file=key_file, key=key):
        folder.mkdir(parents=True, exist_ok=True)
        # Several processes load the definitions at once under `dagster dev`.
        with _locked(folder / "lock"):
            if not _is_current(manifest, key_file=key_file, key=key):
                key_file.unlink(missing_ok=True)
                _parse(project_dir, target_path=folder)
                key_file.write_text(key)
    loaded: dict[str, Any] = json.loads(manifest.read_bytes())
    return loaded


def project_arguments(project_dir: Path, *, target_path: Path) -> Sequence[str]:
    """Where dbt reads and writes, the same for every command."""
    return (
        f"--project-dir={project_dir}",
        f"--profiles-dir={project_dir}",
        f"--target-path={target_path}",
        f"--log-path={target_path}",
        "--log-level-file=info",
    )


def _parse(project_dir: Path, *, target_path: Path) -> None:
    outcome = dbtRunner().invoke(
        [*QUIET_ARGUMENTS, "parse", *project_arguments(project_dir, target_path=target_path)]
    )
    if not outcome.success:
        raise DbtProjectError(f"dbt cannot parse {project_dir}: {outcome.exception}")


def _is_current(manifest: Path, *, key_file: Path, key: str) -> bool:
    return manifest.is_file() and key_file.is_file() and key_file.read_text() == key


def _key_of_files(project_dir: Path) -> str:
    digest = hashlib.sha256(importlib.metadata.version("dbt-core").encode())
    for path in sorted(project_dir.rglob("*")):
        relative = path.relative_to(project_dir)
        if relative.parts[0] in _NOT_SOURCE or not path.is_file():
            continue
        content = path.read_bytes()
        digest.update(f"\n{relative}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
