// Perspective's data model, answered from the rows that the server grouped: its viewer asks for
// views, and gets finished figures. It has no engine of its own here and cannot add anything up.

/** @param {() => import("./shape.js").Shape} shape the rows to show now */
export class Handler {
  #tables = new Map();
  #views = new Map();
  #serial = 0;

  /** Offers a shape as a table of a new name, which is returned; older ones are forgotten. */
  offer(shape) {
    this.#tables.clear();
    const name = `rows-${++this.#serial}`;
    this.#tables.set(name, shape);
    return name;
  }

  getFeatures() {
    // "any": the one way to group is to take the figure that the server computed for the group.
    const aggregates = { string: ["any"], float: ["any"] };
    return { group_by: true, split_by: true, sort: false, expressions: false, on_update: false,
             group_rollup_mode: ["rollup", "flat", "total"], filter_ops: {}, aggregates };
  }

  getHostedTables() {
    return [...this.#tables.keys()];
  }

  tableSchema(table) {
    const shape = this.#tables.get(table) ?? this.#views.get(table);
    return shape ? Object.fromEntries(shape.types) : {};
  }

  tableSize(table) {
    return this.#tables.get(table)?.rows.length ?? 0;
  }

  tableMakeView(table, view) {
    const shape = this.#tables.get(table);
    this.#views.set(view, shape ?? { group: [], split: [], types: new Map(), columns: [], rows: [], cells: new Map() });
  }

  viewSchema(view, config) {
    const types = this.#views.get(view).types;
    return Object.fromEntries(config.columns.filter((c) => c !== null).map((c) => [c, types.get(c)]));
  }

  viewSize(view) {
    return this.#views.get(view).rows.length;
  }

  viewColumnSize(view) {
    return this.#views.get(view).cells.size;
  }

  viewGetMinMax(view, column) {
    const numbers = (this.#views.get(view).cells.get(column) ?? []).filter((v) => typeof v === "number");
    return numbers.length ? { min: Math.min(...numbers), max: Math.max(...numbers) } : { min: null, max: null };
  }

  viewDelete(view) {
    this.#views.delete(view);
  }

  viewGetData(view, config, schema, window, slice) {
    const shape = this.#views.get(view);
    const first = window.start_row ?? 0;
    const end = Math.min(window.end_row ?? shape.rows.length, shape.rows.length);
    const cells = [...shape.cells].slice(window.start_col ?? 0, window.end_col ?? undefined);
    const groups = shape.group.length;
    for (let row = first; row < end; row++) {
      const at = row - first;
      const { path, depth } = shape.rows[row];
      // As SQL's GROUPING(): a bit for each group that is summed over in this row.
      const grouping = groups ? 2 ** (groups - depth) - 1 : undefined;
      for (let level = 0; level < groups; level++) slice.setCol("string", `__ROW_PATH_${level}__`, at, path[level], grouping);
      for (const [name, values] of cells) {
        slice.setCol(shape.types.get(name.slice(name.lastIndexOf("|") + 1)), name, at, values[row], grouping);
      }
    }
  }
}
