# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy as StackStorm's actions find it: which source of each value counts, and what cannot be read."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.pack_proxy import proxy_of

UNIT = """\
[Service]
Environment="https_proxy=http://unit:1" "no_proxy=unit"
EnvironmentFile=-/etc/default/st2actionrunner
EnvironmentFile=-/etc/st2/more
"""


class Site:
    """A host's files, and what comes of them."""

    def __init__(self, root):
        self.root = root
        for folder in ("etc/st2", "etc/default", "lib/systemd/system", "opt/stackstorm/configs"):
            (root / folder).mkdir(parents=True)
        self.conf = root / "etc/st2/st2.conf"
        self.conf.write_text(f"[system]\nbase_path = {root}/opt/stackstorm\n")
        self.packs = root / "opt/stackstorm/configs/packs.yaml"
        self.redactor = Redactor()
        self.warnings = []

    def environment(self, text):
        (self.root / "etc/default/st2actionrunner").write_text(text)

    def proxy(self, environment=None, **options):
        host = read_host(str(self.conf), {})
        found, self.warnings = proxy_of(host, options, environment or {}, self.redactor)
        return found


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_without_any_there_is_none(site):
    proxy = site.proxy()
    assert (proxy.http, proxy.https, proxy.no_proxy, proxy.ca_bundle, site.warnings) == (None, None, None, None, [])


def test_each_value_is_the_services_else_the_configs_else_the_tasks(site):
    site.packs.write_text("https_proxy: http://config:1\nhttp_proxy: http://config:1\nno_proxy: localhost, config\n")
    site.environment("https_proxy=http://service:1\n")
    task = {"https_proxy": "http://task:1", "http_proxy": "http://task:1", "proxy_ca_bundle_path": "/task.pem"}
    proxy = site.proxy(task)
    assert (proxy.https, proxy.http) == ("http://service:1", "http://config:1")
    assert (proxy.no_proxy, proxy.ca_bundle) == ("localhost,config", "/task.pem")
    assert site.proxy(task, https_proxy="").https is None
    assert site.proxy(task, https_proxy="http://option:1").https == "http://option:1"
    site.environment("https_proxy=\n")
    assert site.proxy(task).https is None, "an empty value of the service says that there is none"
    assert site.warnings == []


def test_the_ca_of_the_config_is_the_proxys(site):
    site.packs.write_text("https_proxy: http://config:1\nproxy_ca_bundle_path: /ca.pem\n")
    proxy = site.proxy()
    assert proxy.for_url("https://x/") == ("http://config:1", "/ca.pem")
    assert proxy.for_url("https://localhost/") == (None, True)


def test_what_the_unit_itself_sets_counts(site):
    (site.root / "lib/systemd/system/st2actionrunner@.service").write_text(UNIT)
    (site.root / "lib/systemd/system/st2actionrunner.service").write_text(UNIT)
    site.environment("no_proxy=file\n")
    (site.root / "etc/st2/more").write_text("http_proxy=http://more:1\n")
    proxy = site.proxy()
    assert (proxy.https, proxy.http, proxy.no_proxy) == ("http://unit:1", "http://more:1", "file")


def test_whom_the_service_trusts(site):
    site.environment("REQUESTS_CA_BUNDLE=/os.pem\nPIP_CERT=/os.pem\nSSL_CERT_FILE=\n")
    proxy = site.proxy({"REQUESTS_CA_BUNDLE": "/task.pem"})
    assert proxy.for_url("https://index/") == (None, "/os.pem")
    assert proxy.environment() == {"REQUESTS_CA_BUNDLE": "/os.pem", "PIP_CERT": "/os.pem"}
    told = site.proxy(ca_bundle="/told.pem")
    assert told.for_url("https://index/") == (None, "/told.pem")
    assert set(told.environment().values()) == {"/told.pem"}


@pytest.mark.parametrize("value", ["{{ st2kv.system.proxy }}", "{{ st2kv.system.proxy | decrypt_kv }}", "http://{{a}}"])
def test_a_value_of_the_key_value_store_is_warned_of(site, value):
    site.packs.write_text(f"https_proxy: '{value}'\nproxy_ca_bundle_path: '{value}'\n")
    assert site.proxy({"https_proxy": "http://task:1"}).https == "http://task:1"
    assert len(site.warnings) == 2 and "https_proxy from StackStorm's key-value store" in site.warnings[0]
    assert "the option ca_bundle" in site.warnings[1]
    site.proxy(https_proxy="http://option:1", ca_bundle="/ca.pem")
    assert site.warnings == [], "which does not count here"


@pytest.mark.parametrize(
    ("content", "told"),
    [("", None), ("# nothing\n", None), ("- a\n", None), ("https_proxy:\n", None), ("https_proxy: [a]\n", None)],
)
def test_a_config_that_says_nothing(site, content, told):
    site.packs.write_text(content)
    assert site.proxy().https is told and site.warnings == []


def test_a_config_that_cannot_be_read_is_warned_of(site):
    site.packs.write_text("https_proxy: [hunter2\n")
    assert site.proxy().https is None
    (warning,) = site.warnings
    assert "packs.yaml" in warning and "A proxy in it is not used." in warning and "hunter2" not in warning
    site.packs.write_text("https_proxy: http://a:1\nhttps_proxy: http://b:1\n")
    assert site.proxy().https is None and "the key https_proxy is there twice" in site.warnings[0]
    site.packs.unlink()
    site.packs.mkdir()
    assert site.proxy().https is None and "Is a directory. A proxy in it" in site.warnings[0]
    site.packs.rmdir()
    (site.root / "elsewhere").write_text("https_proxy: http://elsewhere:1\n")
    os.symlink(site.root / "elsewhere", site.packs)
    assert site.proxy().https is None and len(site.warnings) == 1, "a link is not followed"


def test_its_password_is_a_secret(site):
    site.packs.write_text("https_proxy: http://me:p%40ssw0rd@config:1\n")
    assert site.proxy().https.endswith("@config:1")
    assert site.redactor.text("p%40ssw0rd p@ssw0rd") == "******** ********"
