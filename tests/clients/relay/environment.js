import { Environment, Network, RecordSource, Store } from "relay-runtime";
import { djangoFetch } from "../fetch.mjs";

async function send(operation, variables, cacheConfig, uploadables) {
  // a persisted operation has an id and no text, any other a text and no id
  const request = { documentId: operation.id, query: operation.text, variables };
  const init = { method: "POST", headers: { Accept: "application/graphql-response+json, application/json;q=0.9" } };
  if (uploadables) {
    const names = Object.keys(uploadables);
    const nulls = Object.fromEntries(names.map((name) => [name, null]));
    init.body = new FormData();
    init.body.append("operations", JSON.stringify({ ...request, variables: { ...variables, ...nulls } }));
    init.body.append("map", JSON.stringify(Object.fromEntries(names.map((name) => [name, [`variables.${name}`]]))));
    for (const name of names) init.body.append(name, uploadables[name]);
  } else {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(request);
  }
  const response = await djangoFetch("/graphql/", init);
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.includes("json")) throw new Error(`The server has answered ${response.status}.`);
  return response.json();
}

export const environment = new Environment({
  network: Network.create(send),
  store: new Store(new RecordSource()),
});
