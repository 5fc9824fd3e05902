// Perspective's viewer on a page: starts it, shows shapes, and hands clicks on heads back.
import "./inline_styles.js";
import perspective from "@perspective-dev/viewer";
import "@perspective-dev/viewer-datagrid";
import "@perspective-dev/viewer-d3fc/dist/esm/column.js";
import "@perspective-dev/viewer-d3fc/dist/esm/line.js";
import "@perspective-dev/viewer-d3fc/dist/esm/heatmap.js";
import "@perspective-dev/viewer-d3fc/dist/esm/y-scatter.js";
import wasm from "@perspective-dev/viewer/dist/wasm/perspective-viewer.wasm";
import { Handler } from "./virtual.js";
import { folded, key } from "./shape.js";

export const PLUGINS = { table: "Datagrid", pivot: "Datagrid", bars: "Y Bar", lines: "Y Line", points: "Y Scatter", heatmap: "Heatmap" };

// Row groups get room enough for their names, whatever lies below them, and so do column groups,
// whose heads Perspective cuts to the width of their figures; heads look like the reports'.
const GRID = new CSSStyleSheet();
GRID.replaceSync(`
  tbody th:last-of-type { min-width: clamp(96px, 12vw, 150px) !important; text-align: left; }
  thead th { font-weight: 600 !important; }
  thead tr:not(.rt-autosize) th { max-width: 220px !important; }
`);

let started = null;

function start() {
  started ??= (async () => {
    await perspective.init_client(fetch(new URL(wasm, import.meta.url)));
    await customElements.whenDefined("perspective-viewer");
    return customElements.get("perspective-viewer").__wasm_module__;
  })();
  return started;
}

/**
 * @param {HTMLElement} stage where the viewer stands
 * @param {(title: string) => void} sorted called with the title of the column whose head was clicked
 */
export function viewer(stage, sorted) {
  start(); // while the rows are asked for
  const handler = new Handler();
  const collapsed = new Set();
  let element = null;
  let now = null;

  async function make() {
    const { VirtualServer, Client } = await start();
    const server = new VirtualServer(handler);
    const client = new Client(
      async (message) => client.handle_response((await server.handleRequest(message.slice())).slice().buffer),
      async () => {},
    );
    element = document.createElement("perspective-viewer");
    element.setAttribute("theme", "Reports");
    // Before Perspective sees it: it would sort and fold what it has; the page asks the server.
    stage.addEventListener("mousedown", clicked, { capture: true });
    stage.replaceChildren(element);
    await element.load(client);
    return element;
  }

  let making = null;

  async function render() {
    making ??= make();
    await making;
    const shape = folded(now.shape, collapsed);
    await element.restore({
      table: handler.offer(shape), plugin: PLUGINS[now.view], settings: false, theme: "Reports", title: null,
      group_by: shape.group, split_by: shape.split, columns: shape.columns, sort: now.sort, filter: [], expressions: {},
      aggregates: Object.fromEntries(shape.columns.map((c) => [c, "any"])),
      group_rollup_mode: now.view === "pivot" || now.view === "table" ? "rollup" : "flat",
      columns_config: now.formats, plugin_config: PLUGINS[now.view] === "Datagrid" ? { edit_mode: "READ_ONLY" } : {},
    });
    dress();
  }

  function dress() {
    const root = element.querySelector("perspective-viewer-datagrid")?.shadowRoot;
    if (root && !root.adoptedStyleSheets.includes(GRID)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, GRID];
  }

  function clicked(event) {
    const path = event.composedPath();
    const cell = path.find((node) => node.tagName === "TH");
    const grid = path.find((node) => node.tagName === "REGULAR-TABLE");
    if (!cell || !grid || event.button !== 0) return;
    const meta = grid.getMeta(cell);
    if (!meta) return;
    if (cell.classList.contains("psp-tree-label")) {
      event.stopImmediatePropagation();
      const at = meta.row_header_x ?? 0;
      fold(key(now.shape.rows.length ? folded(now.shape, collapsed).rows[meta.y].path : [], at));
    } else if (meta.type === "column_header" && meta.column_header) {
      event.stopImmediatePropagation();
      const title = meta.column_header[now.shape.split.length];
      if (meta.column_header_y === undefined || meta.column_header_y >= now.shape.split.length) sorted(String(title));
    }
  }

  async function fold(path) {
    if (!collapsed.delete(path)) collapsed.add(path);
    await render();
  }

  return {
    /** Shows a shape as "table", "pivot", "bars", "lines", "points" or "heatmap". */
    async show(shape, { view, sort, formats }) {
      collapsed.clear();
      now = { shape, view, sort, formats };
      await render();
    },
    /** Folds every row group below a depth, 0 unfolds all. */
    async foldAt(depth) {
      collapsed.clear();
      if (depth) for (const row of now.shape.rows) if (row.depth === depth) collapsed.add(key(row.path, depth));
      await render();
    },
  };
}
