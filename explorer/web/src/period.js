// The days of a page: presets and two dates.
import { fill } from "./dom.js";

/**
 * Where the address says no days: the last seven, or the newest seven that there are when no call
 * is as new as that.
 */
export function anyDays(state, { today, last_day: newest }) {
  if (state.last || state.from || state.to) return;
  const back = (day, by) => new Date(Date.parse(day) - by * 86_400_000).toISOString().slice(0, 10);
  if (!newest || newest >= back(today, 7)) state.last = "7d";
  else [state.from, state.to] = [back(newest, 6), newest];
}

/**
 * @param {HTMLSelectElement} last @param {HTMLInputElement} from @param {HTMLInputElement} to
 * @param {{last: string, title: string, first: string, end: string}[]} presets and their days
 * @param {object} state its `last`, `from` and `to` are kept
 * @param {() => void} changed
 */
export function period(last, from, to, presets, state, changed) {
  const known = presets.map((p) => [p.last, p.title]);
  last.addEventListener("change", () => {
    state.last = last.value;
    if (state.last) changed();
    else from.focus();
  });
  for (const [input, name] of [[from, "from"], [to, "to"]]) {
    input.addEventListener("change", () => {
      if (!input.value) return;
      state.last = last.value = "";
      state.from = from.value;
      state.to = to.value;
      // One day past the other moves that one along, instead of asking for no days at all.
      if (state.from > state.to) state.from = state.to = from.value = to.value = state[name] = input.value;
      changed();
    });
  }
  function put(first, end) {
    const pairs = known.some(([value]) => value === state.last) || !state.last ? known : [[state.last, state.last], ...known];
    fill(last, [["", "chosen days"], ...pairs], state.last);
    from.value = first;
    to.value = end;
  }
  return {
    /** Shows what the server made of it. */
    show({ first, last: end }) {
      put(first, end);
      state.from = first;
      state.to = end;
    },
    /** Shows what was asked for, where the server has made nothing of it (yet). */
    asked() {
      const preset = presets.find((p) => p.last === state.last);
      if (preset) put(preset.first, preset.end);
      else if (!state.last) put(state.from, state.to);
      else put("", "");
    },
  };
}
