import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import { apolloLink, urqlExchange } from "./trusted.js";
import { cards, cardsQuery, setPrice } from "./books.js";
// @ts-expect-error: JavaScript without types
import possibleTypes from "../../apollo/possible-types.js";

const client = new ApolloClient({ link: apolloLink, cache: new InMemoryCache({ possibleTypes }) });

test("typed documents are answered, by their identifiers", async () => {
  const found = await cards(client, 3);
  assert.equal(found.length, 3);
  for (const text of found) assert.match(text, /^.+: .+, (\d{4}|n\. d\.), € \d+\.\d\d$/);
});

test("a typed result tells its types apart", async () => {
  const message = await setPrice(client, "1", "2000-01-01T00:00:00Z", "12.00");
  assert.match(message, /changed/i);
});

test("urql sends the same identifiers", async () => {
  const urql = new Client({ url: "/graphql/", exchanges: [urqlExchange, fetchExchange] });
  const { data } = await urql.query(cardsQuery, { limit: 2 });
  assert.equal(data?.books.length, 2);
});

test("nothing else is executed here", async () => {
  const urql = new Client({ url: "/graphql/", exchanges: [fetchExchange] });
  const { error } = await urql.query("{ books { id title } }", {});
  assert.equal(error?.graphQLErrors[0].extensions.code, "DOCUMENT_NOT_TRUSTED");
});
