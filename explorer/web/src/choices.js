// A button that opens a searchable list of checkboxes: customers, providers, the values of a
// dimension, the figures of a report.
import { drop, el } from "./dom.js";

/**
 * @param {object} of
 * @param {string} of.label what is chosen, in words
 * @param {(search: string) => Promise<{options: {value: string, title: string, note?: string}[], more: boolean}>} of.find
 * @param {() => string[]} of.chosen the values chosen now
 * @param {(values: string[]) => void} of.choose called with the values when the list is applied
 * @param {(chosen: string[]) => string} [of.caption] the words of the button
 * @param {string} [of.none] what choosing nothing means
 */
export function choices({ label, find, chosen, choose, caption, none = "all", className = "" }) {
  const button = el("button", { type: "button", className });
  const search = el("input", { type: "search", placeholder: "Search", "aria-label": `Search ${label.toLowerCase()}`, autocomplete: "off" });
  const options = el("div", { className: "options", role: "group", "aria-label": label });
  const apply = el("button", { type: "button", className: "primary", onclick: () => done() }, "Apply");
  const clear = el("button", { type: "button", className: "plain", onclick: () => { picked.clear(); done(); } }, `Clear (${none})`);
  const pane = el("div", { className: "pane", hidden: true }, search, options, el("div", { className: "foot" }, clear, apply));
  const holder = el("div", { className: "drop" }, button, pane);
  const picked = new Map();
  let asked = 0;

  const control = drop(holder, () => {
    picked.clear();
    for (const value of chosen()) picked.set(value, value);
    search.value = "";
    list();
  });

  function done() {
    control.close();
    choose([...picked.keys()]);
  }

  async function list() {
    const mine = ++asked;
    let found;
    try {
      found = await find(search.value.trim());
    } catch (error) {
      found = { options: [], more: false, trouble: error.message };
    }
    if (mine !== asked) return;
    const shown = new Set(found.options.map((option) => option.value));
    const kept = search.value ? [] : [...picked].filter(([value]) => !shown.has(value)).map(([value, title]) => ({ value, title }));
    options.replaceChildren(...[...kept, ...found.options].map(line));
    if (found.trouble) options.append(el("p", { className: "none loss" }, found.trouble));
    else if (!found.options.length) options.append(el("p", { className: "none quiet" }, "Nothing is found."));
    if (found.more) options.append(el("p", { className: "none quiet" }, "There are more: search for them."));
  }

  function line({ value, title, note }) {
    const box = el("input", { type: "checkbox", checked: picked.has(value), onchange: () => (box.checked ? picked.set(value, title) : picked.delete(value)) });
    return el("label", {}, box, el("span", {}, title), note && note !== title ? el("small", {}, note) : null);
  }

  search.addEventListener("input", list);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      done();
    }
  });

  function update() {
    const values = chosen();
    button.textContent = caption ? caption(values) : `${label}: ${values.length === 0 ? none : values.length}`;
  }
  update();
  return { element: holder, update, open: control.open };
}
