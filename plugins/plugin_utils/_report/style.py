# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The style sheet and the script of the page, which stand in the page itself."""

from __future__ import annotations

from pathlib import Path

STYLE = f"""{(Path(__file__).parents[1] / "_index_page" / "common.css").read_text(encoding="utf-8")}
main {{ max-width: 100rem; margin: 0 auto; padding: 1rem; }}
.answer {{ font-size: 1.15rem; font-weight: 600; margin: .5rem 0; overflow-wrap: break-word; }}
form {{ display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: 1rem 0; }}
.matrix {{ overflow: auto; max-height: 80vh; border: 1px solid var(--line); border-radius: .3rem; }}
table {{ border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }}
thead th {{ position: sticky; top: 0; background: var(--bar); z-index: 2; }}
tbody th {{
  position: sticky; left: 0; background: var(--bar); z-index: 1; font-weight: 600; overflow-wrap: break-word;
}}
thead th:first-child {{ left: 0; z-index: 3; }}
td {{ white-space: nowrap; }}
td .note {{ display: block; font-size: .85rem; }}
ul {{ padding-left: 1.2rem; }}
li {{ overflow-wrap: anywhere; }}
@media (max-width: 30rem) {{
  tbody th {{ min-width: 8rem; max-width: 8rem; }}
}}
@media print {{
  form {{ display: none; }}
  .matrix {{ max-height: none; overflow: visible; border: 0; }}
  thead th, tbody th {{ position: static; }}
  td {{ white-space: normal; }}
  tr {{ break-inside: avoid; }}
}}
"""

SCRIPT = """
"use strict";
(function () {
  const form = document.querySelector("form");
  if (!form) { return; }
  const search = form.querySelector("input[type=search]");
  const only = form.querySelector("input[type=checkbox]");
  const count = document.querySelector("output");
  const rows = Array.from(document.querySelectorAll("tbody tr"));
  const heads = Array.from(document.querySelectorAll("thead th")).slice(1);
  function matches(text, words) { return words.every(function (word) { return text.includes(word); }); }
  function filter() {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const packs = heads.map(function (head) { return words.length > 0 && matches(head.dataset.text, words); });
    const named = packs.some(Boolean);
    heads.forEach(function (head, column) {
      const hide = (only.checked && head.dataset.same === "yes") || (named && !packs[column]);
      head.hidden = hide;
      rows.forEach(function (row) { row.cells[column + 1].hidden = hide; });
    });
    let shown = 0;
    rows.forEach(function (row) {
      const hide = (only.checked && row.dataset.same === "yes") || (!named && !matches(row.dataset.text, words));
      row.hidden = hide;
      shown += hide ? 0 : 1;
    });
    count.textContent = shown + " of " + rows.length + " hosts";
  }
  form.hidden = false;
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      filter();
    }
  });
  filter();
})();
"""
