// node write-possible-types.mjs: writes which types unions and interfaces have
import { writeFile } from "node:fs/promises";

const response = await fetch(process.env.GRAPHQL_URL, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ __schema { types { kind name possibleTypes { name } } } }" }),
});
const { data } = await response.json();
const abstract = data.__schema.types.filter(({ kind }) => kind === "UNION" || kind === "INTERFACE");
const possibleTypes = Object.fromEntries(abstract.map((type) => [type.name, type.possibleTypes.map(({ name }) => name)]));
await writeFile("apollo/possible-types.js", `export default ${JSON.stringify(possibleTypes, null, 2)};\n`);
