# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What services get when they start, by the units of StackStorm's packages."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.service_start import read_service_start

BIN = "/opt/stackstorm/st2/bin"
API = f"""[Service]
Environment="DAEMON_ARGS=-k eventlet -b 127.0.0.1:9101 --log-config /etc/st2/logging.api.gunicorn.conf"
EnvironmentFile=-/etc/default/st2api
ExecStart={BIN}/gunicorn st2api.wsgi:application $DAEMON_ARGS
"""
SENSORS = f"""[Service]
Environment="DAEMON_ARGS=--config-file /etc/st2/st2.conf"
EnvironmentFile=-/etc/sysconfig/st2sensorcontainer
ExecStart={BIN}/st2sensorcontainer $DAEMON_ARGS
"""
RUNNER = f"""[Service]
Environment="DAEMON_ARGS=--config-file /etc/st2/st2.conf"
Environment="WORKERID=%i"
EnvironmentFile=-/etc/default/st2actionrunner
ExecStart={BIN}/st2actionrunner $DAEMON_ARGS
"""
STARTER = """[Service]
Type=oneshot
EnvironmentFile=-/etc/default/st2actionrunner
ExecStart=/bin/bash /opt/stackstorm/st2/bin/runners.sh start
"""
ST2_CONF = "/etc/st2/st2.conf"


@pytest.fixture
def root(tmp_path):
    for name, text in (
        ("st2api", API),
        ("st2sensorcontainer", SENSORS),
        ("st2actionrunner@", RUNNER),
        ("st2actionrunner", STARTER),
    ):
        write(tmp_path, f"lib/systemd/system/{name}.service", text)
    return tmp_path


def write(root, path, text):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def conf_files(root, name):
    found = read_service_start(str(root), name).conf_files
    return found and tuple(one[len(str(root)) :] for one in found)


@pytest.mark.parametrize("name", ["st2api", "st2sensorcontainer", "st2actionrunner"])
def test_as_packaged_a_service_reads_st2_conf_alone(root, name):
    assert conf_files(root, name) == (ST2_CONF,)


def test_variables_say_where_they_come_from(root):
    start = read_service_start(str(root), "st2actionrunner")
    unit = f"{root}/lib/systemd/system/st2actionrunner@.service"
    assert start.variables["WORKERID"] == ("1", unit) and set(start.variables) == {"DAEMON_ARGS", "WORKERID"}
    assert "--config-file" not in repr(start)
    file = write(root, "etc/default/st2actionrunner", "# c\nST2_A__B='x y'\nWORKERID=2\n")
    start = read_service_start(str(root), "st2actionrunner")
    assert start.variables["ST2_A__B"] == ("x y", file) and start.variables["WORKERID"] == ("2", file)
    assert "ST2_A__B" not in read_service_start(str(root), "st2api").variables


def test_an_addition_adds_and_takes_back(root):
    addition = write(root, "etc/systemd/system/st2api.service.d/a.conf", "[Service]\nEnvironment=ST2_A__B=1 C=2\n")
    assert read_service_start(str(root), "st2api").variables["ST2_A__B"] == ("1", addition)
    write(root, "etc/systemd/system/st2api.service.d/b.conf", "[Service]\nEnvironment=\nEnvironment=D=1\n")
    assert set(read_service_start(str(root), "st2api").variables) == {"D"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--config-file /etc/st2/st2.conf --config-file=/etc/st2/more.conf", (ST2_CONF, "/etc/st2/more.conf")),
        (
            "--config-dir /etc/st2/d --config-file /etc/st2/st2.conf",
            ("/etc/st2/d/1.conf", "/etc/st2/d/2.conf", ST2_CONF),
        ),
        ("--config-file", ("",)),
        ("--debug", (ST2_CONF, "/etc/st2sensorcontainer.conf.d/x.conf")),
    ],
)
def test_the_command_line_says_what_is_read(root, arguments, expected):
    for path in ("etc/st2/d/2.conf", "etc/st2/d/1.conf", "etc/st2/d/3.txt", "etc/st2sensorcontainer.conf.d/x.conf"):
        write(root, path, "")
    write(root, "etc/sysconfig/st2sensorcontainer", f'DAEMON_ARGS="{arguments}"\n')
    assert conf_files(root, "st2sensorcontainer") == expected


def test_references_in_a_command(root):
    write(
        root,
        "etc/systemd/system/st2sensorcontainer.service",
        "[Service]\nEnvironment=A=x 'B=--config-file /b'\n"
        "ExecStart=/first --config-file /no\nExecStart=\nExecStart=-@/st2 ${A} $NONE --config-file=/${A}${C} $B\n",
    )
    assert conf_files(root, "st2sensorcontainer") == ("/x", "/b")


def test_st2_config_path_moves_the_file(root):
    write(root, "etc/default/st2api", "ST2_CONFIG_PATH=/srv/st2.conf\n")
    assert conf_files(root, "st2api") == ("/srv/st2.conf",)


def test_without_a_unit_there_is_the_environment_file(root):
    assert read_service_start(str(root), "st2stream").variables == {}
    file = write(root, "etc/sysconfig/st2stream", "A=1\n")
    start = read_service_start(str(root), "st2stream")
    assert start.variables == {"A": ("1", file)} and start.conf_files is None


def test_a_masked_service_has_no_start(root):
    (root / "etc/systemd/system").mkdir(parents=True)
    for name in ("st2api", "st2actionrunner"):
        os.symlink(os.devnull, root / f"etc/systemd/system/{name}.service")
        assert read_service_start(str(root), name) is None
    os.symlink(os.devnull, root / "etc/systemd/system/st2stream@.service")
    assert read_service_start(str(root), "st2stream") is None
