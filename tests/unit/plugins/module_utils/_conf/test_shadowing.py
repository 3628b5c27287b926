# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps an option from having effect, for each service."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.options import Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.shadowing import find_shadows
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.service_start import ServiceStart, Variable

WANTED = Wanted("Content", "index_url", value="x")


@pytest.fixture
def conf(tmp_path):
    """The file that is edited; C(beside) writes another one beside it."""
    path = tmp_path / "st2.conf"
    path.write_text("[content]\nindex_url = x\n")
    return str(path)


def beside(conf, name, text):
    path = conf.replace("st2.conf", name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def found(path, *conf_files, **variables):
    variables = {name: Variable(value, "/etc/default/st2api") for name, value in variables.items()}
    start = ServiceStart("st2api", variables, conf_files or None)
    return [shadow.as_dict() for shadow in find_shadows(path, [WANTED, Wanted("content", "b", "absent")], [start])]


def test_a_file_that_counts_is_not_shadowed(conf):
    assert found(conf) == found(conf, conf) == found(conf, "/none", conf) == []
    assert found(conf, conf, ST2_CONTENT__INDEX="x", CONTENT__INDEX_URL="x") == []


def test_a_variable_wins(conf):
    assert found(conf, "/other", ST2_CONTENT__INDEX_URL="x")[0] == {
        "section": "Content",
        "option": "index_url",
        "service": "st2api",
        "by": "environment",
        "source": "/etc/default/st2api",
        "variable": "ST2_CONTENT__INDEX_URL",
    }


def test_a_later_file_that_has_the_option_wins(conf, tmp_path):
    first = beside(conf, "1.conf", "[CONTENT]\nindex_url = y\nindex_url = z\n")
    second = beside(conf, "2.conf", "[content]\nc = y\n")
    broken = beside(conf, "3.conf", "no\n")
    (one,) = found(conf, conf, first, second, broken, str(tmp_path / "none"))
    assert (one["by"], one["source"], one["variable"]) == ("config_file", f"{first}:3", None)
    assert found(conf, first, conf, second) == []
    assert found(conf, conf, first, conf) == []


def test_a_service_may_read_other_files_only(conf):
    other = beside(conf, "other.conf", "")
    assert [(one["option"], one["by"], one["source"]) for one in found(conf, other, "/more")] == [
        ("index_url", "other_file", f"{other}, /more"),
        ("b", "other_file", f"{other}, /more"),
    ]


def test_a_link_to_the_file_is_the_file(conf, tmp_path):
    (tmp_path / "link.conf").symlink_to(conf)
    assert found(conf, str(tmp_path / "link.conf")) == []
