# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values, and schemas for some of them, made by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

KEYS = ("a", "b", "name", "url", "password", "x-y", "on", "0", "a: b", "# c")
TEXTS = st.one_of(
    st.sampled_from(
        ["", "true", "1", "null", "~", "{{ st2kv.system.x }}", "2026-01-31", "a\nb\n", " x ", "#", "é", "- a", "|"]
    ),
    st.text(max_size=8).filter(lambda text: text.isprintable()),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5000), st.floats(-10, 10, allow_nan=False, width=32), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=8,
)
CONFIGS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)
