# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pip gets its places by its environment, and a password never by argv."""

from __future__ import annotations

import os

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.package_places import PackagePlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy

HOST = {"PATH": "/bin", "HOME": "/nonexistent", "PIP_EXTRA_INDEX_URL": "https://x.example.com/", "PIP_CERT": "/ca.pem"}

NONE = Credentials()


def places(index=None, directory=None, credentials=NONE, environment=None, redactor=None):
    proxy = Proxy(https="http://proxy:3128", no_proxy="localhost")
    return PackagePlaces(index, directory, lambda _url: credentials, proxy, environment or HOST, redactor or Redactor())


def environment_of(made):
    return made.pip()._environment


def test_an_index_that_is_given_is_the_only_one():
    found = environment_of(places("https://pypi.example.com/simple"))
    assert found["PIP_INDEX_URL"] == "https://pypi.example.com/simple"
    assert "PIP_EXTRA_INDEX_URL" not in found
    assert (found["PIP_CONFIG_FILE"], found["PIP_CERT"]) == (os.devnull, "/ca.pem")
    assert found["https_proxy"] == "http://proxy:3128"


def test_a_password_is_in_the_environment_and_known_to_the_redactor():
    redactor = Redactor()
    made = places("https://pypi.example.com/simple", credentials=Credentials("me", "s3/cret x"), redactor=redactor)
    assert environment_of(made)["PIP_INDEX_URL"] == "https://me:s3%2Fcret%20x@pypi.example.com/simple"
    assert made.shown == "https://pypi.example.com/simple"
    assert "s3" not in redactor.text("not s3/cret x nor s3%2Fcret%20x")


def test_without_one_what_the_host_is_configured_with_counts():
    made = places(environment={**HOST, "PIP_CONFIG_FILE": os.devnull})
    assert environment_of(made)["PIP_EXTRA_INDEX_URL"] == "https://x.example.com/"
    assert made.shown == "https://pypi.org/simple, https://x.example.com/"


def test_a_directory_alone_means_no_network():
    made = places(directory="/packages")
    assert environment_of(made)["PIP_NO_INDEX"] == "1"
    assert "PIP_EXTRA_INDEX_URL" not in environment_of(made)
    assert made.shown == "/packages"
