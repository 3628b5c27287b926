# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that means harm: what would run something, fill the memory, or never end."""

from __future__ import annotations

import typing as t

Bytes = t.Callable[[], bytes]


def _laughs() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def _merges() -> bytes:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    return "\n".join(lines).encode()


def _alike() -> bytes:
    return b"".join(b"? 0x%x\n: x\n" % ((2**61 - 1) * n) for n in range(1, 60_000))


BOMBS: t.Mapping[str, t.Tuple[Bytes, str]] = {
    "python-call": (
        lambda: b"name: !!python/object/apply:os.system ['touch RAN']\n",
        "could not determine a constructor",
    ),
    "python-new": (lambda: b"name: !!python/object/new:subprocess.Popen [['RAN']]\n", "could not determine a constr"),
    "python-module": (lambda: b"name: !!python/module:antigravity\n", "could not determine a constructor"),
    "python-name": (lambda: b"!!python/name:os.system {a: 1}\n", "could not determine a constructor"),
    "own-tag": (lambda: b"name: !evil x\n", "could not determine a constructor"),
    "uri-tag": (lambda: b"name: !<tag:evil.example,2000:x> x\n", "could not determine a constructor"),
    "bad-int": (lambda: b"name: !!int x\n", "not what its form or its tag promises"),
    "bad-date": (lambda: b"name: 2001-99-99\n", "not what its form or its tag promises"),
    "bad-binary": (lambda: b"name: !!binary '\xc3\xa9'\n", "failed to|not what its form"),
    "laughs": (_laughs, "aliases stand for more than"),
    "merges": (_merges, "aliases stand for more than"),
    "circle": (lambda: b"name: &a [*a]\n", "a part of"),
    "circle-key": (lambda: b"? &a {x: *a}\n: y\n", "a part of|unhashable"),
    "list-key": (lambda: b"? [a, b]\n: y\n", "unhashable"),
    "unknown-alias": (lambda: b"name: *nothing\n", "undefined alias"),
    "brackets": (lambda: b"[" * 200_000, "nested too deeply"),
    "braces": (lambda: b"{a: " * 200_000, "nested too deeply"),
    "dashes": (lambda: b"- " * 200_000 + b"x", "nested too deeply"),
    "questions": (lambda: b"? " * 200_000 + b"x", "nested too deeply"),
    "indentation": (lambda: b"".join(b" " * n + b"a:\n" for n in range(1500)), "nested too deeply"),
    "digits": (lambda: b"name: " + b"9" * 3_000_000 + b"\n", "thousands of digits"),
    "sexagesimal": (lambda: b"name: " + b"1:" * 500_000 + b"1\n", "thousands of digits"),
    "hexadecimal": (lambda: b"name: 0x" + b"f" * 4900 + b"\n", "thousands of digits"),
    "binary": (lambda: b"name: 0b" + b"1" * 40_000 + b"\n", "thousands of digits"),
    "octal": (lambda: b"name: 0" + b"7" * 4990 + b"\n", "thousands of digits"),
    "hexadecimal-key": (lambda: b"? 0x" + b"f" * 4900 + b"\n: x\n", "thousands of digits"),
    "alike": (_alike, "numbers as keys|more than 200000 values"),
    "values": (lambda: b"name: [" + b"a," * 2_000_000 + b"a]\n", "more than 200000 values"),
    "keys": (lambda: b"".join(b"k%d: x\n" % n for n in range(300_000)), "more than 200000 values"),
    "huge": (lambda: b"# " + b"x" * (5 << 20), "has more than 4194304 bytes"),
    "documents": (lambda: b"---\na: 1\n---\na: 2\n", "another document|single document"),
    "many-documents": (lambda: b"--- x\n" * 400_000, "document|more than 200000 values"),
    "truncated": (lambda: b"name: [a, b", "did not find expected|expected ',' or ']'"),
    "unclosed-quote": (lambda: b"name: 'abc\n", "unexpected end of stream"),
    "tab": (lambda: b"a:\n\tb: 1\n", "cannot start any token"),
    "nul": (lambda: b"name: a\0b\n", "control character"),
    "escape": (lambda: b"name: a\x1b[2Jb\n", "control character"),
    "latin-1": (lambda: b"name: caf\xe9\n", "not UTF-8"),
    "utf-16": (lambda: "name: x\n".encode("utf-16"), "not UTF-8"),
    "surrogate": (lambda: b"name: \xed\xa0\x80\n", "not UTF-8"),
    "overlong": (lambda: b"name: \xc0\xafetc\n", "not UTF-8"),
    "directive": (lambda: b"%YAML 9.9\n---\na: 1\n", "incompatible YAML document"),
    "undefined-handle": (lambda: b"name: !x!y z\n", "undefined tag handle"),
    "nothing": (lambda: b"", "empty"),
    "comment": (lambda: b"# only\n", "empty"),
    "list": (lambda: b"- a\n", "mapping"),
    "text": (lambda: b"just text\n", "mapping"),
    "number": (lambda: b"42\n", "mapping"),
}
"""Each with what is said about it wherever it stands in a pack."""

WRONG: t.Mapping[str, t.Any] = {
    "number": 42,
    "float": 1.5,
    "truth": True,
    "null": None,
    "list": ["x"],
    "nested-list": [["x"]],
    "mapping": {"x": "y"},
    "list-of-mappings": [{"x": "y"}],
    "long": "x" * 100_000,
    "escape": "\x1b]0;x\x07",
    "newline": "1.0.0\n",
    "full-width": "\uff11.\uff10.\uff10",
}
"""Values that hardly any key may have."""
