// The zones of a report: which dimensions make its rows and its columns, which figures it shows.
// Chips are dragged between them; each has a menu that does the same from the keyboard and by touch.
import { drop, el } from "./dom.js";

const ZONES = [
  ["group", "Rows", "Drag dimensions here: one row for each value"],
  ["split", "Columns", "Drag dimensions here: one column for each value"],
  ["figures", "Figures", "Drag figures here"],
  ["pool", "Dimensions", ""],
];

/**
 * @param {HTMLElement} holder
 * @param {object} on
 * @param {(name: string, zone: string, index: number) => void} on.move a chip was put into a zone
 * @param {(name: string) => void} on.filter its values are to be chosen
 * @param {(name: string, descending: boolean) => void} on.sort
 */
export function zones(holder, on) {
  let shown = null;
  let dragged = null;
  const lists = new Map();
  const frames = ZONES.map(([zone, title, hint]) => {
    const list = el("ul", { "aria-label": title });
    const frame = el("div", { className: `zone ${zone}`, "data-zone": zone }, el("h2", {}, title), list);
    lists.set(zone, { list, hint });
    frame.addEventListener("dragover", (event) => {
      if (!dragged || !takes(zone, dragged.zone)) return;
      event.preventDefault();
      mark(frame, list, place(list, event));
    });
    frame.addEventListener("dragleave", (event) => {
      if (!frame.contains(event.relatedTarget)) unmark();
    });
    frame.addEventListener("drop", (event) => {
      if (!dragged || !takes(zone, dragged.zone)) return;
      event.preventDefault();
      const index = place(list, event);
      const { name } = dragged;
      unmark();
      put(name, zone, index);
    });
    return frame;
  });
  holder.replaceChildren(...frames);

  // A figure stays a figure; dimensions go between the other three.
  function takes(zone, from) {
    return (zone === "figures") === (from === "figures");
  }

  // Among which chips the pointer is: the index that a chip dropped here would get.
  function place(list, { clientX: x, clientY: y }) {
    const chips = [...list.querySelectorAll("[data-chip]")];
    const at = chips.findIndex((chip) => {
      const box = chip.getBoundingClientRect();
      return y < box.top || (y <= box.bottom && x < box.left + box.width / 2);
    });
    return at < 0 ? chips.length : at;
  }

  function mark(frame, list, index) {
    unmark();
    frame.classList.add("over");
    list.querySelectorAll("[data-chip]")[index]?.classList.add("before");
  }

  function unmark() {
    for (const marked of holder.querySelectorAll(".over, .before")) marked.classList.remove("over", "before");
  }

  function put(name, zone, index) {
    const from = ["group", "split", "figures"].find((z) => shown[z].some((c) => c.name === name)) ?? "pool";
    const was = from === zone ? shown[zone].findIndex((c) => c.name === name) : -1;
    // Its own place is taken out before it is put in.
    on.move(name, zone, was >= 0 && was < index ? index - 1 : index);
    holder.querySelector(`[data-chip="${CSS.escape(name)}"] > button`)?.focus();
  }

  function chip(item, zone, index, length) {
    const menu = el("div", { className: "pane menu", hidden: true });
    const mark = item.sorted ? (item.sorted === "-" ? " ↓" : " ↑") : "";
    const button = el("button", { type: "button", draggable: true, "aria-haspopup": "true" }, item.title, mark ? el("small", {}, mark) : null);
    const holder = el("li", { className: `chip drop${item.filtered ? " filtered" : ""}`, "data-chip": item.name }, button, menu);
    button.addEventListener("dragstart", (event) => {
      dragged = { name: item.name, zone };
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", item.title);
    });
    button.addEventListener("dragend", () => {
      dragged = null;
      unmark();
    });
    const control = drop(holder, () => menu.replaceChildren(...items()));
    const does = (words, action) => el("button", { type: "button", onclick: () => { control.close(); action(); } }, words);

    function items() {
      const { name } = item;
      const list = [];
      if (item.definition) list.push(el("p", {}, item.definition));
      if (zone !== "pool" && index > 0) list.push(does("Move earlier", () => put(name, zone, index - 1)));
      if (zone !== "pool" && index < length - 1) list.push(does("Move later", () => put(name, zone, index + 2)));
      if (zone === "split" || zone === "pool") list.push(does("Move to the rows", () => put(name, "group", shown.group.length)));
      if (zone === "group" || zone === "pool") list.push(does("Move to the columns", () => put(name, "split", shown.split.length)));
      if (zone === "figures" || zone === "group") {
        list.push(does(zone === "group" ? "Sort Z to A" : "Sort from the largest", () => on.sort(name, true)));
        list.push(does(zone === "group" ? "Sort A to Z" : "Sort from the smallest", () => on.sort(name, false)));
      }
      if (zone !== "figures") list.push(does("Filter…", () => on.filter(name)));
      if (zone !== "pool" && !(zone === "figures" && length === 1)) list.push(does("Remove", () => put(name, "pool", 0)));
      return list;
    }
    return holder;
  }

  return {
    /** @param {{group, split, figures, pool}} items lists of {name, title, definition, filtered, sorted} */
    show(items, extra) {
      const focused = document.activeElement?.closest?.("[data-chip]")?.dataset.chip;
      shown = items;
      for (const [zone, { list, hint }] of lists) {
        list.replaceChildren(...items[zone].map((item, i) => chip(item, zone, i, items[zone].length)));
        if (!items[zone].length && hint) list.append(el("li", { className: "hint" }, hint));
        if (zone === "figures" && extra) list.append(el("li", {}, extra));
      }
      if (focused) holder.querySelector(`[data-chip="${CSS.escape(focused)}"] > button`)?.focus();
    },
  };
}
