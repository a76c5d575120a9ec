// PostGraphile 5 with its Amber preset, as its documentation runs it in production: no GraphiQL, no explain, no watching.
const http = require("node:http");
const { postgraphile } = require("postgraphile");
const { PostGraphileAmberPreset } = require("postgraphile/presets/amber");
const { makePgService } = require("postgraphile/adaptors/pg");
const { grafserv } = require("postgraphile/grafserv/node");
const { PgSimplifyInflectionPreset } = require("@graphile/simplify-inflection");
const { PostGraphileConnectionFilterPreset } = require("postgraphile-plugin-connection-filter");

const [port, database] = process.argv.slice(2);

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset, PostGraphileConnectionFilterPreset],
  // as in version 4, columns without an index can be filtered by
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [makePgService({ connectionString: database, schemas: ["public"], poolConfig: { max: 10 } })],
  schema: {
    defaultBehavior: "-connection +list",
    connectionFilterRelations: true,
    dontSwallowErrors: true,
  },
  grafserv: { graphiql: false, watch: false },
  grafast: { explain: false },
});

const server = http.createServer();
pgl.createServ(grafserv).addTo(server);
server.listen(Number(port), "127.0.0.1");
