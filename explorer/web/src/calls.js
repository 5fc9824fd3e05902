// The page of numbers: their calls, newest first, and a summary of each number.
import { accounts } from "./accounts.js";
import { catalogue as known, rows } from "./api.js";
import { $, el, notices } from "./dom.js";
import { downloads } from "./downloads.js";
import { count, gridFormat, isText } from "./format.js";
import { anyDays, period } from "./period.js";
import { table, titles } from "./shape.js";
import { carry, read, write } from "./state.js";
import { viewer } from "./viewer.js";

const LIMIT = 1000;
const state = read(location.search);
const catalogue = await known();
anyDays(state, catalogue);
const shown = viewer($("stage"), () => {});
const links = downloads("per-number", state);
const days = period($("last"), $("from"), $("to"), catalogue.presets, state, () => search());
const who = accounts($("accounts"), catalogue.role === "customer" ? ["customers"] : ["customers", "providers"], state, () => search());
let asking = null;

$("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
for (const radio of document.querySelectorAll("[name=as]")) radio.addEventListener("change", () => search());
$("number").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    search();
  }
});
window.addEventListener("popstate", () => {
  Object.assign(state, read(location.search));
  anyDays(state, catalogue);
  fields();
  search({ history: false });
});

function fields() {
  $("number").value = state.number;
  for (const radio of document.querySelectorAll("[name=as]")) radio.checked = radio.value === (state.as || "either");
  who.update();
}

async function search({ history = true } = {}) {
  state.number = $("number").value;
  state.as = document.querySelector("[name=as]:checked").value;
  if (history) {
    const url = `${location.pathname}?${write(state)}`;
    if (url !== location.pathname + location.search) window.history.pushState(null, "", url);
  }
  links();
  carry(state);
  who.update();
  if (!state.number.trim()) return;
  asking?.abort();
  const mine = (asking = new AbortController());
  $("stage").classList.add("busy");
  try {
    const answer = await rows(`/api/calls?report=per-number&limit=${LIMIT}&${write(state)}`, mine.signal);
    if (mine !== asking) return;
    $("trouble").hidden = true;
    await show(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("trouble").replaceChildren(el("p", {}, error.message));
    $("trouble").hidden = false;
  } finally {
    if (mine === asking) {
      $("stage").classList.remove("busy");
      document.body.dataset.ready = String(Number(document.body.dataset.ready ?? 0) + 1);
    }
  }
}

async function show(answer) {
  const { meta } = answer;
  days.show(meta.period);
  carry(state);
  $("period").textContent = meta.period.words;
  notices($("notices"), meta.notices);
  summary(meta.summary);
  $("found").hidden = false;
  $("count").textContent = meta.row_count > meta.rows ? `${count(meta.row_count, "call")}, the newest ${meta.rows.toLocaleString()} shown; a download holds all` : count(meta.row_count, "call");
  $("nothing").hidden = answer.length > 0;
  $("stage").hidden = answer.length === 0;
  if (!answer.length) return;
  const { byName } = titles(meta.columns);
  const formats = Object.fromEntries(meta.columns.map((c) => [byName.get(c.name), gridFormat(c, meta.minutes)]));
  await shown.show(table(answer, false), { view: "table", sort: [], formats });
}

function summary({ columns, rows: lines }) {
  const section = $("summary");
  section.hidden = lines.length === 0;
  const side = (i) => (isText(columns[i]) ? "" : "n");
  section.querySelector("thead").replaceChildren(el("tr", {}, ...columns.map((c, i) => el("th", { scope: "col", className: side(i) }, c.heading ?? c.title))));
  section.querySelector("tbody").replaceChildren(...lines.map((line) => el("tr", {}, ...line.map((text, i) => el("td", { className: side(i) }, text ?? "–")))));
}

fields();
days.asked();
$("calls").hidden = false;
await search({ history: false });
document.body.dataset.ready ??= "0";
