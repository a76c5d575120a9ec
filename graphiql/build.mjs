// node build.mjs FOLDER: bundles GraphiQL into files that import nothing, so that they may be served at any address.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2];
const common = {
  bundle: true,
  legalComments: "none",
  loader: { ".ttf": "dataurl", ".woff": "dataurl", ".woff2": "dataurl" },
  metafile: true,
  minify: true,
  outdir: folder,
  target: "es2022",
};

const results = await Promise.all([
  build({ ...common, entryPoints: ["src/graphiql.js"], format: "esm" }),
  build({
    ...common,
    entryPoints: {
      "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
      "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
      "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    },
    format: "iife",
  }),
]);

// the licences of all packages of which something is in the bundle
const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(inputs.map((path) => path.match(/^(.*node_modules\/(@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean));
const licences = [];
for (const path of [...packages].sort()) {
  const { name, version, license } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
  const file = (await readdir(path)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(join(path, file), "utf8") : "";
  licences.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(join(folder, "LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
