# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own settings become paths, programs and lists; every host here is a scratch directory."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host


@pytest.fixture
def root(tmp_path):
    """A root directory with an empty st2.conf in it."""
    (tmp_path / "etc" / "st2").mkdir(parents=True)
    write(tmp_path, "etc/st2/st2.conf", "")
    return tmp_path


def write(root, name, text, mode=0o644):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def host(root, conf=None, environment=None):
    if conf is not None:
        write(root, "etc/st2/st2.conf", conf)
    return read_host(f"{root}/etc/st2/st2.conf", environment or {})


def install_stackstorm(root, base, version='__version__ = "3.9.0"\n', python="python3.8"):
    write(root, f"{base}/st2/bin/python", "#!/bin/sh\n", 0o755)
    write(root, f"{base}/st2/lib/{python}/site-packages/st2common/__init__.py", f"# c\n{version}")


def test_nothing_set_gives_what_stackstorm_takes(root):
    found = host(root)
    assert found.base_path == "/opt/stackstorm"
    assert found.packs_base_paths == ("/opt/stackstorm/packs",)
    assert found.system_packs_path == "/opt/stackstorm/packs"
    assert found.virtualenvs_path == "/opt/stackstorm/virtualenvs"
    assert found.configs_path == "/opt/stackstorm/configs"
    assert found.overrides_path == "/opt/stackstorm/overrides"
    assert found.pack_group == "st2packs"
    assert found.index_urls == ("https://index.stackstorm.org/v1/index.json",)
    assert found.virtualenv_opts == ("--system-site-packages",)
    assert found.pip_opts == ()
    assert found.service_environment == {}


def test_base_path_moves_all_but_the_system_packs(root):
    found = host(root, "[system]\nbase_path = /srv/st2/\n")
    assert found.base_path == "/srv/st2"
    assert found.system_packs_path == "/opt/stackstorm/packs"
    assert (found.virtualenvs_path, found.configs_path, found.overrides_path) == (
        "/srv/st2/virtualenvs",
        "/srv/st2/configs",
        "/srv/st2/overrides",
    )


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ("packs_base_paths = /a:/b", ("/opt/stackstorm/packs", "/a", "/b")),
        ("packs_base_paths = /a:/b:", ("/opt/stackstorm/packs", "/a", "/b")),
        ("packs_base_paths = :/a::/b", ("/opt/stackstorm/packs", "/a", "/b")),
        ("packs_base_paths = /a:/opt/stackstorm/packs:/a", ("/opt/stackstorm/packs", "/a")),
        ("packs_base_paths = /a/:/a", ("/opt/stackstorm/packs", "/a")),
        ("packs_base_paths =", ("/opt/stackstorm/packs",)),
        ("packs_base_paths = None", ("/opt/stackstorm/packs",)),
        ("system_packs_base_path = /s\npacks_base_paths = /a", ("/s", "/a")),
        ("system_packs_base_path = //s//t/", ("/s/t",)),
    ],
)
def test_packs_base_paths(root, conf, expected):
    assert host(root, f"[content]\n{conf}\n").packs_base_paths == expected


@pytest.mark.parametrize(
    ("section", "option"),
    [("system", "base_path"), ("content", "system_packs_base_path"), ("content", "packs_base_paths")],
)
def test_a_relative_directory_is_refused_with_its_line(root, section, option):
    with pytest.raises(HostError, match=rf'st2\.conf:2: \[{section}\] {option} has "packs", which is not an absolute'):
        host(root, f"[{section}]\n{option} = packs\n")


@pytest.mark.parametrize(("group", "expected"), [("ops", "ops"), ("", None), ("None", None)])
def test_pack_group(root, group, expected):
    assert host(root, f"[content]\npack_group = {group}\n").pack_group == expected


def test_lists(root):
    found = host(
        root,
        "[content]\nindex_url = https://a/i.json, https://b/i.json\n"
        "[actionrunner]\nvirtualenv_opts = --always-copy\npip_opts = -i, https://pypi.example/simple\n",
    )
    assert found.index_urls == ("https://a/i.json", "https://b/i.json")
    assert found.virtualenv_opts == ("--always-copy",)
    assert found.pip_opts == ("-i", "https://pypi.example/simple")


def test_an_empty_list_is_not_the_default(root):
    found = host(root, "[content]\nindex_url =\n[actionrunner]\nvirtualenv_opts =\n")
    assert found.index_urls == ()
    assert found.virtualenv_opts == ()


def test_the_environment_wins_over_the_environment_file_wins_over_st2_conf(root):
    conf = (
        "[content]\npack_group = conf\nsystem_packs_base_path = /conf\n[actionrunner]\npython_binary = /conf/python\n"
    )
    write(
        root,
        "etc/default/st2actionrunner",
        "ST2_CONTENT__PACK_GROUP=file\nST2_ACTIONRUNNER__PYTHON_BINARY=/file/python\n",
    )
    found = host(root, conf, {"ST2_CONTENT__PACK_GROUP": "mine"})
    assert (found.pack_group, found.python_binary, found.system_packs_path) == ("mine", "/file/python", "/conf")


def test_environment_files_are_those_of_the_root_that_st2_conf_is_in(root):
    write(root, "etc/default/st2actionrunner", "http_proxy=http://debian:1\n")
    write(root, "etc/sysconfig/st2actionrunner", "https_proxy=http://el:1\n")
    assert host(root).service_environment == {"http_proxy": "http://debian:1", "https_proxy": "http://el:1"}


def test_environment_files_can_be_named(root):
    mine = write(root, "mine", "A=1\n")
    more = write(root, "more", "A=2\n")
    write(root, "etc/default/st2actionrunner", "B=1\n")
    found = read_host(f"{root}/etc/st2/st2.conf", {}, [mine, more, f"{root}/none"])
    assert found.service_environment == {"A": "2"}


def test_a_st2_conf_elsewhere_takes_the_systems_environment_files(root, monkeypatch):
    # read_environment_file gets the plain paths; whether they exist on this machine must not matter.
    asked = []
    monkeypatch.setattr(
        "ansible_collections.stackstorm.st2.plugins.module_utils._st2.host.read_environment_file",
        lambda path: asked.append(path) or {},
    )
    assert read_host(write(root, "srv/my.conf", ""), {}).root == ""
    assert asked == ["/etc/default/st2actionrunner", "/etc/sysconfig/st2actionrunner"]


def test_a_missing_st2_conf_names_it_and_the_option(root):
    os.unlink(f"{root}/etc/st2/st2.conf")
    with pytest.raises(HostError, match=rf"There is no {root}/etc/st2/st2\.conf.*st2_conf"):
        read_host(f"{root}/etc/st2/st2.conf", {"ST2_SYSTEM__BASE_PATH": "/srv"})


@pytest.mark.parametrize("base", ["srv/st2", "opt/stackstorm"])
def test_stackstorms_own_virtualenv(root, base):
    install_stackstorm(root, base)
    found = host(root, f"[system]\nbase_path = {root}/srv/st2\n")
    assert found.st2_python == f"{root}/{base}/st2/bin/python"
    assert found.st2_site_packages == f"{root}/{base}/st2/lib/python3.8/site-packages"
    assert found.st2_version == "3.9.0"
    assert found.python_binary == found.st2_python
    assert found.virtualenv_binary is None
    virtualenv = write(root, f"{base}/st2/bin/virtualenv", "", 0o755)
    assert host(root).virtualenv_binary == virtualenv


def test_the_site_packages_with_stackstorm_in_it_is_taken(root):
    install_stackstorm(root, "srv", python="python3.10")
    (root / "srv/st2/lib/python3.9/site-packages").mkdir(parents=True)
    (root / "srv/st2/lib/python3.11/site-packages").mkdir(parents=True)
    (root / "srv/st2/lib/other").mkdir()
    assert host(root, f"[system]\nbase_path = {root}/srv\n").st2_site_packages.endswith("/python3.10/site-packages")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("__version__ = '3.10dev'\n", "3.10dev"), ("__version__='3.8.1'", "3.8.1"), ("version = '3'\n", None), ("", None)],
)
def test_stackstorms_version(root, text, expected):
    install_stackstorm(root, "srv", version=text)
    assert host(root, f"[system]\nbase_path = {root}/srv\n").st2_version == expected


@pytest.mark.parametrize("conf", ["", "[system]\nbase_path = /opt/stackstorm\n"])
def test_a_host_in_a_root_of_its_own_takes_no_program_of_the_systems_stackstorm(root, monkeypatch, conf):
    monkeypatch.setattr(os, "access", lambda path, mode: path == "/opt/stackstorm/st2/bin/python")
    found = host(root, conf)
    assert (found.root, found.base_path, found.st2_python) == (str(root), "/opt/stackstorm", None)
    elsewhere = read_host(write(root, "srv/my.conf", conf), {}, [])
    assert (elsewhere.root, elsewhere.st2_python) == ("", "/opt/stackstorm/st2/bin/python")


def test_no_stackstorm_here(root):
    found = host(root, f"[system]\nbase_path = {root}/srv\n")
    assert (found.st2_python, found.st2_site_packages, found.st2_version) == (None, None, None)
    assert found.virtualenv_binary is None
    assert os.path.isabs(found.python_binary)
    assert "python" in os.path.basename(found.python_binary)


def test_what_is_set_is_taken_even_when_it_is_not_there(root):
    install_stackstorm(root, "srv")
    found = host(
        root,
        f"[system]\nbase_path = {root}/srv\n[actionrunner]\npython_binary = /no/python\nvirtualenv_binary = /no/venv\n",
    )
    assert (found.python_binary, found.virtualenv_binary) == ("/no/python", "/no/venv")


def test_a_host_shows_no_secrets(root):
    write(root, "etc/default/st2actionrunner", "http_proxy=http://u:hunter2@proxy:3128\n")
    found = host(
        root,
        "[content]\nindex_url = https://u:hunter2@h/i.json\n[actionrunner]\npip_opts = -i, https://u:hunter2@h/simple\n",
    )
    assert "hunter2" not in repr(found)


def test_reading_a_host_opens_few_files_and_changes_nothing(root, monkeypatch):
    install_stackstorm(root, "srv")
    write(root, "etc/default/st2actionrunner", "http_proxy=http://proxy:3128\n")
    conf = f"[system]\nbase_path = {root}/srv\n" + "".join(f"[s{n}]\n# c\na = 1\nb = 2\n" for n in range(40))
    host(root, conf)
    before = snapshot(root)
    opened = []
    true_open = open
    monkeypatch.setattr(
        "builtins.open", lambda path, *how, **more: opened.append(path) or true_open(path, *how, **more)
    )
    host(root)
    monkeypatch.undo()
    assert [os.path.relpath(path, root) for path in opened] == [
        "etc/default/st2actionrunner",
        "etc/st2/st2.conf",
        "srv/st2/lib/python3.8/site-packages/st2common/__init__.py",
    ]
    assert snapshot(root) == before


def snapshot(root):
    return {
        (directory, name): os.lstat(os.path.join(directory, name))[stat.ST_MTIME]
        for directory, directories, files in os.walk(root)
        for name in directories + files
    }
