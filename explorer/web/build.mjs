// Builds explorer/static from the sources beside this file: `make explorer-pages`.
//
// What it writes there, all of it committed, so that users need no Node:
//   NAME-HASH.js, .css, .wasm   what browsers load; the hash is that of the content
//   manifest.json               {"report.js": "report-HASH.js", ...}, read by the server
//   built-from.json             digests of sources and results, checked by tests/unit/test_explorer_static.py
//   licences.txt                the licences of everything that was bundled
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "static");

// No icons of Perspective's own settings panel, which the pages do not show.
const entries = ["report.js", "calls.js", "forms.js", "style.css"];

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join("src", name)),
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".wasm": "file" },
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) {
  if (entryPoint) manifest[basename(entryPoint)] = basename(file);
}
write("manifest.json", JSON.stringify(sorted(manifest), null, 1) + "\n");
write("licences.txt", licences(Object.keys(result.metafile.inputs)));
write("built-from.json", JSON.stringify({ sources: digests(sources(here)), results: digests(listed(out)) }, null, 1) + "\n");

function write(name, text) {
  writeFileSync(join(out, name), text);
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function listed(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function sources(folder) {
  return listed(join(folder, "src")).concat(["build.mjs", "package.json", "package-lock.json"].map((n) => join(folder, n)));
}

function digests(files) {
  const root = join(here, "..");
  const named = files.map((file) => [
    relative(root, file).split(sep).join("/"),
    createHash("sha256").update(readFileSync(file)).digest("hex"),
  ]);
  return sorted(Object.fromEntries(named));
}

// One entry per package that a bundled file came from, with the text of its licence.
function licences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const match = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[0]);
  }
  const parts = [...packages].sort().map((folder) => {
    const about = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const file = readdirSync(join(here, folder)).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? readFileSync(join(here, folder, file), "utf8").trim() : `(${about.license}; no text in the package)`;
    return `${about.name} ${about.version}\n${about.homepage ?? ""}\n\n${text}\n`;
  });
  return "What is bundled in the files of this folder, and under which licences.\n\n" + parts.join(`\n${"-".repeat(80)}\n\n`);
}
