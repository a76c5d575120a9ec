// What tools read of a schema: introspection over HTTP, and the text that fraiseql_schema writes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as graphql16 from "graphql";
import * as graphql17 from "graphql-17";

const text = await readFile("schema.graphql", "utf8");
const OPTIONS = {
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
  inputValueDeprecation: true, oneOf: true, experimentalDirectiveDeprecation: false,
};

async function introspect({ getIntrospectionQuery }, options) {
  const response = await fetch(process.env.GRAPHQL_URL, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: getIntrospectionQuery(options), operationName: "IntrospectionQuery" }),
  });
  assert.equal(response.status, 200);
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

for (const graphql of [graphql16, graphql17]) {
  const { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema, validateSchema } = graphql;

  test(`graphql.js ${graphql.version} makes the same valid schema of both`, async () => {
    const introspected = buildClientSchema(await introspect(graphql, OPTIONS));
    const written = buildSchema(text);
    assert.deepEqual(validateSchema(introspected), []);
    assert.deepEqual(validateSchema(written), []);
    assert.equal(printSchema(lexicographicSortSchema(introspected)), printSchema(lexicographicSortSchema(written)));
  });

  test(`graphql.js ${graphql.version} introspects with every option and with none`, async () => {
    const { __schema: whole } = await introspect(graphql, OPTIONS);
    const least = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, false]));
    const { __schema: bare } = await introspect(graphql, least);
    assert.equal(bare.types.length, whole.types.length);
    assert.equal(bare.types[0].description, undefined);
    const ean = whole.types.find(({ name }) => name === "EAN");
    assert.match(ean.specifiedByURL, /^https:/);
    buildClientSchema({ __schema: bare });
  });
}
