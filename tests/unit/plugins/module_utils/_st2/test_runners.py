# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runners that a StackStorm has: by its API, and by what is installed."""

from __future__ import annotations

import types

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ForbiddenError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.runners import installed_runners, known_runners

ENTRY_POINTS = """\
[console_scripts]
st2-thing = thing:main

[st2common.runners.runner]
orquesta = orquesta_runner.orquesta_runner
my-runner = my_runner.my_runner
"""


class Api:
    """Answers what it was given."""

    reads = True

    def __init__(self, *found, error=None):
        self.found, self.error = found, error

    def runners(self):
        if self.error:
            raise self.error
        return self.found


def host(site_packages=None):
    return types.SimpleNamespace(st2_site_packages=site_packages and str(site_packages))


def installed(tmp_path, text=ENTRY_POINTS, ending="dist-info"):
    (tmp_path / f"stackstorm_runner-3.9.0.{ending}").mkdir()
    (tmp_path / f"stackstorm_runner-3.9.0.{ending}" / "entry_points.txt").write_text(text)
    (tmp_path / "orquesta_runner").mkdir()
    (tmp_path / "orquesta_runner" / "runner.yaml").write_text("- name: orquesta\n  aliases: [orchestra]\n")
    return tmp_path


def test_the_entry_points_with_their_other_names(tmp_path):
    assert installed_runners(str(installed(tmp_path))) == {"orquesta", "orchestra", "my-runner"}


def test_eggs_count(tmp_path):
    assert "my-runner" in installed_runners(str(installed(tmp_path, ending="egg-info")))


def test_what_cannot_be_read_counts_for_nothing(tmp_path):
    assert installed_runners(str(installed(tmp_path, "no section = 1\n[st2common.runners.runner\n"))) == set()
    assert installed_runners(None) == set()


def test_both_are_asked(tmp_path):
    assert known_runners(Api("noop"), host()) == {"noop"}
    assert known_runners(Api("noop"), host(installed(tmp_path))) == {"noop", "orquesta", "orchestra", "my-runner"}
    assert known_runners(NoRegistrar(), host(tmp_path)) == {"orquesta", "orchestra", "my-runner"}


def test_nobody_knows():
    assert known_runners(NoRegistrar(), host()) is None
    assert known_runners(Api(error=ForbiddenError("no")), host()) is None
