// How figures read: the same places, units and signs as in the reports (resources/reporting/words.py).

export const MISSING = "–";

const PLACES = { money: 2, "unit cost": 4, fraction: 1, percent: 1, estimate: 1, score: 2, seconds: 1,
                 "change in percent": 1, "change in points": 1 };
const TEXTS = new Set(["text", "date", "hour", "hour of the day", "time", "flag"]);

export function isText(column) {
  return TEXTS.has(column.kind);
}

/** Whether a figure below zero is a loss: money, or a share of it. */
export function isLoss(column, negative) {
  return negative && (column.kind === "money" || column.kind === "percent");
}

function options(column, minutes) {
  const places = column.kind === "seconds" && minutes ? 2 : PLACES[column.kind] ?? 0;
  const style = column.kind === "fraction" ? "percent" : "decimal";
  const format = { style, minimumFractionDigits: places, maximumFractionDigits: places, roundingMode: "halfExpand" };
  // A small loss must not read as 0.00.
  return column.kind === "money" || column.kind === "unit cost" ? { ...format, minimumSignificantDigits: 1, maximumSignificantDigits: 1, roundingPriority: "morePrecision" } : format;
}

/** What Perspective's grid is told of a column. */
export function gridFormat(column, minutes) {
  if (isText(column)) return {};
  return { number_format: options(column, minutes), number_fg_mode: isLoss(column, true) ? "color" : "disabled" };
}

/** An exact decimal as text ("1234.5") as a person reads it; the browser rounds the decimal itself. */
export function words(column, text, minutes) {
  if (text === null || text === undefined) return MISSING;
  const shown = minutes && column.kind === "seconds" ? String(Number(text) / 60) : text;
  return new Intl.NumberFormat(navigator.languages, options(column, minutes)).format(shown).replace("-", "\u2212");
}

export function count(number, one, many = `${one}s`) {
  return `${new Intl.NumberFormat(navigator.languages).format(number)} ${number === 1 ? one : many}`;
}
