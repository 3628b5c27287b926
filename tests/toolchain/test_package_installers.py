# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uv installs from where pip would."""

from __future__ import annotations

from package_installers import uv_variables


def test_what_pip_is_told_is_told_to_uv() -> None:
    listed = """\
:env:.find-links='/wheels /more'
:env:.quiet='2'
global.index-url='https://one.example.com/simple'
install.index-url='https://two.example.com/simple'
freeze.index-url='https://three.example.com/simple'
global.extra-index-url='https://four.example.com/simple\\nfile:///five'
"""
    assert uv_variables(listed) == {
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_DEFAULT_INDEX": "https://two.example.com/simple",
        "UV_INDEX": "https://four.example.com/simple file:///five",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_without_settings_nothing_is_told() -> None:
    assert uv_variables("") == {}
