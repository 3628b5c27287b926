# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole entries of generated repositories, held against the Exchange's rule told once more; without any real data."""

from __future__ import annotations

import hashlib

import pytest
import yaml
from infrastructure.packs import PackTree, quirks
from infrastructure.packs.tree import LINK, SUBMODULE
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._index.entry import OWN_KEYS, entries_hash
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_file import load_yaml
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import build
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.test_content import by_the_rule

ORGANISATION = "https://github.com/StackStorm-Exchange/stackstorm-"
TAGS = ("v0.9.0", "v0.10.0", "v0.2.0-dev", "0.8.0", "nightly")
VERSIONS = ["0.9.0", "0.2.0-de", "0.10.0"]
EXTRA = ("commit", "digest", "requires_config")


def by_the_exchange(pack_dir, versions):
    """utils/pack_content.py and .circle/index.py of StackStorm-Exchange/ci: what they would list."""
    pack = load_yaml(str(pack_dir / "pack.yaml"))
    pack["content"] = {kind: dict(sorted(one.items())) for kind, one in sorted(by_the_rule(pack_dir).items())}
    published = yaml.safe_load(yaml.safe_dump(pack, sort_keys=False))
    published["repo_url"] = ORGANISATION + (published.get("ref") or published["name"])
    published["versions"] = versions
    return published


def is_plain(quirk):
    tree = quirk.tree()
    modes = {file.mode for file in tree.files.values()}
    return not modes & {LINK, SUBMODULE} and not set(OWN_KEYS) & set(tree.metadata)


@pytest.mark.parametrize(
    "quirk", [quirk for quirk in quirks(valid=True) if is_plain(quirk)], ids=lambda quirk: quirk.name
)
def test_every_quirk_is_listed_as_the_exchange_lists_it(tmp_path, quirk):
    check(tmp_path, quirk.tree(), quirk.ref)


def test_a_whole_pack_is_listed_as_the_exchange_lists_it(tmp_path):
    check(tmp_path, PackTree("demo"), "demo")


def check(tmp_path, tree, ref):
    repository = GitRepository(tmp_path / f"stackstorm-{ref}.git")
    first = repository.commit(PackTree(ref, "0.9.0", minimal=True))
    for tag in TAGS:
        repository.tag(tag, first)
    repository.commit(tree)
    repository.tag("v0.9.0")  # By which the newest commit is found, whatever version it is.
    repository.build()
    tree.write(tmp_path / "checkout")
    expected = by_the_exchange(tmp_path / "checkout", VERSIONS)
    built = build(tmp_path, packs=[str(repository.path)], repo_url=f"{ORGANISATION}{{ref}}", revision="published")
    assert list(built.entries) == [ref]
    found = {key: value for key, value in built.entries[ref].items() if key not in EXTRA}
    assert found == expected
    assert entries_hash({ref: found}) == hashlib.md5(str(expected).encode()).hexdigest(), "and in its order"
