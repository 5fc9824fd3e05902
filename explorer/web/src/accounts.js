// Which customers and providers: the lists that the server knows, by name or id.
import { json } from "./api.js";
import { choices } from "./choices.js";

const TITLES = { customers: "Customers", providers: "Providers" };

/** @param {string[]} sides those that the reader may choose; @param {object} state keeps the ids */
export function accounts(holder, sides, state, changed) {
  const names = new Map();
  const controls = sides.map((side) =>
    choices({
      label: TITLES[side],
      chosen: () => state[side] ?? [],
      caption: (values) => `${TITLES[side]}: ${values.length === 0 ? "all" : values.length <= 2 ? values.map((v) => names.get(v) ?? v).join(", ") : values.length}`,
      find: async (search) => {
        const found = await json(`/api/accounts?${new URLSearchParams({ side, search, limit: 50 })}`);
        for (const { id, name } of found.accounts) names.set(id, name);
        return { options: found.accounts.map(({ id, name }) => ({ value: id, title: name, note: id })), more: found.more };
      },
      choose: (values) => {
        state[side] = values.length ? values : null;
        changed();
      },
    }),
  );
  holder.replaceChildren(...controls.map((c) => c.element));
  return { update: () => controls.forEach((c) => c.update()) };
}
