import { HttpLink } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { djangoFetch } from "../fetch.mjs";

const uri = "/graphql/";

export const uploads = new UploadHttpLink({ uri, fetch: djangoFetch });

export const batches = new BatchHttpLink({ uri, fetch: djangoFetch, batchMax: 10 });

const sha256 = async (text) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const automatic = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(
  new HttpLink({ uri, fetch: djangoFetch }),
);

export const trusted = new PersistedQueryLink(
  generatePersistedQueryIdsFromManifest({
    loadManifest: async () =>
      (await import("./persisted-query-manifest.json", { with: { type: "json" } })).default,
  }),
).concat(new HttpLink({ uri, fetch: djangoFetch }));
