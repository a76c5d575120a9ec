import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { offsetLimitPagination, relayStylePagination } from "@apollo/client/utilities";
import { djangoFetch } from "../fetch.mjs";
import possibleTypes from "./possible-types.js";

export const cache = new InMemoryCache({
  possibleTypes,
  typePolicies: {
    Query: {
      fields: {
        // one list for each where and orderBy, of all pages that have been read
        books: offsetLimitPagination(["where", "orderBy"]),
        booksConnection: relayStylePagination(["where", "orderBy"]),
      },
    },
    Book: { fields: { reviewsConnection: relayStylePagination(["where", "orderBy"]) } },
    // a key of several columns
    OrderLine: { keyFields: ["orderId", "lineNumber"] },
  },
});

const link = new HttpLink({ uri: "/graphql/", fetch: djangoFetch });

export const client = new ApolloClient({ link, cache });
