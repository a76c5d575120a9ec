import { HttpLink } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { persistedExchange } from "@urql/exchange-persisted";
import type { DocumentNode } from "graphql";

const hash = (document: DocumentNode) =>
  (document as { __meta__?: { hash: string } }).__meta__!.hash.replace("sha256:", "");

export const apolloLink = new PersistedQueryLink({ generateHash: hash, disable: () => false }).concat(
  new HttpLink({ uri: "/graphql/" }),
);

export const urqlExchange = persistedExchange({
  enforcePersistedQueries: true,
  enableForMutation: true,
  generateHash: async (_, document) => hash(document),
});
