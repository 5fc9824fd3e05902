// The server's rows in the shape that Perspective shows. Nothing is computed here: each figure on
// the screen is one that the server sent, also subtotals and totals. (Minutes are seconds over 60.)
import { MISSING, isText } from "./format.js";

const ALL = "All";

/**
 * @typedef {object} Shape what `virtual.js` hands to Perspective
 * @property {string[]} group titles of the row groups; empty for a flat table
 * @property {string[]} split titles of the column groups
 * @property {Map<string, "string" | "float">} types of the columns by title
 * @property {string[]} columns titles of the columns, in order
 * @property {{path: (string | null)[], depth: number}[]} rows
 * @property {Map<string, (string | number | null)[]>} cells by column path: "Title", "O2|Title"
 */

/** Titles of the columns, each once: Perspective knows a column by its title. */
export function titles(columns) {
  const taken = new Map();
  const byName = new Map();
  for (const column of columns) {
    let title = (column.heading ?? column.title).replaceAll("|", "/");
    while (taken.has(title)) title += " ";
    taken.set(title, column.name);
    byName.set(column.name, title);
  }
  return { byName, byTitle: taken };
}

function dimension(value) {
  return value === null || value === "" ? MISSING : String(value);
}

// Column paths are separated by this; a value that holds it shows a look-alike.
function head(value) {
  return dimension(value).replaceAll("|", "\u2223");
}

function cell(column, value, minutes) {
  if (isText(column)) return column.dimension ? dimension(value) : value === null ? null : value === true ? "yes" : value === false ? "no" : String(value);
  return value !== null && minutes && column.kind === "seconds" ? value / 60 : value;
}

/** Rows as they are, dimensions as columns; the totals, where there are any, on top. */
export function table({ meta, columns, length }, totals = true) {
  const { byName, byTitle } = titles(meta.columns);
  const exact = meta.totals ?? {};
  const top = totals && length > 1 && meta.columns.some((column) => exact[column.name] != null);
  const cells = new Map();
  meta.columns.forEach((column, i) => {
    const total = column.dimension ? (i === 0 ? "Totals" : exact[column.name] ?? "") : exact[column.name] ?? null;
    const first = total === null || isText(column) ? total : cell(column, Number(total), meta.minutes);
    const rest = columns.get(column.name).map((value) => cell(column, value, meta.minutes));
    cells.set(byName.get(column.name), top ? [first, ...rest] : rest);
  });
  return {
    group: [], split: [], byTitle, columns: [...byTitle.keys()], cells,
    types: new Map(meta.columns.map((c) => [byName.get(c.name), isText(c) ? "string" : "float"])),
    rows: Array.from({ length: length + (top ? 1 : 0) }, () => ({ path: [], depth: 0 })),
  };
}

/**
 * Rows as a tree of row groups, and figures under their column groups. Asked with `levels=1`.
 * @param {{figures?: string[], leaves?: boolean}} options the figures to show (all), and whether
 *   only rows of full depth are wanted and no totals over the column groups (charts)
 */
export function pivot({ meta, columns, length }, { figures, leaves = false } = {}) {
  const { byName, byTitle } = titles(meta.columns);
  const measures = meta.columns.filter((c) => !c.dimension && (!figures || figures.includes(c.name)));
  const depths = columns.get("_depth");
  const splits = columns.get("_split");
  const rows = [];
  const cells = new Map();
  const order = [];
  const put = (prefix, row, i) => {
    for (const measure of measures) {
      const path = prefix === null ? byName.get(measure.name) : `${prefix}|${byName.get(measure.name)}`;
      if (!cells.has(path)) cells.set(path, []);
      cells.get(path)[row] = cell(measure, columns.get(measure.name)[i], meta.minutes);
    }
  };
  const whole = meta.split.length ? meta.split.map(() => ALL).join("|") : null;
  if (whole !== null && !leaves) order.push(whole);
  for (let i = 0; i < length; i++) {
    const depth = depths[i];
    if (leaves && depth < meta.group.length) continue;
    if (splits[i] === 0 || !rows.length) {
      rows.push({ depth, path: meta.group.map((name, at) => (at < depth ? dimension(columns.get(name)[i]) : null)) });
    }
    if (splits[i] === 0 && meta.split.length) {
      if (!leaves) put(whole, rows.length - 1, i);
    } else {
      const prefix = meta.split.length ? meta.split.map((name) => head(columns.get(name)[i])).join("|") : null;
      if (prefix !== null && !order.includes(prefix)) order.push(prefix);
      put(prefix, rows.length - 1, i);
    }
  }
  const sorted = new Map();
  const heads = meta.split.length ? [...order.filter((p) => p === whole), ...order.filter((p) => p !== whole).sort(byText)] : [null];
  for (const above of heads) {
    for (const measure of measures) {
      const title = byName.get(measure.name);
      const path = above === null ? title : `${above}|${title}`;
      sorted.set(path, rows.map((_, row) => cells.get(path)?.[row] ?? null));
    }
  }
  return {
    group: meta.group.map((n) => byName.get(n)), split: meta.split.map((n) => byName.get(n)), byTitle,
    columns: measures.map((m) => byName.get(m.name)), cells: sorted, rows,
    types: new Map(meta.columns.map((c) => [byName.get(c.name), isText(c) ? "string" : "float"])),
  };
}

function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The shape without what lies below the collapsed rows. */
export function folded(shape, collapsed) {
  if (!collapsed.size) return shape;
  const kept = [];
  shape.rows.forEach(({ path, depth }, i) => {
    for (let above = 0; above < depth; above++) if (collapsed.has(key(path, above))) return;
    kept.push(i);
  });
  return {
    ...shape,
    rows: kept.map((i) => shape.rows[i]),
    cells: new Map([...shape.cells].map(([path, values]) => [path, kept.map((i) => values[i])])),
  };
}

/** What a row group is known by: its path down to a depth. */
export function key(path, depth) {
  return JSON.stringify(path.slice(0, depth));
}
