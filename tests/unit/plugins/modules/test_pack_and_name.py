# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names a pack may be written C(pack) or C(name) in every module, and means the same."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.tests.unit.plugins.modules.running import MODULES, Hosts, hosts, nested, spec_of

# There, name is that of a service.
OTHER_NAMES = {("st2_environment", "name"), ("st2_restart", "name")}
__all__ = ["hosts"]

TASKS = [
    ("st2_pack", "name", ["demo"], {"register": "none", "virtualenv": "never"}),
    ("st2_pack", "name", ["nosuch"], {"register": "none", "state": "absent"}),
    ("st2_pack_info", "name", ["demo"], {}),
    ("st2_pack_config", "pack", "demo", {"state": "absent", "register": "none"}),
    ("st2_pack_config_info", "pack", ["demo"], {"register": "none"}),
    ("st2_override", "pack", "demo", {"actions": {"disabled": ["greet"]}, "register": "none"}),
    ("st2_override_info", "pack", ["demo"], {"register": "none"}),
    ("st2_index_info", "name", ["demo"], {"index_url": ["file:///nowhere"]}),
]


def test_every_option_that_names_packs_has_both_names():
    found = {
        (module, ".".join(path), *option.get("aliases", ()))
        for module in MODULES
        for path, option in nested(spec_of(module).options)
        if path[-1] in ("name", "pack") and (module, path[-1]) not in OTHER_NAMES
    }
    assert found and all({row[1].split(".")[-1], *row[2:]} == {"name", "pack"} for row in found), found


@pytest.mark.parametrize(("module", "option", "value", "more"), TASKS)
def test_either_gives_the_same_result(hosts: Hosts, module, option, value, more):
    if "st2_conf" in spec_of(module).options:
        more = {**more, "st2_conf": str(hosts.host.st2_conf)}
    answers = []
    for name in ("pack", "name"):
        answer = hosts.run(module, {name: value, **more})
        answer.pop("invocation", None)
        answers.append(answer)
    assert answers[0] == answers[1], answers
    assert bool(answers[0].get("failed")) == (module == "st2_index_info"), "nobody has that index"


def test_an_item_of_packs_too(hosts: Hosts):
    more = {"register": "none", "virtualenv": "never", "st2_conf": str(hosts.host.st2_conf)}
    answers = [hosts.run("st2_pack", {"packs": [{name: "demo"}], **more}) for name in ("pack", "name")]
    for answer in answers:
        answer.pop("invocation", None)
    assert answers[0] == answers[1] and answers[0]["packs"][0]["ref"] == "demo"
