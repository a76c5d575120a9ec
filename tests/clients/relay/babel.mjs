// Lets node read what a bundler would compile: .jsx by way of Babel, and Relay's artifacts without their extension.
import { transformFileAsync } from "@babel/core";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

if (isMainThread) register(import.meta.url);

export function resolve(specifier, context, next) {
  return next(specifier.endsWith(".graphql") ? `${specifier}.js` : specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".jsx")) return next(url, context);
  const { code } = await transformFileAsync(fileURLToPath(url), {
    presets: [["@babel/preset-react", { runtime: "automatic" }]],
    plugins: [["relay", { eagerEsModules: true }]],
  });
  return { format: "module", source: code, shortCircuit: true };
}
