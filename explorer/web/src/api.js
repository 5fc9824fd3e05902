// Asks the server, and reads what it answers. The one place that fetches.
import { tableFromIPC } from "@uwdata/flechette";
import { el } from "./dom.js";

/** An answer that is a refusal: `message` is for people, `field` names what was wrong with it. */
export class Refused extends Error {
  constructor(words, field = null, status = 0) {
    super(words);
    this.field = field;
    this.status = status;
  }
}

async function ask(url, signal) {
  let answer;
  try {
    answer = await fetch(url, { signal, credentials: "same-origin", headers: { Accept: "*/*" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server cannot be reached. Is it still running?");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new DOMException("logging in", "AbortError");
  }
  const said = await answer.json().catch(() => ({}));
  const again = answer.headers.get("Retry-After");
  const when = answer.status === 429 && again ? ` Try again in ${again} seconds.` : "";
  throw new Refused((said.error ?? `The server answered ${answer.status}.`) + when, said.field, answer.status);
}

export async function json(url, signal) {
  return (await ask(url, signal)).json();
}

/** The reports, as far as the reader may know of them. A page without it can only say so. */
export async function catalogue() {
  try {
    return await json("/api/catalogue");
  } catch (error) {
    if (error.name !== "AbortError") document.querySelector("main").append(el("p", { className: "trouble", role: "alert" }, error.message));
    throw error;
  }
}

/**
 * Rows as columns: `meta` is what the server says of them, `columns` maps a name to its values
 * (null where there is none; dates as YYYY-MM-DD), `length` is the number of rows.
 */
export async function rows(url, signal) {
  const answer = await ask(url, signal);
  const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
  const columns = new Map();
  for (const field of table.schema.fields) {
    const values = Array.from({ length: table.numRows }, () => null);
    let i = 0;
    for (const value of table.getChild(field.name)) values[i++] = value;
    columns.set(field.name, values.map(plain(field.type)));
  }
  return { meta: JSON.parse(table.schema.metadata.get("cdr-reports")), columns, length: table.numRows };
}

const DATE = 8;

function plain(type) {
  if (type.typeId !== DATE) return (value) => value ?? null;
  return (value) => (value == null ? null : new Date(value).toISOString().slice(0, 10));
}
