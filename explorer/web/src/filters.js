// The filters of a report: one list of values for each dimension that is narrowed down.
import { json } from "./api.js";
import { choices } from "./choices.js";
import { MISSING } from "./format.js";
import { write } from "./state.js";

/**
 * @param {HTMLElement} holder @param {string} report @param {object} state its `filter` is kept
 * @param {() => {name: string, title: string}[]} dimensions those of the report as it is now
 */
export function filters(holder, report, state, dimensions, changed) {
  const text = (value) => (value === "" ? `${MISSING} (blank)` : value);
  const shown = new Map();

  function control({ name, title }) {
    return choices({
      label: title,
      none: "any",
      chosen: () => state.filter.get(name) ?? [],
      caption: (values) => `${title}: ${values.length ? values.slice(0, 3).map(text).join(", ") + (values.length > 3 ? ` and ${values.length - 3} more` : "") : "any"}`,
      find: async (search) => {
        const others = { ...state, filter: new Map([...state.filter].filter(([other]) => other !== name)) };
        const query = new URLSearchParams({ dimension: name, search });
        const found = await json(`/api/members?report=${report}&${write(others)}&${query}`);
        return { options: found.members.map((value) => ({ value, title: text(value) })), more: found.more };
      },
      choose: (values) => {
        if (values.length) state.filter.set(name, values);
        else state.filter.delete(name);
        changed();
      },
    });
  }

  function show() {
    const known = new Map(dimensions().map((d) => [d.name, d]));
    shown.clear();
    for (const name of state.filter.keys()) shown.set(name, control(known.get(name) ?? { name, title: name }));
    place();
  }

  function place() {
    holder.hidden = shown.size === 0;
    holder.replaceChildren(...[...shown.values()].map((c) => c.element));
  }

  return {
    show,
    /** Opens the list of a dimension, which need not be filtered yet. */
    open(name) {
      if (!shown.has(name)) {
        shown.set(name, control(dimensions().find((d) => d.name === name)));
        place();
      }
      shown.get(name).open();
    },
  };
}
