// node audit.mjs FOLDER URL: asks the audits of the npm package graphql-http, which FOLDER holds, about the
// server at URL, and prints what each of them found, as JSON.
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, url] = process.argv.slice(2);
const { serverAudits } = createRequire(join(folder, "package.json"))("graphql-http");

// one by one: auditServer opens a connection for each at once, more than Django's live server lets wait
const results = [];
for (const { fn } of serverAudits({ url })) {
  const { id, name, status, reason } = await fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
