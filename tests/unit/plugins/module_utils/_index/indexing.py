# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the index share: repositories read as the builder reads them, without the rest of it."""

from __future__ import annotations

from infrastructure.environment import clean_environment

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._index.build import Builder
from ansible_collections.stackstorm.st2.plugins.module_utils._index.options import options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._index.repository import IndexedRepository
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import Indexes
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at

PARAMS = {
    **dict.fromkeys(("packs", "entries", "index_url", "include", "exclude", "repo_url", "sign_key", "username")),
    **dict.fromkeys(("password", "token", "ssh_key_file", "known_hosts_file", "http_proxy", "https_proxy")),
    **dict.fromkeys(("no_proxy", "ca_bundle", "index_allowed_signers", "page_assets")),
    "path": "/srv/index",
    "index_strict": True,
    "page": False,
    "revision": "tag",
    "on_invalid": "fail",
    "timeout": 60,
}


def options(**params):
    """The options of a task that gives these."""
    return options_from({**PARAMS, **params})


def indexed(tmp_path, repository, *, keep=True, run="run"):
    """A repository of this machine, as the builder has it. C(run) names what one run has to itself."""
    scratch = tmp_path / run
    scratch.mkdir()
    cache = tmp_path / "cache" / repository.path.name
    return IndexedRepository(git_at(tmp_path), f"file://{repository.path}", str(cache), str(scratch), keep=keep)


def build(tmp_path, indexes=None, *, inspection=None, own=None, **params):
    """What a task with these parameters would publish.

    :arg own: Options that no task has.
    """
    tmp_path.joinpath("scratch").mkdir(exist_ok=True)
    git = git_at(tmp_path, environment=clean_environment(tmp_path))
    number = len(list(tmp_path.glob("build-*")))
    scratch = tmp_path / f"build-{number}"
    scratch.mkdir()
    builder = Builder(
        options(**params)._replace(**own or {}),
        git=lambda: git,
        trust=lambda _url, _own=None: None,
        cache=str(tmp_path / "cache"),
        scratch=str(scratch),
        keep=True,
        deadline=Deadline(60),
        inspection=inspection,
    )
    return builder.build(indexes or Indexes({}, ()))
