# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a host, by unit files."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.services import SENSOR_CONTAINER, has_service


def unit(root, directory, content="[Service]\n"):
    path = root / directory / f"{SENSOR_CONTAINER}.service"
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.symlink_to("/dev/null")
    else:
        path.write_text(content)


@pytest.mark.parametrize("directory", ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"])
def test_a_unit_file_is_a_service(tmp_path, directory):
    assert not has_service(str(tmp_path), SENSOR_CONTAINER)
    unit(tmp_path, directory)
    assert has_service(str(tmp_path), SENSOR_CONTAINER)
    assert not has_service(str(tmp_path), "st2api")


def test_a_masked_service_does_not_run(tmp_path):
    unit(tmp_path, "lib/systemd/system")
    unit(tmp_path, "etc/systemd/system", None)
    assert not has_service(str(tmp_path), SENSOR_CONTAINER)


def test_a_unit_that_is_linked_runs(tmp_path):
    unit(tmp_path, "srv")
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system" / f"{SENSOR_CONTAINER}.service").symlink_to(
        tmp_path / "srv" / f"{SENSOR_CONTAINER}.service"
    )
    assert has_service(str(tmp_path), SENSOR_CONTAINER)
