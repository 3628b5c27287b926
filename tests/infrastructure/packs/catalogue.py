# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of quirks: small packs, each with one thing that real packs do, or that a pack must not do."""

from __future__ import annotations

import dataclasses
import typing as t

from . import content_forms, metadata_forms, schema_forms
from .form import Form
from .tree import PackTree


@dataclasses.dataclass(frozen=True)
class Quirk:
    """One entry of the catalogue.

    * ``name``: lower-case words with dashes; its pack's ref is the same with underscores, unless ``ref`` differs.
    * ``valid``: whether an installer that follows StackStorm 3.9.0, and the collection's own promises, takes it.
    * ``reason``: why, a fragment that follows "because".
    * ``compatible``: false where the pack refuses StackStorm 3.9.0 on Python 3, which only ``force`` accepts.
    * ``settled``: false where StackStorm's parts disagree, or the contract leaves the decision open.
    * ``ref``: the ref it installs as; None for packs that have no usable one.
    * ``topic``: its matter: ``pack.yaml``, ``config.schema.yaml``, ``requirements.txt``, ``resources``, ``files``.
    """

    name: str
    topic: str
    valid: bool
    reason: str
    ref: t.Optional[str]
    compatible: bool
    settled: bool
    make: t.Callable[[], PackTree] = dataclasses.field(repr=False)

    def tree(self) -> PackTree:
        """Return the pack, built anew."""
        return self.make()


def _quirk(form: Form) -> Quirk:
    ref = form.name.replace("-", "_")

    def make() -> PackTree:
        tree = PackTree(ref, minimal=True)
        form.change(tree)
        return tree

    found = ref if form.ref is None and form.valid else form.ref
    return Quirk(form.name, form.topic, form.valid, form.reason, found, form.compatible, form.settled, make)


QUIRKS: t.Mapping[str, Quirk] = {
    form.name: _quirk(form)
    for forms in (metadata_forms.FORMS, schema_forms.FORMS, content_forms.FORMS)
    for form in forms
}
"""Every quirk by its name."""


def quirk(name: str) -> PackTree:
    """Return the pack of one quirk. Raises KeyError for a name the catalogue does not have."""
    return QUIRKS[name].tree()


def quirks(
    valid: t.Optional[bool] = None, topic: t.Optional[str] = None, settled: t.Optional[bool] = True
) -> t.List[Quirk]:
    """Return the quirks that are (not) valid, of one topic, and settled; None leaves a condition out."""
    return [
        entry
        for entry in QUIRKS.values()
        if valid in (None, entry.valid) and topic in (None, entry.topic) and settled in (None, entry.settled)
    ]
