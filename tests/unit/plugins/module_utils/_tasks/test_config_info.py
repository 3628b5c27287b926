# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What st2_pack_config_info tells."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.config_site import CANARY, OPTIONAL


def test_a_config_is_told_with_defaults_problems_and_whether_it_is_registered(site):
    site.path.write_text(f"url: 5\ntoken: {CANARY}\nextra: 1\n")
    (config,) = site.info("sensu")
    assert config["config"] == {"url": 5, "token": "********", "extra": 1}
    assert (config["defaults"], config["missing"], config["unknown_keys"]) == ({"timeout": 30}, [], ["extra"])
    assert [(one["key"], one["config_line"]) for one in config["problems"]] == [("url", 1)]
    assert (config["exists"], config["installed"], config["database_state"]) == (True, True, "absent")
    assert CANARY not in str(config)
    site.path.write_text("url: http://one\n")
    site.stub.register("sensu", types=["config"])
    assert site.info("sensu")[0]["database_state"] == "current"


def test_a_config_that_is_not_there_has_a_template(site):
    (config,) = site.info("sensu")
    assert (config["exists"], config["config"], config["missing"]) == (False, None, ["url"])
    assert yaml.safe_load(config["template"]) == {"url": None} and "Where it answers" in config["template"]
    keys = {key["key"]: key for key in config["attributes"]}
    assert keys["token"]["secret"] and keys["token"]["holds_secrets"] and not keys["url"]["secret"]
    assert (keys["timeout"]["default"], keys["timeout"]["summary"]) == (30, "integer, default 30")
    assert config["database_state"] == "absent"


def test_without_names_all_packs_with_a_config_or_a_schema_are_told(site):
    (site.host.configs / "gone.yaml").write_text("a: [\n")
    (site.host.configs / "sensu.yaml.1~").write_text("x")
    site.place("plain", None)
    found = {config["pack"]: config for config in site.info()}
    assert set(found) == {"gone", "sensu"}
    gone = found["gone"]
    assert (gone["installed"], gone["config"], gone["template"], gone["database_state"]) == (
        False,
        None,
        None,
        "absent",
    )
    assert "line" in gone["problem"]


def test_what_cannot_be_told_is_unknown(make_site):
    local = make_site(register="local", schema=OPTIONAL)
    local.path.write_text("url: http://one\n")
    assert local.info("sensu")[0]["database_state"] == "unknown"
    local.run(config={"url": "http://one"})
    assert local.info("sensu")[0]["database_state"] == "current"
    local.path.write_text("url: http://two\n")
    assert local.info("sensu")[0]["database_state"] == "stale"
    assert local.info("sensu", register="none")[0]["database_state"] == "unknown"


def test_another_schema_goes_with_one_pack(site, tmp_path):
    (tmp_path / "config.schema.yaml").write_text("region:\n  type: string\n  required: true\n")
    assert site.info("sensu", schema=str(tmp_path))[0]["missing"] == ["region"]
    with pytest.raises(OptionError):
        site.info(schema=str(tmp_path))
