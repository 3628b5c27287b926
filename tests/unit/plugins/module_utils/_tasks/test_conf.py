# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task about st2.conf to a result, on files of a host."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf import conf_file
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, SeveralErrors, VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.conf import converge_conf

ITEM = {"section": None, "option": None, "value": None, "values": None, "list": "set", "separator": None,
        "secret": False, "state": None}  # fmt: skip
TEXT = "# ours\n[content]\npack_group = st2packs\n[messaging]\nurl = amqp://guest:hunter1@127.0.0.1:5672//\n"
SERVICES = ("st2api", "st2sensorcontainer", "st2stream")


class Site:
    """A host with an st2.conf and units of three services."""

    def __init__(self, root):
        self.root = root
        self.path = self.write("etc/st2/st2.conf", TEXT)
        for name in SERVICES:
            self.write(f"lib/systemd/system/{name}.service", f"[Service]\nEnvironmentFile=-/etc/default/{name}\n")

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def task(self, check=False, items=None, **given):
        options = None if items is None else [{**ITEM, **item} for item in items]
        params = {**ITEM, "state": "present", "options": options, "backup": False, "owner": None, "group": None,
                  "mode": None, "st2_conf": str(self.path), **given}  # fmt: skip
        return Task(params, None, check, {}, "", Redactor())

    def run(self, **given):
        result = converge_conf(self.task(**given))
        json.dumps(result.returned)
        return result


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


INDEX = {"section": "content", "option": "index_url", "value": "https://a/"}


def test_a_result(site):
    predicted = site.run(check=True, **INDEX)
    assert site.path.read_text() == TEXT
    result = site.run(**INDEX)
    assert result == predicted and result.changed
    assert result.msg == "st2.conf: [content] index_url added"
    assert result.returned == {
        "path": str(site.path),
        "options": [
            {"section": "content", "option": "index_url", "changed": True, "before": None, "after": "https://a/"}
        ],
        "shadowed_by": [],
        "restart_needed": ["st2api"],
        "backup_file": None,
    }
    assert site.path.read_text() == TEXT.replace("st2packs\n", "st2packs\nindex_url = https://a/\n")
    assert result.diff == [
        {
            "before_header": str(site.path),
            "after_header": str(site.path),
            "before": "[content]\n",
            "after": "[content]\nindex_url = https://a/\n",
        }
    ]
    again = site.run(**INDEX)
    assert not again.changed and again.diff == [] and again.msg == "st2.conf is as wanted"
    assert again.returned["restart_needed"] == []


def test_a_line_for_each_kind_of_change(site):
    items = [
        {"section": "content", "option": "pack_group", "state": "absent"},
        {"section": "messaging", "option": "url", "value": "amqp://guest:hunter2@127.0.0.1:5672//"},
    ]
    result = site.run(items=items, mode="0600")
    assert result.msg == "st2.conf: [content] pack_group removed, [messaging] url changed, mode 0644 -> 0600"
    assert [one["before"] for one in result.returned["options"]] == [
        "st2packs",
        "amqp://********@127.0.0.1:5672// (old)",
    ]
    assert result.diff[0]["before"].startswith("# mode 0644\n") and "(old)" in result.diff[0]["before"]
    assert result.diff[0]["after"].startswith("# mode 0600\n") and "(new)" in result.diff[0]["after"]
    assert "hunter" not in str(result.diff) + str(result.returned)
    assert result.returned["restart_needed"] == list(SERVICES)
    assert site.path.stat().st_mode & 0o777 == 0o600


def test_a_copy_is_kept_of_what_changes(site):
    assert site.run(check=True, backup=True, **INDEX).returned["backup_file"] is None
    kept = site.run(backup=True, **INDEX).returned["backup_file"]
    with open(kept, encoding="utf-8") as stream:
        assert stream.read() == TEXT
    assert site.run(backup=True, **INDEX).returned["backup_file"] is None


def test_what_has_no_effect_is_told_and_restarts_nothing(site):
    file = site.write("etc/default/st2api", "ST2_CONTENT__INDEX_URL=https://hunter2/\n")
    result = site.run(**INDEX)
    assert result.returned["restart_needed"] == []
    (shadow,) = result.returned["shadowed_by"]
    assert (shadow["service"], shadow["by"], shadow["source"]) == ("st2api", "environment", str(file))
    assert result.warnings == [
        f"[content] index_url of this file has no effect on st2api: ST2_CONTENT__INDEX_URL in {file} takes precedence."
    ]
    assert site.run(**INDEX).warnings == result.warnings, "as long as it is so"


def test_what_is_read_instead_and_later_is_told(site):
    for name, arguments in (("st2stream", "--config-file /x"), ("st2sensorcontainer", "--config-dir=/etc/st2")):
        unit = f"[Service]\nExecStart=/st2 {arguments}\n"
        site.write(f"lib/systemd/system/{name}.service", unit)
    later = site.write("etc/st2/st2.user.conf", "\n[content]\nindex_url = x\n")
    warnings = site.run(**INDEX).warnings
    assert warnings == [
        "[content] index_url of this file has no effect on st2sensorcontainer: "
        f"{later}:3 is read later and contains the option, too.",
        f"[content] index_url of this file has no effect on st2stream: it reads {site.root}/x instead.",
    ]


@pytest.mark.parametrize(("value", "warned"), [("a$b", True), ("a$$b", False), ("$pack_group", False), ("$a", True)])
def test_a_dollar_sign_that_may_be_meant_as_one_is_warned_of(site, value, warned):
    result = site.run(section="content", option="x", value=value)
    assert ("write $$" in str(result.warnings)) == warned
    assert site.run(section="content", option="x", value=value).warnings == []


def test_all_that_is_wrong_is_said_at_once(site):
    site.path.write_text("[s]\nhunter2\n")
    with pytest.raises(SeveralErrors, match="2 things are wrong") as caught:
        site.run(section="a b", option="c", value="hunter2")
    assert "st2.conf:2: " in caught.value.message and "hunter2" not in caught.value.message


def test_settings_of_the_host_that_are_wrong_can_be_put_right(site):
    site.path.write_text("[content]\npacks_base_paths = not/absolute\n[system]\nbase_path = $nosuch\n")
    items = [
        {"section": "content", "option": "packs_base_paths", "values": ["/srv/packs"]},
        {"section": "system", "option": "base_path", "state": "absent"},
    ]
    assert site.run(items=items).changed
    assert site.path.read_text() == "[content]\npacks_base_paths = /srv/packs\n[system]\n"


def test_a_host_without_a_file_is_refused(site):
    site.path.unlink()
    with pytest.raises(HostError, match="does not look like a StackStorm host"):
        site.run(**INDEX)


def test_what_was_written_and_is_not_there_is_a_failure_of_a_change(site, monkeypatch):
    replace = os.replace

    def spoil(source, target):
        replace(source, target)
        with open(target, "a", encoding="utf-8") as stream:
            stream.write("# more\n")

    monkeypatch.setattr(conf_file.os, "replace", spoil)
    result = site.run(**INDEX)
    assert isinstance(result.failure, VerifyError) and result.changed and result.returned["path"] == str(site.path)
