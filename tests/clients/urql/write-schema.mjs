// node write-schema.mjs: writes what Graphcache has to know of the schema
import { minifyIntrospectionQuery } from "@urql/introspection";
import { getIntrospectionQuery } from "graphql";
import { writeFile } from "node:fs/promises";

const response = await fetch(process.env.GRAPHQL_URL, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: getIntrospectionQuery({ descriptions: false }) }),
});
const { data } = await response.json();
const schema = JSON.stringify(minifyIntrospectionQuery(data));
await writeFile("urql/schema.js", `export default ${schema};\n`);
