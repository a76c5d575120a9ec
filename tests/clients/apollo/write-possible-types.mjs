// node write-possible-types.mjs: writes which types unions and interfaces have
import { writeFile } from "node:fs/promises";

const response = await fetch(process.env.GRAPHQL_URL, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ __schema { types { name possibleTypes { name } } } }" }),
});
const { data } = await response.json();
const possibleTypes = {};
for (const type of data.__schema.types) {
  if (type.possibleTypes) possibleTypes[type.name] = type.possibleTypes.map(({ name }) => name);
}
await writeFile("apollo/possible-types.js", `export default ${JSON.stringify(possibleTypes, null, 2)};\n`);
