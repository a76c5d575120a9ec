// PostGraphile 4 as a library, as its documentation runs it in production: no log, no GraphiQL, no watching.
const http = require("node:http");
const { postgraphile } = require("postgraphile");
const simplify = require("@graphile-contrib/pg-simplify-inflector");
const filter = require("postgraphile-plugin-connection-filter");

const [port, database] = process.argv.slice(2);

http
  .createServer(
    postgraphile({ connectionString: database, max: 10 }, "public", {
      appendPlugins: [simplify, filter],
      graphileBuildOptions: { connectionFilterRelations: true, pgOmitListSuffix: false },
      simpleCollections: "only",
      legacyRelations: "omit",
      dynamicJson: true,
      setofFunctionsContainNulls: false,
      disableQueryLog: true,
      graphiql: false,
      retryOnInitFail: false,
    }),
  )
  .listen(Number(port), "127.0.0.1");
