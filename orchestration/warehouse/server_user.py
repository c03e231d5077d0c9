"""As whom the embedded server runs: PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.warehouse.errors import WarehouseError

_STAND_INS_FOR_ROOT = ("postgres", "nobody")


@dataclass(frozen=True)
class ServerUser:
    """The user that owns the data folder and runs the programs."""

    name: str
    uid: int
    gid: int

    @classmethod
    def current(cls) -> "ServerUser":
        # A container may run under a uid that has no name.
        return cls(name=f"uid {os.geteuid()}", uid=os.geteuid(), gid=os.getegid())

    @classmethod
    def for_data(cls, data: Path) -> "ServerUser":
        """Oneself; for root the owner of the existing data, else `postgres`, else `nobody`.

        Raises:
            WarehouseError: root on a machine that has neither user.
        """
        if os.geteuid() != 0:
            return cls.current()
        if data.exists() and (owner := data.stat()).st_uid != 0:
            return cls(name=f"uid {owner.st_uid}", uid=owner.st_uid, gid=owner.st_gid)
        for name in _STAND_INS_FOR_ROOT:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
        raise WarehouseError(
            "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody: "
            "work as an ordinary user, or set DATABASE_URL"
        )

    @property
    def is_other(self) -> bool:
        """Whether programs have to change their user first; only root can."""
        return self.uid != os.geteuid()

    def take(self, path: Path) -> None:
        """Make `path` this user's."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def subprocess_options(self) -> dict[str, Any]:
        """For `subprocess.run`: the user, and an environment without our secrets and other PG* settings."""
        options: dict[str, Any] = {"env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options
