# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests share: one certificate authority, one package index, a scene for each test."""

from __future__ import annotations

import shutil
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.scene import Scene
from infrastructure.servers import CertificateAuthority, PackageIndex


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[PackageIndex]:
    """The packages that virtualenvs are filled with; nothing comes from the internet, pip neither."""
    directory = tmp_path_factory.mktemp("packages")
    import ensurepip

    for wheel in (Path(ensurepip.__file__).parent / "_bundled").glob("*.whl"):
        shutil.copy(wheel, directory)
    with PackageIndex(directory) as index:
        yield index


@pytest.fixture
def make_scene(tmp_path: Path, ca: CertificateAuthority, packages: PackageIndex) -> t.Iterator[t.Callable[..., Scene]]:
    """Make scenes whose host is told something: the arguments are those of `ScratchHost`."""
    made: t.List[Scene] = []

    def make(**host: t.Any) -> Scene:
        made.append(Scene(tmp_path / f"scene-{len(made)}", ca, packages, **host))
        return made[-1]

    yield make
    for scene in made:
        scene.stop()


@pytest.fixture
def scene(make_scene: t.Callable[..., Scene]) -> Scene:
    return make_scene()
