// Links that carry the state of the page: downloads, and the schedule form.
import { $, drop } from "./dom.js";
import { write } from "./state.js";

export function downloads(report, state) {
  drop($("download"));
  return function update() {
    const query = new URLSearchParams({ report }) + "&" + write(state);
    for (const link of document.querySelectorAll("#download [data-format]")) link.href = `/download/${link.dataset.format}?${query}`;
    const schedule = $("schedule-this");
    if (schedule) schedule.href = `/schedules/new?${query}`;
  };
}
