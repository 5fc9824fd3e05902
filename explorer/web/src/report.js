// A report page: the state of the address bar, the question it makes, and the answer on the screen.
import { accounts } from "./accounts.js";
import { Refused, catalogue as known, json, rows } from "./api.js";
import { choices } from "./choices.js";
import { $, el, fill, notices } from "./dom.js";
import { downloads } from "./downloads.js";
import { filters } from "./filters.js";
import { count, gridFormat, isLoss, words } from "./format.js";
import { anyDays, period } from "./period.js";
import { pivot, table, titles } from "./shape.js";
import { carry, read, write } from "./state.js";
import { viewer } from "./viewer.js";
import { zones } from "./zones.js";

const LIMIT = 1000;
// A chart of more is not read; what is left out is said.
const DRAWN = 40;
const HEADLINES = 8;
const DRAWINGS = ["bars", "lines", "points", "heatmap"];
const CLOCKS = new Set(["date", "hour", "hour of the day"]);
const VIEWS = [["table", "Table"], ["pivot", "Pivot"], ["bars", "Bars"], ["lines", "Lines"], ["points", "Points"], ["heatmap", "Heatmap"], ["charts", "Report’s charts"]];

const name = $("report").dataset.report;
const state = read(location.search);
const catalogue = await known();
const report = catalogue.reports.find((r) => r.name === name);
anyDays(state, catalogue);
let asking = null;
// What the last answer was: its columns are the report's own where the state says none.
let answer = null;

const choice = () => report.choices.find((c) => c.choice === (state.choice || report.default)) ?? report.choices[0];
const dimensions = () => choice().dimensions;
const measure = (of) => choice().measures.find((m) => m.name === of);

/* ---- what the state means ------------------------------------------------------------------ */

const group = () => state.group ?? answer?.meta.group ?? choice().group;
const figures = () => (state.columns ?? answer?.meta.columns.filter((c) => !c.dimension && !/_(previous|change)$/.test(c.name)).map((c) => c.name) ?? choice().columns).filter(measure);

function view() {
  if (state.view && allowed(state.view) === "") return state.view;
  return state.split.length ? "pivot" : "table";
}

// Why a way to show it makes no sense now; "" where it does.
function allowed(of) {
  const chosen = measure(figure());
  if (of === "table" && state.split.length) return "A table has no column groups: this is a pivot.";
  if (DRAWINGS.includes(of) && !group().length) return "There are no row groups to draw.";
  // A line says that what lies between two points is between them.
  if (of === "lines" && !clocks().length) return "Lines need a day or an hour in the rows: use points.";
  if (of === "heatmap" && !state.split.length) return "A heatmap needs a dimension in the columns.";
  // Bars of column groups stand on each other, which adds them up before the reader's eyes.
  if (of === "bars" && state.split.length && chosen && !chosen.additive) return `${chosen.title} cannot be added up: use points, or take the columns away.`;
  return "";
}

// The row groups that are times.
function clocks() {
  return group().filter((of) => CLOCKS.has(dimensions().find((d) => d.name === of)?.kind));
}

function figure() {
  return figures().includes(state.figure) ? state.figure : figures()[0];
}

/* ---- controls ------------------------------------------------------------------------------ */

const days = period($("last"), $("from"), $("to"), catalogue.presets, state, ask);
const who = accounts($("accounts"), catalogue.role === "customer" ? ["customers"] : ["customers", "providers"], state, ask);
const narrowed = filters($("filters"), name, state, dimensions, ask);
const links = downloads(name, state);
const shown = viewer($("stage"), (title) => {
  const of = titles(answer.meta.columns).byTitle.get(title);
  if (of) sort(of, state.sort?.[0] !== `-${of}`);
});
const dragging = zones($("zones"), { move, filter: narrowed.open, sort });
const picker = choices({
  label: "Figures",
  none: "the report’s own",
  className: "add",
  caption: () => "Choose figures",
  chosen: figures,
  find: async (search) => {
    const found = choice().measures.filter((m) => `${m.title} ${m.name}`.toLowerCase().includes(search.toLowerCase()));
    return { options: found.map((m) => ({ value: m.name, title: m.title, note: m.unit || (m.per_currency ? "" : m.currency) || "" })), more: false };
  },
  choose: (values) => {
    const kept = figures().filter((f) => values.includes(f));
    state.columns = values.length ? [...kept, ...values.filter((v) => !kept.includes(v))] : null;
    settle();
    ask();
  },
});

$("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
if (report.choices.length > 1) {
  $("choice-control").hidden = false;
  $("choice-label").textContent = report.option === "side" ? "Side" : "Type";
  // Their titles begin with that of the report, which stands above.
  const short = (title) => (title.startsWith(report.title) ? title.slice(report.title.length).replace(/^[\s,:]+/, "") : title);
  fill($("choice"), report.choices.map((c) => [c.choice, short(c.title)]), choice().choice);
  $("choice").addEventListener("change", () => {
    state.choice = $("choice").value;
    // The other kind has other dimensions and figures.
    state.group = state.columns = state.sort = null;
    state.split = [];
    state.filter.clear();
    answer = null;
    ask();
  });
}
$("currency").addEventListener("change", () => {
  state.currency = $("currency").value === (choice().preset?.currency ?? "USD") ? "" : $("currency").value;
  // Converted figures are named after their currency.
  state.columns = state.sort = null;
  ask();
});
$("compare").addEventListener("change", () => {
  state.compare = $("compare").value === (choice().preset?.compare || "none") ? "" : $("compare").value;
  ask();
});
$("figure").addEventListener("change", () => {
  state.figure = $("figure").value;
  ask();
});
$("fold").addEventListener("click", () => shown.foldAt(1));
$("unfold").addEventListener("click", () => shown.foldAt(0));
window.addEventListener("popstate", () => {
  Object.assign(state, read(location.search));
  anyDays(state, catalogue);
  ask({ history: false });
});

/** Puts a dimension or figure into a zone at an index; into "pool" takes it out. */
function move(of, zone, index) {
  const lists = { group: [...group()], split: [...state.split], figures: figures() };
  const own = Object.values(lists).find((list) => list.includes(of));
  if (own) own.splice(own.indexOf(of), 1);
  lists[zone]?.splice(index, 0, of);
  if (measure(of) && zone !== "group" && zone !== "split") state.columns = lists.figures;
  else {
    state.group = lists.group;
    state.split = lists.split;
    // What cannot be shown so any more is shown as it comes.
    if ((zone === "split" && state.view === "table") || allowed(state.view)) state.view = "";
    // A sort by what is not there any more means nothing.
    if (state.sort) state.sort = state.sort.filter((s) => !dimensions().some((d) => d.name === s.replace(/^-/, "")) || state.group.includes(s.replace(/^-/, "")));
    if (!state.sort?.length) state.sort = null;
  }
  settle();
  ask();
}

// A charge in the rate card's currency can be had only with that currency in the rows or columns.
function settle() {
  if (!state.columns) return;
  const here = [...group(), ...state.split];
  const meant = state.columns.map((c) => (measure(c)?.per_currency && !here.includes(measure(c).currency) ? measure(c).instead ?? c : c));
  state.columns = [...new Set(meant)];
}

function sort(of, descending) {
  state.sort = [(descending ? "-" : "") + of];
  ask();
}

/* ---- the question and its answer -------------------------------------------------------------- */

function query() {
  // Lines go from the first to the last; all else comes in the order that was asked for.
  const asked = write(view() === "lines" ? { ...state, sort: clocks() } : state);
  return `/api/rows?report=${name}&limit=${LIMIT}${view() === "table" ? "" : "&levels=1"}${asked ? `&${asked}` : ""}`;
}

async function ask({ history = true } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  $("stage").classList.add("busy");
  if (history) {
    const search = write(state, { shown: true });
    const url = location.pathname + (search ? `?${search}` : "");
    if (url !== location.pathname + location.search) window.history.pushState(null, "", url);
  }
  try {
    const got = view() === "charts" ? await json(`/api/charts?report=${name}&${write(state)}`, mine.signal) : null;
    const found = await rows(query(), mine.signal);
    if (mine !== asking) return;
    answer = found;
    $("trouble").hidden = true;
    await show(got);
    } catch (error) {
    if (error.name === "AbortError") return;
    refused(error);
  } finally {
    if (mine === asking) {
      $("stage").classList.remove("busy");
      document.body.dataset.ready = String(Number(document.body.dataset.ready ?? 0) + 1);
    }
  }
}

function refused(error) {
  if (!(error instanceof Refused)) console.error(error);
  const back = el("button", { type: "button", onclick: () => history.back() }, "Back");
  const own = el("a", { className: "button", href: location.pathname }, "The report as it comes");
  $("trouble").replaceChildren(el("p", {}, error.message), el("div", { className: "row" }, back, own));
  $("trouble").hidden = false;
  days.asked();
  controls();
}

function controls() {
  const sorted = (of) => (state.sort?.includes(`-${of}`) ? "-" : state.sort?.includes(of) ? "+" : "");
  const item = (of) => ({ ...(dimensions().find((d) => d.name === of) ?? measure(of) ?? { name: of, title: of }), filtered: state.filter.has(of), sorted: sorted(of) });
  const used = new Set([...group(), ...state.split]);
  dragging.show({ group: group().map(item), split: state.split.map(item), figures: figures().map(item),
                  pool: dimensions().filter((d) => !used.has(d.name)).map((d) => item(d.name)) }, picker.element);
  narrowed.show();
  who.update();
  links();
  const preset = choice().preset ?? {};
  fill($("currency"), ["USD", ...catalogue.currencies.filter((c) => c !== "USD")].map((c) => [c, c]), state.currency || preset.currency || "USD");
  $("compare").value = state.compare || preset.compare || "none";
  if (report.choices.length > 1) $("choice").value = choice().choice;
  $("views").replaceChildren(...VIEWS.map(([of, title]) => {
    const why = allowed(of);
    return el("button", { type: "button", "aria-pressed": String(view() === of), disabled: why !== "", title: why, onclick: () => { state.view = of; ask(); } }, title);
  }));
  const drawn = DRAWINGS.includes(view());
  $("figure-control").hidden = !drawn;
  $("folding").hidden = view() !== "pivot" || group().length < 2;
  fill($("figure"), figures().map((f) => [f, measure(f).title]), figure());
}

async function show(charts) {
  const { meta } = answer;
  days.show(meta.period);
  carry(state);
  $("period").textContent = meta.period.words;
  document.title = `${meta.title}, ${meta.period.words} · cdr-reports`;
  controls();
  notices($("notices"), meta.notices);
  headline(meta);
  $("compared").hidden = !meta.compared;
  $("compared").textContent = meta.compared;
  const drawn = DRAWINGS.includes(view());
  const some = drawn ? Math.min(DRAWN, meta.rows) : meta.rows;
  $("count").textContent = meta.row_count > some ? `${count(meta.row_count, "row")}, the first ${some.toLocaleString()} ${drawn ? "drawn" : "shown"}` : count(meta.row_count, "row");
  $("after").textContent = after(meta);
  $("pictures").hidden = view() !== "charts";
  $("stage").hidden = view() === "charts";
  if (view() === "charts") return pictures(charts.charts);
  $("nothing").hidden = meta.row_count > 0;
  $("stage").hidden = meta.row_count === 0;
  if (!meta.row_count) return;
  const shape = view() === "table" ? table(answer) : pivot(answer, drawn ? { figures: [figure()], leaves: true } : {});
  if (drawn) first(shape, DRAWN);
  const { byName } = titles(meta.columns);
  const formats = Object.fromEntries(meta.columns.map((c) => [byName.get(c.name), gridFormat(c, meta.minutes)]));
  const order = (state.sort ?? []).map((s) => [byName.get(s.replace(/^-/, "")), s.startsWith("-") ? "desc" : "asc"]).filter(([title]) => title && shape.columns.includes(title));
  await shown.show(shape, { view: view(), sort: order, formats });
}

function first(shape, rows) {
  shape.rows = shape.rows.slice(0, rows);
  for (const [path, values] of shape.cells) shape.cells.set(path, values.slice(0, rows));
}

function headline(meta) {
  const all = meta.columns.filter((c) => !c.dimension && meta.totals[c.name] != null && !/_(previous|change)$/.test(c.name));
  // What is left in the end is said also where it comes late among many figures.
  const late = all.slice(HEADLINES).filter((c) => c.name === meta.loss);
  const some = [...all.slice(0, HEADLINES - late.length), ...late];
  $("headline").replaceChildren(...some.map((column) => {
    const text = meta.totals[column.name];
    const lost = isLoss(column, text.startsWith("-"));
    // There is a total of such money only where all of it is in one currency.
    const own = column.per_currency && meta.totals[column.currency];
    return el("div", { className: "figure", "data-figure": column.name },
      el("div", { className: "title" }, own ? `${column.heading} (${own})` : column.heading),
      el("div", { className: `value${lost ? " loss" : ""}`, title: text }, (lost ? "▼ " : "") + words(column, text, meta.minutes)));
  }));
}

function after(meta) {
  const said = [];
  if (meta.rows_left_out) said.push(`At most ${meta.row_limit.toLocaleString()} rows are shown; a download holds all, and the totals are over all.`);
  if (meta.splits_left_out) said.push(`${count(meta.splits_left_out, "column group")} of the smallest ${meta.splits_left_out === 1 ? "is" : "are"} left out; All has them, too.`);
  said.push(`A question may take ${meta.time_limit_seconds} seconds.`, `Days of ${meta.timezone}.`);
  return said.join(" ");
}

function pictures(charts) {
  $("pictures").replaceChildren(...charts.map(({ title, svg, alt, caption, wide }) =>
    el("figure", { className: wide ? "wide" : "" }, el("h2", {}, title),
      el("img", { alt: alt ?? title, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}` }),
      caption ? el("figcaption", {}, caption) : null)));
  if (!charts.length) $("pictures").replaceChildren(el("p", { className: "empty" }, "This report has no charts of its own."));
}

// A small window shows the answer first.
if (matchMedia("(max-width: 860px)").matches) $("arrange").open = false;
$("report").hidden = false;
await ask({ history: false });
