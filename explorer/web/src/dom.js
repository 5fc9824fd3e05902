// Small helpers over the DOM. No HTML is made from text anywhere: what the server says stays text.

/** An element: `el("button", {type: "button", onclick: f}, "Words", child)`. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const $ = (id) => document.getElementById(id);

/** Fills a select: pairs of value and title. */
export function fill(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, title]) => el("option", { value, textContent: title, selected: value === chosen })));
}

/** Shows a list of notices, or hides it. */
export function notices(list, texts) {
  list.hidden = texts.length === 0;
  list.replaceChildren(...texts.map((text) => el("li", {}, text)));
}

let opened = null;

/**
 * Makes the button of a `.drop` open and close its pane. Escape and a click elsewhere close it;
 * arrow keys walk through a menu.
 * @param {() => void} [fillIt] called before it opens
 */
export function drop(holder, fillIt) {
  const button = holder.querySelector("button");
  const pane = holder.querySelector(".pane");
  button.setAttribute("aria-expanded", "false");
  const close = (focus = true) => {
    if (pane.hidden) return;
    pane.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (opened === close) opened = null;
    if (focus) button.focus();
  };
  const open = () => {
    opened?.(false);
    fillIt?.();
    pane.hidden = false;
    opened = close;
    button.setAttribute("aria-expanded", "true");
    within(pane);
    (pane.querySelector("input[type=search]") ?? pane.querySelector("a, button, input"))?.focus();
  };
  button.addEventListener("click", () => (pane.hidden ? open() : close()));
  holder.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !pane.hidden) {
      event.stopPropagation();
      close();
    } else if (pane.classList.contains("menu") && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const items = [...pane.querySelectorAll("a, button")].filter((item) => !item.disabled);
      const at = items.indexOf(document.activeElement);
      if (at >= 0) {
        event.preventDefault();
        items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
      }
    }
  });
  return { close, open };
}

document.addEventListener("pointerdown", (event) => {
  if (opened && !event.target.closest?.(".drop")) opened(false);
});

// A pane that would stand out of the window is moved into it.
function within(pane) {
  pane.style.translate = "none";
  const { left, right } = pane.getBoundingClientRect();
  const room = document.documentElement.clientWidth - 8;
  const by = right > room ? room - right : left < 8 ? 8 - left : 0;
  if (by) pane.style.translate = `${Math.round(by)}px 0`;
}
