# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StackStorm that a test talks to: the stand-in, or a real one that the environment names."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from .database import Record
from .database_snapshot import Snapshot, comparable
from .paths import DEFAULT_BASE_PATH
from .resource_endpoints import PATHS
from .stub import Resources, StackStormStub


class RealStackStorm:
    """A thin reader of a real server, with the names that `StackStormStub` has for the same.

    :arg base_path: where its packs, configs and overrides are, on this machine.
    """

    def __init__(self, api_url: str, api_key: str, base_path: t.Union[str, Path] = DEFAULT_BASE_PATH) -> None:
        self.api_url = api_url.rstrip("/")
        self.auth_url = os.environ.get("ST2_AUTH_URL", "")
        self.api_key = api_key
        base = Path(base_path)
        self.packs_path, self.configs_path, self.overrides_path = (
            base / name for name in ("packs", "configs", "overrides")
        )

    def pack(self, ref: str) -> t.Optional[Record]:
        """Return the pack that the database has; None where it has none."""
        return t.cast("t.Optional[Record]", self._get(f"/packs/{ref}"))

    def packs(self) -> t.List[str]:
        """Return the refs of the packs that the database has, sorted."""
        return sorted(pack["ref"] for pack in self._get("/packs", limit="-1") or [])

    def config(self, ref: str) -> t.Optional[Record]:
        """Return the values of a pack's config in the database, secrets in clear; None where it has none."""
        found = self._get(f"/configs/{ref}", show_secrets="true")
        return None if found is None else t.cast("Record", found["values"])

    def config_schema(self, ref: str) -> t.Optional[Record]:
        """Return the config schema in the database; None where it has none."""
        found = self._get(f"/config_schemas/{ref}")
        return None if found is None else t.cast("Record", found["attributes"])

    def resources(self, ref: str) -> Resources:
        """Return the resources of a pack in the database by kind and name."""
        return {
            kind: {document["name"]: document for document in self._get(f"/{path}", pack=ref, limit="-1") or []}
            for kind, path in PATHS.items()
        }

    def database_snapshot(self, *packs: str) -> Snapshot:
        """Return all that the database has, or what is of these packs, in a form that can be compared."""
        keys = {"packs": "ref", "configs": "pack", "config_schemas": "pack", **dict.fromkeys(PATHS, "ref")}
        found = {}
        for kind, key in keys.items():
            documents = self._get(f"/{PATHS.get(kind, kind)}", limit="-1", show_secrets="true") or []
            wanted = [doc for doc in documents if not packs or doc.get("pack", doc.get("ref")) in packs]
            found[kind] = {str(document[key]): document for document in wanted}
        return comparable(found)

    def register(self, *packs: str, types: t.Sequence[str] = ("all",)) -> t.Dict[str, int]:
        """Register packs; all of them when none is named. Raises what requests raises for a refusal."""
        import requests

        body = {"types": list(types), "packs": list(packs)}
        headers = {"St2-Api-Key": self.api_key}
        answer = requests.post(f"{self.api_url}/v1/packs/register", json=body, headers=headers, timeout=120)
        answer.raise_for_status()
        return t.cast("t.Dict[str, int]", answer.json())

    def _get(self, path: str, **query: str) -> t.Any:
        import requests

        answer = requests.get(
            f"{self.api_url}/v1{path}", params=query, headers={"St2-Api-Key": self.api_key}, timeout=30
        )
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()


def stackstorm_under_test(host: t.Any, **options: t.Any) -> t.ContextManager[t.Union[StackStormStub, RealStackStorm]]:
    """Give the StackStorm that a test shall talk to, for a ``with``.

    With ST2_API_URL and ST2_API_KEY it is the server they name, whose directories are those of this machine below
    ST2_BASE_PATH (``/opt/stackstorm`` unless set); else a `StackStormStub` on ``host``, with the options given.

    Both have ``api_url``, ``auth_url``, ``api_key``; ``packs_path``, ``configs_path``, ``overrides_path``; and, to read
    the database by, ``pack``, ``packs``, ``config``, ``config_schema``, ``resources``, and ``register``. What else the
    stand-in has, such as its log, a test of a real server must do without: see `is_stub`.
    """
    url, key = os.environ.get("ST2_API_URL"), os.environ.get("ST2_API_KEY")
    if url and key:
        return contextlib.nullcontext(RealStackStorm(url, key, os.environ.get("ST2_BASE_PATH") or DEFAULT_BASE_PATH))
    return StackStormStub(host, **options)


def is_stub(stackstorm: t.Union[StackStormStub, RealStackStorm]) -> bool:
    """Whether it is the stand-in, which has a log and can be told to misbehave."""
    return isinstance(stackstorm, StackStormStub)
