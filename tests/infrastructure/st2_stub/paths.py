# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the stand-in finds a StackStorm host's files."""

from __future__ import annotations

import configparser
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

DEFAULT_BASE_PATH = "/opt/stackstorm"


@dataclass(frozen=True)
class HostPaths:
    """The directories of a host.

    * ``base_path``: what holds ``configs``, ``overrides`` and ``virtualenvs``.
    * ``packs_base_paths``: where packs lie, the system's first.
    """

    base_path: Path
    packs_base_paths: t.Tuple[Path, ...]

    @classmethod
    def of(cls, host: t.Any) -> HostPaths:
        """Return the paths of a `ScratchHost`."""
        return cls(host.base_path, (host.packs, *host.extra_base_paths))

    @classmethod
    def of_settings(cls, st2_conf: t.Union[str, Path]) -> HostPaths:
        """Return the paths that a st2.conf says, and the environment over it (``ST2_SYSTEM__BASE_PATH``).

        The default of the system packs does not follow base_path (st2common/config.py: it is computed before the file
        is read).
        """
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(st2_conf)

        def option(section: str, name: str, default: str) -> str:
            found = os.environ.get(f"ST2_{section}__{name}".upper(), parser.get(section, name, fallback=default))
            return found or default

        system = option("content", "system_packs_base_path", f"{DEFAULT_BASE_PATH}/packs")
        more = option("content", "packs_base_paths", "")
        paths = dict.fromkeys([system, *(path for path in more.split(":") if path)])
        return cls(Path(option("system", "base_path", DEFAULT_BASE_PATH)), tuple(map(Path, paths)))

    @property
    def packs(self) -> Path:
        """Where packs are installed: the first base path."""
        return self.packs_base_paths[0]

    @property
    def virtualenvs(self) -> Path:
        """Where the packs' virtualenvs are."""
        return self.base_path / "virtualenvs"

    @property
    def overrides(self) -> Path:
        """Where the override files are."""
        return self.base_path / "overrides"

    def config_file(self, ref: str) -> Path:
        """Return where a pack's config is, or would be."""
        return self.base_path / "configs" / f"{ref}.yaml"

    def find_pack(self, ref: str) -> Path:
        """Return the directory of a pack in the first base path that has it; in the system's where none has.

        st2common/content/utils.py get_pack_base_path.
        """
        for base in self.packs_base_paths:
            if (base / ref).is_dir():
                return base / ref
        return self.packs / ref

    def all_packs(self) -> t.Dict[str, Path]:
        """Return the directories with a pack.yaml by name; of two with one name the last counts.

        st2common/content/loader.py get_packs. Raises ValueError where a base path is missing.
        """
        found: t.Dict[str, Path] = {}
        for base in self.packs_base_paths:
            found.update({path.name: path for path in _directories(base) if (path / "pack.yaml").is_file()})
        return found

    def all_content(self, kind: str) -> t.Dict[str, Path]:
        """Return the ``kind`` folders (such as ``actions``) by pack; of two packs with one name the first counts.

        st2common/content/loader.py get_content: a pack.yaml is not asked for. Raises ValueError where a base path is
        missing.
        """
        found: t.Dict[str, Path] = {}
        seen: t.Set[str] = set()
        for base in self.packs_base_paths:
            for path in _directories(base):
                if path.name not in seen and (path / kind).is_dir():
                    found[path.name] = path / kind
                seen.add(path.name)
        return found


def _directories(base: Path) -> t.List[Path]:
    if not base.is_dir():
        raise ValueError(f'Directory "{base}" doesn\'t exist')
    return sorted(path for path in base.iterdir() if path.is_dir() and path.name != "__pycache__")
