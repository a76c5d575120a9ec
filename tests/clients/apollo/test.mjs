import {
  ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache, ServerError,
} from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import assert from "node:assert/strict";
import { test } from "node:test";
import { filter, firstValueFrom } from "rxjs";
import { requests, USER } from "../browser.mjs";
import { djangoFetch } from "../fetch.mjs";
import { moderate, rename, showMore, showMoreReviews } from "./books.mjs";
import { cache, client } from "./client.mjs";
import { automatic, batches, trusted, uploads } from "./links.mjs";
import { BOOKS, LOG_IN, REVIEWS, SEARCH, SET_COVER } from "./operations.mjs";

const over = (link, options) => new ApolloClient({ link, cache: new InMemoryCache(), ...options });
const plain = over(new HttpLink({ uri: "/graphql/" }));
const TITLE = gql`query Title { book(id: 1) { id title } }`;

async function watched(options) {
  const query = client.watchQuery(options);
  query.subscribe(() => {});
  await firstValueFrom(query.pipe(filter(({ loading }) => !loading)));
  return query;
}

async function codes(promise) {
  const error = await promise.then(() => assert.fail("is refused"), (error) => error);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  return error.errors.map(({ extensions }) => extensions.code);
}

test("pages by offset are put together", async () => {
  const books = await watched({ query: BOOKS, variables: { price: "10", limit: 5 } });
  await showMore(books);
  const whole = await plain.query({ query: BOOKS, variables: { price: "10", limit: 10 } });
  assert.equal(whole.data.books.length, 10);
  assert.deepEqual(books.getCurrentResult().data, whole.data);
});

test("pages of a nested connection are put together", async () => {
  const reviews = await watched({ query: REVIEWS, variables: { id: "1" } });
  await showMoreReviews(reviews);
  const { data } = await firstValueFrom(
    reviews.pipe(filter(({ data }) => data.book.reviewsConnection.edges.length > 2)),
  );
  const { edges, pageInfo } = data.book.reviewsConnection;
  assert.equal(new Set(edges.map(({ node }) => node.id)).size, 4);
  assert.equal(pageInfo.hasNextPage, true);
});

test("rows of several types are told apart", async () => {
  const { data } = await client.query({ query: SEARCH, variables: { text: "a" } });
  assert.deepEqual(new Set(data.search.map(({ __typename }) => __typename)), new Set(["Author", "Book"]));
  for (const row of data.search) assert.ok(row.title ?? row.name);
  // as a cache that does not know which types the union has
  const { data: lost } = await plain.query({ query: SEARCH, variables: { text: "a" } });
  for (const row of lost.search) assert.equal(row.title ?? row.name, undefined);
});

test("rows with a key of several columns are kept by it", async () => {
  const query = gql`query Lines { orders(limit: 2) { id lines { orderId lineNumber quantity } } }`;
  const { data } = await client.query({ query });
  const { orderId, lineNumber } = data.orders[0].lines[0];
  assert.ok(cache.extract()[`OrderLine:${JSON.stringify({ orderId, lineNumber })}`]);
});

test("a title is shown before the server answers, and taken back when it refuses", async () => {
  const shown = [];
  const { data } = await client.query({ query: TITLE });
  client.watchQuery({ query: TITLE }).subscribe(({ data }) => shown.push(data?.book.title));
  const title = `By Apollo at ${Date.now()}`;
  await rename(client, data.book, title);
  assert.deepEqual(await codes(rename(client, data.book, "")), ["VALIDATION_FAILED"]);
  const changes = shown.filter((title, at) => title !== shown[at - 1]);
  assert.deepEqual(changes, [data.book.title, title, "", title]);
});

test("errors that are data", async () => {
  assert.equal((await moderate(client, "1", "APPROVED")).status, "APPROVED");
  await assert.rejects(moderate(client, "0", "APPROVED"), { message: "There is no review 0." });
});

test("errors have codes, whatever the status of the response", async () => {
  const query = (text, variables) => plain.query({ query: gql(text), variables });
  assert.deepEqual(await codes(query("{ nothing }")), ["GRAPHQL_VALIDATION_FAILED"]);
  assert.deepEqual(await codes(query("query ($n: Int!) { books(limit: $n) { id } }", { n: "x" })), ["BAD_USER_INPUT"]);
  assert.deepEqual(await codes(rename(plain, { id: "0" }, "x")), ["NOT_FOUND"]);
  const refused = new HttpLink({ uri: "/graphql/", fetch: (uri, init) => fetch(uri, { ...init, body: "[" }) });
  assert.deepEqual(await codes(over(refused).query({ query: TITLE })), ["BAD_REQUEST"]);
});

test("a client that is too fast gets a code, with status 429", async () => {
  document.cookie = "settings=limited";
  const ask = () => plain.query({ query: TITLE, fetchPolicy: "network-only" });
  assert.ok((await ask()).data);
  assert.deepEqual(await codes(ask()), ["RATE_LIMITED"]);
  document.cookie = "settings=; max-age=0";
});

test("what is no answer of GraphQL is an error of another kind", async () => {
  const missing = over(new HttpLink({ uri: "/nothing/" })).query({ query: TITLE });
  assert.equal((await missing.catch((error) => error)).statusCode, 404);
  const closed = over(new HttpLink({ uri: "http://127.0.0.1:9/" })).query({ query: TITLE });
  const error = await closed.catch((error) => error);
  assert.ok(!CombinedGraphQLErrors.is(error) && !ServerError.is(error), String(error));
});

test("what is not offered is refused by name", async () => {
  const deferred = plain.query({ query: gql`{ book(id: 1) { id ... @defer { title } } }`, fetchPolicy: "no-cache" });
  await assert.rejects(deferred, /defer/);
  const subscription = plain.subscribe({ query: gql`subscription { books { id } }` });
  const { error } = await firstValueFrom(subscription);
  assert.match(error.errors[0].message, /^The .*subscription operation/);
});

test("a session needs Django's token, which the recipe sends", async () => {
  assert.equal((await client.mutate({ mutation: LOG_IN, variables: USER })).data.logIn.username, USER.username);
  assert.match(document.cookie, /csrftoken=/);
  assert.deepEqual(await codes(rename(plain, { id: "1" }, "x")), ["CSRF_FAILED"]);
  assert.equal((await rename(client, { id: "1" }, "With a token")).data.renameBook.title, "With a token");
});

test("operations of one moment are one request", async () => {
  const batching = over(batches);
  const answers = await Promise.all([
    batching.query({ query: TITLE }),
    batching.query({ query: BOOKS, variables: { price: "10", limit: 1 } }),
    batching.query({ query: gql`{ nothing }`, errorPolicy: "all" }),
  ]);
  assert.equal(requests.length, 1);
  assert.ok(answers[0].data.book && answers[1].data.books);
  assert.equal(answers[2].error.errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});

test("queries are persisted by the first who sends them", async () => {
  const query = gql`query Persisted${Date.now()} { book(id: 1) { id title } }`;
  for (const sent of [["GET", "POST"], ["GET"]]) {
    requests.splice(0);
    const { data } = await over(automatic).query({ query });
    assert.equal(data.book.id, "1");
    assert.deepEqual(requests.map(({ method }) => method), sent);
  }
  assert.equal(requests[0].url.searchParams.has("query"), false);
  const mutation = gql`mutation Persisted${Date.now()} { renameBook(id: 1, title: "Persisted") { id } }`;
  requests.splice(0);
  await over(automatic).mutate({ mutation });
  assert.deepEqual(requests.map(({ method }) => method), ["POST", "POST"]);
});

test("where only trusted documents are executed, those of a manifest are, whoever has written it", async () => {
  const loadManifest = async () => (await import("./fraiseql-trust.json", { with: { type: "json" } })).default;
  const byCommand = new PersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest })).concat(
    new HttpLink({ uri: "/graphql/", fetch: djangoFetch }),
  );
  for (const [settings, link] of [["apollo", trusted], ["fraiseql-trust", byCommand]]) {
    document.cookie = `settings=${settings}`;
    requests.splice(0);
    const { data } = await over(link).query({ query: BOOKS, variables: { price: "10", limit: 2 } });
    assert.equal(data.books.length, 2);
    const [{ body }] = requests;
    assert.equal(JSON.parse(body).query, undefined);
    const other = client.query({ query: TITLE, fetchPolicy: "network-only" });
    assert.deepEqual(await codes(other), ["DOCUMENT_NOT_TRUSTED"]);
  }
  document.cookie = "settings=; max-age=0";
});

test("files are sent with their names", async () => {
  const file = new File(["a picture"], "Übersicht 日本.png", { type: "image/png" });
  const { data } = await over(uploads).mutate({ mutation: SET_COVER, variables: { id: "2", file } });
  assert.match(data.setCover.cover.name, /^covers\/Übersicht_日本.*\.png$/);
  assert.equal(data.setCover.cover.size, "9");
  assert.ok(requests[0].body instanceof FormData);
  const blob = new Blob(["no name"]);
  assert.ok((await over(uploads).mutate({ mutation: SET_COVER, variables: { id: "2", file: blob } })).data);
});
