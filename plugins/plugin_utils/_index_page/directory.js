/*
 * Copyright: Contributors to the stackstorm.st2 project
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* What is filtered and copied. All that can be read is in the pages themselves, which do without this script. */

"use strict";
(function () {
  const MOST_ACTIONS = 50;
  const MOST_KEYWORDS = 20;
  const here = document.currentScript.src;

  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  function all(selector, below) {
    return Array.from((below || document).querySelectorAll(selector));
  }

  /* Words in lower case, split where names are: at punctuation, and where a capital follows. */
  function parts(text) {
    return text.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  }

  function words(text) {
    return text.toLowerCase().split(/\s+/).filter(Boolean);
  }

  function number(count, what) {
    return count.toLocaleString("en") + " " + what + (count === 1 ? "" : "s");
  }

  /* Keys: a slash leads to the search, Escape clears it. */
  function keys(search, filter) {
    document.addEventListener("keydown", function (event) {
      const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === "Escape" && event.target === search) {
        event.preventDefault();
        search.value = "";
        filter();
      }
    });
  }

  /* The list of packs */

  function directory(form) {
    const root = document.documentElement;
    const search = form.querySelector("#q");
    const list = document.querySelector(".packs");
    const status = document.querySelector(".status");
    const foundActions = document.querySelector("#actions");
    const packs = all(".pack", list).map(function (element, position) {
      return {
        id: position,
        element: element,
        ref: element.dataset.ref,
        name: element.dataset.name,
        description: element.querySelector(".description").textContent,
        keywords: all(".keywords a", element).map(function (link) { return link.textContent; }),
        kinds: element.dataset.kinds.split(" ").filter(Boolean),
        text: element.textContent.toLowerCase(),
      };
    });
    const byRef = new Map(packs.map(function (pack) { return [pack.ref, pack]; }));
    const facets = [
      facet("kind", document.querySelector("#kinds"), function (pack) { return pack.kinds; }),
      facet("k", document.querySelector("#keywords"), function (pack) { return pack.keywords; }),
    ];
    let index = null;
    let actions = null;

    /* One group of check boxes: what they say, which are ticked, and how many packs each would show. */
    function facet(key, place, valuesOf) {
      const boxes = new Map();
      const total = new Map();
      packs.forEach(function (pack) {
        new Set(valuesOf(pack)).forEach(function (value) { total.set(value, (total.get(value) || 0) + 1); });
      });
      Array.from(total.keys()).sort(function (one, other) {
        return total.get(other) - total.get(one) || (one < other ? -1 : 1);
      }).forEach(function (value) {
        const box = make("input", {type: "checkbox", value: value});
        const count = make("span", {className: "count"});
        const label = make("label", {}, box, make("span", {textContent: value}), count);
        box.addEventListener("change", filter);
        boxes.set(value, {box: box, count: count, label: label, left: 0});
        place.append(label);
      });
      const narrow = place.querySelector("input[type=search]");
      if (narrow) { narrow.addEventListener("input", function () { show(new Map()); }); }

      function ticked() {
        return Array.from(boxes.keys()).filter(function (value) { return boxes.get(value).box.checked; });
      }

      function has(pack, chosen) {
        return chosen.length === 0 || valuesOf(pack).some(function (value) { return chosen.includes(value); });
      }

      function show(counts) {
        const wanted = narrow ? words(narrow.value) : [];
        let shown = 0;
        boxes.forEach(function (one, value) {
          if (counts.size) { one.left = counts.get(value) || 0; }
          one.count.textContent = one.left.toLocaleString("en");
          one.label.classList.toggle("none", one.left === 0);
          const fits = (one.left > 0 || !narrow) && wanted.every(function (word) {
            return value.toLowerCase().includes(word);
          });
          const show = one.box.checked || (fits && (!narrow || shown < MOST_KEYWORDS));
          shown += show ? 1 : 0;
          one.label.hidden = !show;
        });
      }

      return {
        key: key, boxes: boxes, ticked: ticked, has: has,
        count: function (candidates) {
          const counts = new Map([["", 0]]);
          candidates.forEach(function (pack) {
            new Set(valuesOf(pack)).forEach(function (value) { counts.set(value, (counts.get(value) || 0) + 1); });
          });
          show(counts);
        },
      };
    }

    /* The packs that a query finds, best first, and whether not all of its words could be found in one. */
    function find(query) {
      const wanted = words(query);
      if (wanted.length === 0) { return {packs: packs, some: false}; }
      if (index === null) {
        return {
          some: false,
          packs: packs.filter(function (pack) {
            return wanted.every(function (word) { return pack.text.includes(word); });
          }),
        };
      }
      for (const combineWith of ["AND", "OR"]) {
        const hits = index.search(query, {combineWith: combineWith});
        if (hits.length) {
          return {packs: hits.map(function (hit) { return packs[hit.id]; }), some: combineWith === "OR"};
        }
      }
      return {packs: [], some: false};
    }

    function filter() {
      const found = find(search.value);
      const chosen = facets.map(function (one) { return one.ticked(); });
      const shown = found.packs.filter(function (pack) {
        return facets.every(function (one, at) { return one.has(pack, chosen[at]); });
      });
      facets.forEach(function (one, at) {
        one.count(found.packs.filter(function (pack) {
          return facets.every(function (other, place) { return place === at || other.has(pack, chosen[place]); });
        }));
      });
      const visible = new Set(shown);
      packs.forEach(function (pack) { pack.element.hidden = !visible.has(pack); });
      list.append(...shown.map(function (pack) { return pack.element; }));
      const hits = showActions(new Set(packs.filter(function (pack) {
        return facets.every(function (one, at) { return one.has(pack, chosen[at]); });
      })));
      /* Actions that have all words come before packs that have not. */
      foundActions.parentNode.insertBefore(found.some && hits ? foundActions : list.parentNode, status.nextSibling);
      status.textContent = (shown.length === packs.length ? number(packs.length, "pack")
        : shown.length.toLocaleString("en") + " of " + number(packs.length, "pack"));
      if (hits) { status.append(" · ", make("a", {href: "#actions", textContent: number(hits, "action")})); }
      if (found.some) { status.append(". No pack has all of these words; these have some of them."); }
      remember(chosen);
    }

    /* Shows actions that have every word somewhere in their names or descriptions; returns how many there are. */
    function showActions(allowed) {
      const wanted = words(search.value);
      const place = foundActions.querySelector("ul");
      if (wanted.length === 0) {
        foundActions.hidden = true;
        place.replaceChildren();
        return 0;
      }
      if (actions === null) {
        load();
        return 0;
      }
      const hits = actions.filter(function (action) {
        return allowed.has(action.pack) && wanted.every(function (word) { return action.text.includes(word); });
      });
      foundActions.hidden = hits.length === 0;
      foundActions.querySelector(".count").textContent = hits.length > MOST_ACTIONS
        ? "the first " + MOST_ACTIONS + " of " + hits.length.toLocaleString("en") : hits.length.toLocaleString("en");
      place.replaceChildren(...hits.slice(0, MOST_ACTIONS).map(function (action) {
        const link = action.pack.element.querySelector("h2 a").getAttribute("href");
        const item = make("li", {}, make("a", {
          className: "mono", textContent: action.pack.ref + "." + action.name,
          href: link + "#action-" + encodeURIComponent(action.name),
        }));
        if (action.description) { item.append(make("p", {textContent: action.description})); }
        return item;
      }));
      return hits.length;
    }

    /* The names of all actions, when they are needed first. As a script, since pages in files may read nothing else. */
    function load() {
      if (load.begun) { return; }
      load.begun = true;
      const script = make("script", {src: new URL("actions.js", here).href});
      script.addEventListener("load", function () {
        actions = [];
        window.st2Actions.forEach(function (one) {
          const pack = byRef.get(one[0]);
          one[1].forEach(function (action) {
            const text = (one[0] + "." + action[0] + " " + action[1]).toLowerCase();
            if (pack) { actions.push({pack: pack, name: action[0], description: action[1], text: text}); }
          });
        });
        filter();
      });
      document.head.append(script);
    }

    /* What is looked for is in the address, so that it can be sent to others. */
    function remember(chosen) {
      const query = new URLSearchParams();
      if (search.value.trim()) { query.set("q", search.value.trim()); }
      facets.forEach(function (one, at) { chosen[at].forEach(function (value) { query.append(one.key, value); }); });
      const text = query.toString();
      try {
        history.replaceState(null, "", location.pathname + (text ? "?" + text : ""));
      } catch (error) {
        /* Some browsers allow no other addresses for pages in files. */
      }
    }

    function recall() {
      const query = new URLSearchParams(location.search);
      search.value = query.get("q") || "";
      facets.forEach(function (one) {
        const wanted = query.getAll(one.key);
        one.boxes.forEach(function (entry, value) { entry.box.checked = wanted.includes(value); });
      });
    }

    /* The index is made in steps, between which the page answers; until it is there, words are looked for as they are. */
    function makeIndex() {
      if (!window.MiniSearch) { return; }
      const made = new window.MiniSearch({
        fields: ["ref", "name", "keywords", "description"],
        tokenize: parts,
        extractField: function (pack, field) {
          const value = pack[field];
          return Array.isArray(value) ? value.join(" ") : value;
        },
        searchOptions: {
          boost: {ref: 4, name: 3, keywords: 2},
          prefix: true,
          fuzzy: function (term) { return term.length > 4 ? 0.2 : false; },
        },
      });
      made.addAllAsync(packs, {chunkSize: 10}).then(function () {
        index = made;
        root.dataset.ready = "yes";
        if (search.value.trim()) { filter(); }
      });
    }

    root.classList.add("filtered");
    const wide = window.matchMedia("(min-width: 52.01rem)");
    const details = document.querySelector(".facets details");
    details.open = wide.matches;
    wide.addEventListener("change", function () { details.open = wide.matches; });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    search.addEventListener("focus", load);
    search.addEventListener("input", filter);
    list.addEventListener("click", function (event) {
      const link = event.target.closest(".keywords a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
      event.preventDefault();
      facets[1].boxes.get(link.textContent).box.checked = true;
      filter();
      window.scrollTo(0, 0);
    });
    window.addEventListener("popstate", function () { recall(); filter(); });
    keys(search, filter);
    recall();
    filter();
    makeIndex();
  }

  /* The page of a pack */

  function copying() {
    all("[data-copy]").forEach(function (place) {
      const text = document.getElementById(place.dataset.copy);
      const button = make("button", {type: "button", textContent: "Copy"});
      button.setAttribute("aria-label", "Copy: " + place.dataset.label);
      button.addEventListener("click", function () {
        copy(text).then(function (done) {
          button.textContent = done ? "Copied" : "Select and copy it";
          setTimeout(function () { button.textContent = "Copy"; }, 2000);
        });
      });
      place.append(button);
    });
  }

  function copy(element) {
    function selected() {
      window.getSelection().selectAllChildren(element);
      return document.execCommand("copy");
    }
    if (!navigator.clipboard) { return Promise.resolve(selected()); }
    return navigator.clipboard.writeText(element.textContent).then(function () { return true; }, selected);
  }

  function filtering(search) {
    const items = all("#actions > li");
    const texts = items.map(function (item) {
      return all(".name, .what", item).map(function (one) { return one.textContent; }).join(" ").toLowerCase();
    });
    const status = document.querySelector(".status");
    function filter() {
      const wanted = words(search.value);
      let shown = 0;
      items.forEach(function (item, at) {
        item.hidden = !wanted.every(function (word) { return texts[at].includes(word); });
        shown += item.hidden ? 0 : 1;
      });
      status.textContent = wanted.length ? shown.toLocaleString("en") + " of " + number(items.length, "action") : "";
    }
    search.addEventListener("input", filter);
    keys(search, filter);
  }

  function opening() {
    function reveal() {
      const target = location.hash && document.getElementById(location.hash.slice(1));
      if (target instanceof HTMLDetailsElement) {
        target.open = true;
        /* What is not drawn yet has no height: once more, when it has. */
        [0, 100].forEach(function (later) {
          setTimeout(function () { target.scrollIntoView({block: "start", behavior: "instant"}); }, later);
        });
      }
    }
    let opened = [];
    window.addEventListener("hashchange", reveal);
    window.addEventListener("beforeprint", function () {
      opened = all("details:not([open])");
      opened.forEach(function (one) { one.open = true; });
    });
    window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });
    reveal();
  }

  all("[data-script]").forEach(function (element) { element.hidden = false; });
  const form = document.querySelector("form.search");
  if (form) { directory(form); }
  copying();
  const search = document.querySelector("#filter");
  if (search) { filtering(search); }
  opening();
})();
