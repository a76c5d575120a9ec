import type { CodegenConfig } from "@graphql-codegen/cli";
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

const config: CodegenConfig = {
  schema: process.env.GRAPHQL_URL,
  documents: "src/**/*.ts",
  importExtension: ".js",
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { persistedDocuments: true },
      // the server executes what is written here, so the names that clients add must be in it
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        strictScalars: true,
        // what JSON has of them
        scalars: {
          BigInt: "string",
          Date: "string",
          DateTime: "string",
          Decimal: "string",
          Duration: "string",
          EAN: "string",
          JSON: "unknown",
          Time: "string",
          Upload: "File | Blob",
          UUID: "string",
        },
      },
    },
  },
};

export default config;
