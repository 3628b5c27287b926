# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The config file of the st2 client is found where the client looks, and shows nothing of itself in errors."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.client_config import read_client_config

CANARY = "ca-na-ry-7"
TEXT = f"""\
[general]
base_url = https://st2.example.com
; a comment
[credentials]
username = st2admin
password = {CANARY}%(x)s
[auth]
url =
"""


def home(tmp_path, text=TEXT):
    (tmp_path / ".st2").mkdir(exist_ok=True)
    (tmp_path / ".st2/config").write_text(text)
    return {"HOME": str(tmp_path)}


def test_the_accounts_own_file_is_read_without_interpolation(tmp_path):
    config = read_client_config(home(tmp_path))
    assert config.path == f"{tmp_path}/.st2/config"
    assert config.get("general", "base_url") == "https://st2.example.com"
    assert config.get("credentials", "password") == f"{CANARY}%(x)s"
    assert config.get("auth", "url") == config.get("api", "url") == ""
    assert CANARY not in repr(config)


def test_another_file_can_be_named_or_none_read_at_all(tmp_path):
    environment = home(tmp_path)
    (tmp_path / "mine").write_text("[api]\nurl = https://mine/api\n")
    named = {**environment, "ST2_CONFIG_FILE": f"{tmp_path}/mine"}
    assert read_client_config(named).get("api", "url") == "https://mine/api"
    below_home = {**environment, "ST2_CONFIG_FILE": "~/mine"}
    assert read_client_config(below_home).get("api", "url") == "https://mine/api"
    assert not read_client_config({**environment, "ST2_CLI_SKIP_CONFIG": "1"}).values
    assert read_client_config({**environment, "ST2_CLI_SKIP_CONFIG": "0"}).values


def test_without_a_file_there_is_nothing(tmp_path):
    config = read_client_config({"HOME": str(tmp_path)})
    assert not config.values and config.get("credentials", "api_key") == ""


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(OptionError, match=r"/nowhere, which ST2_CONFIG_FILE names .* does not exist"):
        read_client_config({"HOME": str(tmp_path), "ST2_CONFIG_FILE": "~/nowhere"})
    assert not read_client_config({"ST2_CONFIG_FILE": "/nowhere", "ST2_CLI_SKIP_CONFIG": "1"}).values


@pytest.mark.parametrize("text", [f"password = {CANARY}\n", f"[credentials]\n{CANARY}\n", f"[a]\nx=1\nx={CANARY}\n"])
def test_a_file_that_is_none_is_named_but_not_shown(tmp_path, text):
    with pytest.raises(OptionError) as caught:
        read_client_config(home(tmp_path, text))
    assert f"{tmp_path}/.st2/config is not a config of the st2 client" in caught.value.message
    assert CANARY not in caught.value.message and caught.value.__cause__ is None


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / ".st2/config").mkdir(parents=True)
    with pytest.raises(OptionError, match=r"\.st2/config, the config of the st2 client, cannot be read"):
        read_client_config({"HOME": str(tmp_path)})
