import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination, simplePagination } from "@urql/exchange-graphcache/extras";
import { persistedExchange } from "@urql/exchange-persisted";
import { djangoFetch } from "../fetch.mjs";
import schema from "./schema.js";

// objects of types without an id are kept as part of the object that they were read from
const withoutId = schema.__schema.types
  .filter(({ kind, fields }) => kind === "OBJECT" && !fields.some(({ name }) => name === "id"))
  .map(({ name }) => [name, () => null]);

const cache = cacheExchange({
  schema,
  keys: {
    ...Object.fromEntries(withoutId),
    // a key of several columns, where it is selected
    OrderLine: ({ orderId, lineNumber }) => (orderId && lineNumber ? `${orderId}-${lineNumber}` : null),
  },
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
      // which lists a new order belongs to is for the server to say: they are read again
      placeOrder: (result, args, cache) => {
        for (const { fieldName, fieldKey } of cache.inspectFields("Query")) {
          if (fieldName === "orders") cache.invalidate("Query", fieldKey);
        }
      },
    },
  },
});

export const client = new Client({
  url: "/graphql/",
  fetch: djangoFetch,
  exchanges: [cache, fetchExchange],
});

export const persisted = new Client({
  url: "/graphql/",
  fetch: djangoFetch,
  exchanges: [cache, persistedExchange({ enableForMutation: true }), fetchExchange],
});
