# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task, an index or a pack names: no address, version or option gets past its meaning."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from hostile.addresses import NAMES, PAYLOAD, SOURCES, SUBDIRS, VERSIONS, Texts
from hostile.arena import Arena
from infrastructure.packs import PackTree
from infrastructure.signing import Signer


def texts(table: Texts) -> t.Callable[[t.Any], t.Any]:
    return pytest.mark.parametrize(("text", "says"), [pytest.param(*pair, id=key) for key, pair in table.items()])


def armed(arena: Arena, text: str) -> str:
    return text.replace(PAYLOAD, arena.payload())


@texts({**SOURCES, **NAMES})
def test_a_name_that_means_harm(arena: Arena, text: str, says: str) -> None:
    arena.refuse({"name": [armed(arena, text)]}, says)


@texts(dict(list(SOURCES.items())[::2]))
def test_a_source_that_means_harm(arena: Arena, text: str, says: str) -> None:
    arena.refuse({"packs": [{"name": "victim", "source": armed(arena, text)}]}, says)


@texts(SOURCES)
def test_an_entry_of_an_index_that_means_harm(arena: Arena, text: str, says: str) -> None:
    entry = {"repo_url": armed(arena, text), "version": "1.0.0"}
    index = arena.folder() / "index.json"
    index.write_text(json.dumps({"packs": {"victim": entry}}))
    arena.refuse({"name": ["victim=1.0.0"], "index_url": [str(index)]}, says, "The entry of victim in the index")


@texts(dict(list(SOURCES.items())[1::3]))
def test_a_dependency_that_means_harm(arena: Arena, text: str, says: str) -> None:
    tree = PackTree("victim", "1.0.0", minimal=True, dependencies=[armed(arena, text)])
    # Some of these cannot even be written in YAML, or are no address but a name that no index has.
    arena.refuse({"name": [str(arena.directory(tree))]}, f"{says}|dependenc")


@texts({key: pair for key, pair in NAMES.items() if pair[0] != "victim2" and pair[0] and "=" not in pair[0]})
def test_a_ref_that_means_harm(arena: Arena, text: str, says: str) -> None:
    """Beside a source, and in the pack itself: whatever the ref, nothing is written there."""
    path = arena.directory(PackTree("victim", "1.0.0", minimal=True, metadata={"ref": text, "name": "A name"}))
    arena.refuse({"packs": [{"name": text, "source": str(path)}]}, "The name|was requested")
    arena.refuse({"name": [str(path)]}, "pack.yaml|StackStorm's own", step="validate")


@texts(VERSIONS)
def test_a_version_that_means_harm(arena: Arena, text: str, says: str) -> None:
    address = f"file://{arena.repository().path}"
    arena.refuse({"packs": [{"source": address, "version": armed(arena, text)}]}, says)
    if "=" not in text:
        arena.refuse({"name": [f"{address}={armed(arena, text)}"]}, says)


@texts(VERSIONS)
def test_a_version_in_an_index_that_means_harm(arena: Arena, text: str, says: str) -> None:
    entry = {"repo_url": f"file://{arena.repository().path}", "version": armed(arena, text), "versions": [text]}
    index = arena.folder() / "index.json"
    index.write_text(json.dumps({"packs": {"victim": entry}}))
    arena.refuse({"name": ["victim"], "state": "latest", "index_url": [str(index)]}, f"{says}|no valid version")


@texts(SUBDIRS)
@pytest.mark.parametrize("kind", ["repository", "directory"])
def test_a_subdir_that_means_harm(arena: Arena, text: str, says: str, kind: str) -> None:
    tree = PackTree("victim", "1.0.0", minimal=True).link("out", str(arena.outside / "directory"))
    tree.link("inside", "actions")
    source = f"file://{arena.repository(tree).path}" if kind == "repository" else str(arena.directory(tree))
    if kind == "directory" and "has no directory" in says:
        says = "does not exist|a link leads out|has no directory"
    arena.refuse({"packs": [{"source": source, "subdir": text}]}, says)


OPTIONS: t.Mapping[str, t.Tuple[t.Dict[str, t.Any], str]] = {
    "conf-device": ({"st2_conf": "/dev/zero"}, "not a regular file"),
    "conf-random": ({"st2_conf": "/dev/urandom"}, "not a regular file"),
    "conf-directory": ({"st2_conf": "/etc"}, "Is a directory"),
    "conf-passwd": ({"st2_conf": "/etc/passwd"}, r"/etc/passwd:1: there is an option before|no \[section\]|first"),
    "conf-nul": ({"st2_conf": "/etc/st2\0.conf"}, "embedded null"),
    "conf-long": ({"st2_conf": "/" + "x" * 5000}, "File name too long"),
    "base-path": ({"base_path": "/etc"}, "base_path is /etc"),
    "base-path-climbing": ({"base_path": "/opt/../etc"}, "base_path is"),
    "owner": ({"owner": "no-such-owner"}, "owner no-such-owner does not exist"),
    "owner-newline": ({"owner": "root\nx"}, "does not exist"),
    "owner-nul": ({"owner": "root\0x"}, "does not exist|embedded null"),
    "owner-number": ({"owner": "9" * 30}, "too large"),
    "owner-digits": ({"owner": "\u00b2"}, "does not exist"),
    "group-number": ({"group": "4294967295"}, "too large"),
    "group": ({"group": "--help"}, "group --help does not exist"),
    "index-option": ({"index_url": ["--x"]}, "cannot be used|cannot be read|malformed"),
    "index-device": ({"index_url": ["/dev/zero"]}, "not a regular file"),
    "index-relative": ({"index_url": ["../index.json"]}, "malformed|cannot be"),
    "index-directory": ({"index_url": ["file:///etc"]}, "not a regular file|Is a directory"),
    "index-memory": ({"index_url": ["file:///proc/self/mem"]}, "cannot be read|is unresponsive"),
    "index-secret": ({"index_url": ["file:///etc/passwd"]}, "malformed"),
    "index-ftp": ({"index_url": ["ftp://127.0.0.1:9/x"]}, "malformed|unresponsive|other"),
    "index-nul": ({"index_url": ["http://127.0.0.1:9/\0"]}, "malformed|unresponsive|other"),
    "index-newline": ({"index_url": ["http://127.0.0.1:9/\r\nX: y"]}, "malformed|unresponsive|other"),
    "index-closed": ({"index_url": ["http://127.0.0.1:9/x"]}, "unresponsive"),
    "index-port": ({"index_url": ["http://127.0.0.1:99999/x"]}, "malformed|unresponsive|other"),
    "index-proxy": ({"index_url": ["http://127.0.0.1:9/x"], "http_proxy": "ext::sh"}, "malformed|unresponsive|other"),
    "index-ca": ({"index_url": ["https://127.0.0.1:9/x"], "ca_bundle": "/etc/passwd"}, "unresponsive|other errors"),
}


@pytest.mark.parametrize(("arguments", "says"), [pytest.param(*pair, id=key) for key, pair in OPTIONS.items()])
def test_an_option_that_means_harm(arena: Arena, arguments: t.Dict[str, t.Any], says: str) -> None:
    name = "some" if "index_url" in arguments else str(arena.directory(ref="newcomer"))
    arena.refuse({"name": [name], **arguments}, says)


REACHING: t.Mapping[str, t.Dict[str, t.Any]] = {
    "key-option": {"ssh_key_file": "-oProxyCommand=PAYLOAD"},
    "key-blank": {"ssh_key_file": "/x -oProxyCommand=PAYLOAD"},
    "key-quote": {"ssh_key_file": "/x';PAYLOAD;'"},
    "key-expansion": {"ssh_key_file": "/$(PAYLOAD)`PAYLOAD`"},
    "key-newline": {"ssh_key_file": "/x\nPAYLOAD"},
    "hosts-option": {"known_hosts_file": "/x -oProxyCommand=PAYLOAD"},
    "hosts-newline": {"known_hosts_file": "/x\nProxyCommand PAYLOAD"},
    "hosts-expansion": {"known_hosts_file": "/$(PAYLOAD)"},
}


@pytest.mark.parametrize("arguments", [pytest.param(value, id=key) for key, value in REACHING.items()])
def test_an_option_that_reaches_ssh_stays_one_argument(
    arena: Arena, arguments: t.Dict[str, str], tmp_path: Path
) -> None:
    filled = {key: value.replace("PAYLOAD", arena.payload()) for key, value in arguments.items()}
    arena.refuse({"name": ["ssh://git@127.0.0.1:9/x"], **filled}, "there is no such file", step="fetch")
    ((option, value),) = filled.items()
    if value.startswith("/"):
        # Now there is. Nobody listens at port 9: ssh is started, reads its options, and that is all.
        path = Path(f"{tmp_path}{value}")
        path.parent.mkdir(parents=True)
        Signer(tmp_path / "signer").key_file.rename(path)
        arena.refuse({"name": ["ssh://git@127.0.0.1:9/x"], option: str(path)}, "cannot be fetched", step="fetch")


@pytest.mark.parametrize("field", ["username", "password", "token"])
@pytest.mark.parametrize(
    "text", ["a\nhost=127.0.0.1", "a\0b", "a\nquit=1\nurl=ext::PAYLOAD", "$(PAYLOAD)", "-u'PAYLOAD'"]
)
def test_credentials_reach_git_as_they_are_or_not_at_all(arena: Arena, field: str, text: str) -> None:
    filled = {field: text.replace("PAYLOAD", arena.payload())}
    if field == "password":
        filled["username"] = "me"
    arena.refuse({"name": ["http://127.0.0.1:9/x/y"], **filled}, "cannot be|control characters")


def test_a_pipe_is_no_settings_file_and_nobody_waits(arena: Arena) -> None:
    for name in ("st2.conf", "index.json"):
        os.mkfifo(arena.sources / name)
    arena.refuse({"name": ["x"], "st2_conf": str(arena.sources / "st2.conf")}, "not a regular file")
    arena.refuse({"name": ["x"], "index_url": [str(arena.sources / "index.json")]}, "not a regular file")
    (arena.host.env_file).unlink(missing_ok=True)
    os.mkfifo(arena.host.env_file)
    arena.refuse({"name": ["x"]}, "environment file", "not a regular file")
    arena.host.env_file.unlink()
