// The state of a page and the query string that holds it: the address bar, the API, a download and
// the schedule form all read the same one.

const LISTS = ["group", "split", "columns", "customers", "providers", "sort"];
const WORDS = ["choice", "from", "to", "last", "currency", "compare", "top", "as"];
// What only the page knows: how the rows are shown.
const SHOWN = ["view", "figure"];

/** `a,"b, c"` as ["a", "b, c"]: CSV quoting, as on the command line. */
export function split(text) {
  const values = [];
  let value = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') value += c;
      else if (text[i + 1] === '"') value += text[++i];
      else quoted = false;
    } else if (c === '"' && value === "") quoted = true;
    else if (c === ",") {
      values.push(value);
      value = "";
    } else value += c;
  }
  values.push(value);
  return values;
}

/** The reverse of `split`. */
export function join(values) {
  return values.map((v) => (/[",\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v)).join(",");
}

/**
 * The state that a query string says. A list that it does not name is null (the report's own), one
 * that it names empty is []. `filter` maps a dimension to its values, `number` is text.
 */
export function read(search) {
  const query = new URLSearchParams(search);
  const state = { filter: new Map(), number: query.getAll("number").join("\n") };
  for (const name of LISTS) {
    const given = query.getAll(name);
    state[name] = given.length ? given.flatMap(split).filter((v) => v !== "") : null;
  }
  for (const name of [...WORDS, ...SHOWN]) state[name] = query.get(name) ?? "";
  for (const given of query.getAll("filter")) {
    const at = given.indexOf("=");
    if (at > 0) state.filter.set(given.slice(0, at), split(given.slice(at + 1)));
  }
  state.split ??= [];
  return state;
}

/**
 * The query string of a state, without a leading `?`.
 * @param {{shown?: boolean}} options whether what only the page knows is in it (the address bar)
 */
export function write(state, { shown = false } = {}) {
  const query = new URLSearchParams();
  for (const name of WORDS) if (state[name] && !(state.last && (name === "from" || name === "to"))) query.set(name, state[name]);
  for (const name of LISTS) {
    const list = state[name];
    if (list?.length || (list && (name === "group" || name === "columns"))) query.set(name, join(list));
  }
  for (const [name, values] of state.filter) query.append("filter", `${name}=${join(values)}`);
  for (const number of numbers(state.number)) query.append("number", number);
  if (shown) for (const name of SHOWN) if (state[name]) query.set(name, state[name]);
  // Commas and a few others are lawful in a query, and a link that can be read is a kinder one.
  return query.toString().replaceAll("%2C", ",").replaceAll("%3D", "=").replaceAll("%3A", ":");
}

/**
 * Gives the menu's links to reports and calls the days and accounts of a state: who goes from one
 * report to another goes on with these.
 */
export function carry({ last, from, to, customers, providers }) {
  const search = write({ ...read(""), last, from, to, customers, providers });
  for (const link of document.querySelectorAll('#menu a[href^="/reports/"], #menu a[href^="/per-number"]')) link.setAttribute("href", `${link.pathname}${search ? `?${search}` : ""}`);
}

/**
 * The numbers in a text, in any spelling: separated by line ends, commas or semicolons; and by
 * spaces, where these cannot be part of one number (`+1 212 226 0001` is one, `12122260001
 * 12122260002` are two).
 */
export function numbers(text) {
  return text
    .split(/[\n,;]+/)
    .flatMap((line) => {
      const parts = line.trim().split(/\s+/);
      const whole = parts.length > 1 && parts.every((part) => part.replace(/\D/g, "").length >= 7);
      return whole ? parts : [line.trim()];
    })
    .filter((number) => number !== "");
}
