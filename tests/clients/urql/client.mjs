import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination, simplePagination } from "@urql/exchange-graphcache/extras";
import { persistedExchange } from "@urql/exchange-persisted";
import { djangoFetch } from "../fetch.mjs";
import schema from "./schema.js";

// objects of types without an id belong to the object that they are read from
const withoutId = schema.__schema.types
  .filter(({ kind, fields }) => kind === "OBJECT" && !fields.some(({ name }) => name === "id"))
  .map(({ name }) => [name, () => null]);

const cache = () =>
  cacheExchange({
    schema,
    keys: { ...Object.fromEntries(withoutId), Customer: ({ uuid }) => uuid },
    resolvers: {
      Query: {
        books: simplePagination({ offsetArgument: "offset", limitArgument: "limit" }),
        booksConnection: relayPagination(),
      },
      Book: { reviewsConnection: relayPagination() },
    },
    optimistic: {
      renameBook: ({ id, title }) => ({ __typename: "Book", id, title }),
    },
    updates: {
      Mutation: {
        // what is read of a new order is not known here: the lists are read again
        placeOrder: (result, args, cache) => cache.invalidate("Query", "orders"),
      },
    },
  });

export const client = new Client({
  url: "/graphql/",
  fetch: djangoFetch,
  exchanges: [cache(), fetchExchange],
});

// FRAISEQL = {"PERSISTED_QUERIES": {"ENABLED": True}}
export const persisted = new Client({
  url: "/graphql/",
  fetch: djangoFetch,
  exchanges: [cache(), persistedExchange({ enableForMutation: true }), fetchExchange],
});
