"""Where the data folders lie: an override, the wheel's own copy, or a checkout."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caseflow.kernel.errors import NotFound

OVERRIDE: Final = "CASEFLOW_DATA"
FOLDERS: Final = ("workflows", "policies", "notifications", "migrations")

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def data_root(environment: Mapping[str, str] | None = None, *, package: Path = _PACKAGE) -> Path:
    """Return the folder that holds `workflows/`, `policies/`, `notifications/`, `migrations/`.

    `CASEFLOW_DATA` names it; else the wheel's `caseflow/_data`; else the checkout around `package`.

    Raises:
        NotFound: the folder named, or every folder tried, lacks one of the four.
    """
    given = (os.environ if environment is None else environment).get(OVERRIDE)
    candidates = [Path(given)] if given else [package / "_data", package.parent]
    for candidate in candidates:
        if all((candidate / name).is_dir() for name in FOLDERS):
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    wanted = ", ".join(FOLDERS)
    raise NotFound(f"{tried} has not all of {wanted}; set {OVERRIDE} to the folder that has them")


def policy_folders(root: Path) -> tuple[Path, ...]:
    """Return every policy's folder below `root`, by name."""
    return tuple(sorted(path.parent for path in (root / "policies").glob("*/policy.yaml")))
