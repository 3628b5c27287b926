# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of those who release and split packs: sent to the servers, and in nothing that comes out or stays."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from e2e.working_copies import PackWorkingCopy
from infrastructure.ansible_run import run_play
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.servers import CertificateAuthority, GitHttpsServer

CANARY = "c4n@ry/t0ken:x"
FORMS = (CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY)[1:-1])
# As ansible-core up to 2.20 always does.
INVOCATION = {"ANSIBLE_INJECT_INVOCATION": "1"}


class Site(t.NamedTuple):
    root: Path
    pack: PackWorkingCopy
    url: str
    ca_file: str

    def run(self, module: str, given: t.Mapping[str, t.Any], *checks: bool) -> t.List[str]:
        """Check and run it with all verbosity: what came out, and what lies in files but for the working copy's own
        settings."""
        texts = []
        for check in checks or (True, False):
            arguments = {"ca_bundle": self.ca_file, **given}
            play = run_play([{f"stackstorm.st2.{module}": arguments}], check=check, diff=True, env=INVOCATION,
                            arguments=["-vvv"])  # fmt: skip
            texts += [play.stdout, play.stderr, json.dumps(play.tasks[0].result)]
        for path in self.root.rglob("*"):
            if path.is_file() and path != self.pack.path / ".git" / "config":
                texts.append(path.read_bytes().decode(errors="replace"))
        return texts


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[Site]:
    ca = CertificateAuthority(tmp_path / "ca")
    pack = PackWorkingCopy(tmp_path / "work")
    pack.commit("1.0.0")
    many = GitRepository(pack.remote.parent / "many.git")
    many.commit(Tree({}).mount("packs/a", PackTree("a", minimal=True)))
    many.build()
    run_git("init", "--quiet", "--bare", "--template=", pack.remote.parent / "a.git")
    with GitHttpsServer(pack.remote.parent, ca, username="git", password=CANARY) as server:
        yield Site(tmp_path / "work", pack, server.url, str(ca.ca_file))


def clean(texts: t.Iterable[str]) -> None:
    """Assert that no form of the secret is in any text."""
    assert not [form for form in FORMS for text in texts if form in text]


def credentials(way: str) -> t.Tuple[t.Dict[str, str], str]:
    """Options, and what stands in URLs."""
    if way == "url":
        return {}, f"git:{quote(CANARY, safe='')}@"
    return ({"token": CANARY} if way == "token" else {"username": "git", "password": CANARY}), ""


@pytest.mark.parametrize("way", ["token", "password", "url"])
def test_releases(site: Site, way: str) -> None:
    given, userinfo = credentials(way)
    site.pack.git("remote", "set-url", "origin", f"{site.url.replace('://', f'://{userinfo}')}/acme_dns.git")
    clean(site.run("st2_pack_release", {"path": str(site.pack.path), **given}))
    assert site.pack.released()
    site.pack.commit("2.0.0")
    hook = site.pack.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    clean(site.run("st2_pack_release", {"path": str(site.pack.path), **given}, False))


@pytest.mark.parametrize("way", ["token", "password", "url"])
def test_splits(site: Site, way: str) -> None:
    given, userinfo = credentials(way)
    url = site.url.replace("://", f"://{userinfo}")
    arguments = {"repo": f"{url}/many.git", "dest": str(site.root / "split"), "repo_url": f"{url}/{{ref}}.git"}
    clean(site.run("st2_pack_split", {**arguments, "push": True, **given}))
    assert run_git("-C", site.pack.remote.parent / "a.git", "for-each-ref")
    clean(
        site.run(
            "st2_pack_split", {**arguments, "repo_url": f"{url}/nowhere/{{ref}}.git", "push": True, **given}, False
        )
    )
