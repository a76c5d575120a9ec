import { Client, CombinedError, fetchExchange, gql } from "@urql/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import { requests, USER } from "../browser.mjs";
import { client, persisted } from "./client.mjs";

const plain = new Client({ url: "/graphql/", exchanges: [fetchExchange], preferGetMethod: false });
const TITLE = gql`query Title { book(id: 3) { id title } }`;
const BOOKS = gql`
  query Books($price: Decimal!, $offset: Int, $limit: Int!) {
    books(where: { price: { gte: $price } }, orderBy: { price: ASC }, offset: $offset, limit: $limit) {
      id
      title
    }
  }
`;
const PAGES = gql`
  query Pages($first: Int!, $after: String) {
    booksConnection(first: $first, after: $after, orderBy: { title: ASC }) {
      totalCount
      edges { node { id title ...Reviews } }
      pageInfo { hasNextPage endCursor }
    }
  }
  fragment Reviews on Book {
    reviewsConnection(first: 1) { edges { node { id stars } } pageInfo { hasNextPage endCursor } }
  }
`;
const RENAME = gql`mutation Rename($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { id title } }`;
const MODERATE = gql`
  mutation Moderate($id: ID!, $status: ReviewStatus!) {
    moderateReview(id: $id, status: $status) {
      __typename
      ... on Review { id status }
      ... on ModerationError { message code }
    }
  }
`;
const LOG_IN = gql`
  mutation LogIn($username: String!, $password: String!) {
    logIn(username: $username, password: $password) { id username }
  }
`;
const SET_COVER = gql`
  mutation SetCover($id: ID!, $file: Upload!) { setCover(id: $id, file: $file) { id cover { name size } } }
`;

// Graphcache warns of what it cannot keep
const warnings = [];
console.warn = (...args) => warnings.push(args.join(" "));

const codes = ({ error }) => {
  assert.ok(error instanceof CombinedError);
  return error.graphQLErrors.map(({ extensions }) => extensions.code);
};

test("pages by offset are put together", async () => {
  const price = "10";
  await client.query(BOOKS, { price, offset: 0, limit: 5 });
  const { data } = await client.query(BOOKS, { price, offset: 5, limit: 5 });
  const whole = await plain.query(BOOKS, { price, limit: 10 });
  assert.deepEqual(data.books.map(({ id }) => id), whole.data.books.map(({ id }) => id));
});

test("pages by cursor are put together", async () => {
  const first = await client.query(PAGES, { first: 3 });
  const { endCursor } = first.data.booksConnection.pageInfo;
  const second = await client.query(PAGES, { first: 3, after: endCursor });
  const whole = await plain.query(PAGES, { first: 6 });
  const titles = ({ data }) => data.booksConnection.edges.map(({ node }) => node.title);
  assert.equal(titles(second).length, 6);
  assert.deepEqual(titles(second), titles(whole));
  assert.ok(second.data.booksConnection.edges[0].node.reviewsConnection.pageInfo.endCursor);
});

test("a key of several columns, and lists that a mutation invalidates", async () => {
  const query = gql`query Orders { orders(limit: 2) { id number lines { orderId lineNumber quantity } } }`;
  const orders = async () => (await client.query(query, {})).data.orders;
  const [first] = await orders();
  assert.equal((await orders())[0].id, first.id);
  assert.equal(requests.length, 1);
  const input = { customerId: "1", lines: [{ bookId: "1", quantity: 1 }] };
  const placed = await client.mutation(
    gql`
      mutation Place($input: PlaceOrderInput!) {
        placeOrder(input: $input) { ... on PlaceOrderSuccess { order { id } } ... on PlaceOrderError { message } }
      }
    `,
    { input },
  );
  assert.ok(placed.data.placeOrder.order, JSON.stringify(placed.data));
  assert.equal((await orders())[0].id, placed.data.placeOrder.order.id);
});

test("a title is shown before the server answers, and taken back when it refuses", async () => {
  const shown = [];
  const { unsubscribe } = client.query(TITLE, {}).subscribe(({ data }) => shown.push(data.book.title));
  await client.query(TITLE, {});
  const title = `By urql at ${Date.now()}`;
  await client.mutation(RENAME, { id: "3", title });
  assert.deepEqual(codes(await client.mutation(RENAME, { id: "3", title: "" })), ["VALIDATION_FAILED"]);
  unsubscribe();
  const changes = shown.filter((title, at) => title !== shown[at - 1]);
  assert.deepEqual(changes.slice(1), [title, "", title]);
});

test("what is read again after a mutation is what it has written, also by GET", async () => {
  const title = async () => (await client.query(TITLE, {}, { requestPolicy: "network-only" })).data.book.title;
  await title();
  const written = `Read again at ${Date.now()}`;
  await plain.mutation(RENAME, { id: "3", title: written });
  requests.splice(0);
  assert.equal(await title(), written);
  assert.deepEqual(requests.map(({ method }) => method), ["GET"]);
});

test("errors that are data", async () => {
  const answer = async (id) => (await client.mutation(MODERATE, { id, status: "APPROVED" })).data.moderateReview;
  assert.equal((await answer("2")).status, "APPROVED");
  const { __typename, message, code } = await answer("0");
  assert.deepEqual([__typename, message, code], ["ModerationError", "There is no review 0.", 404]);
});

test("errors have codes, whatever the status of the response", async () => {
  const query = (text, variables = {}) => plain.query(gql(text), variables);
  const invalid = await query("{ nothing }");
  assert.deepEqual(codes(invalid), ["GRAPHQL_VALIDATION_FAILED"]);
  assert.deepEqual(codes(await query("query ($n: Int!) { books(limit: $n) { id } }", { n: "x" })), ["BAD_USER_INPUT"]);
  assert.deepEqual(codes(await plain.mutation(RENAME, { id: "0", title: "x" })), ["NOT_FOUND"]);
  assert.deepEqual(codes(await query("{ book(id: 1) { id ... @defer { title } } }")), ["GRAPHQL_VALIDATION_FAILED"]);
});

test("what is no answer of GraphQL is a network error", async () => {
  for (const url of ["/nothing/", "http://127.0.0.1:9/"]) {
    const { error } = await new Client({ url, exchanges: [fetchExchange] }).query(TITLE, {});
    assert.ok(error.networkError, url);
  }
});

test("a session needs Django's token, which the recipe sends", async () => {
  assert.equal((await client.mutation(LOG_IN, USER)).data.logIn.username, USER.username);
  const refused = await plain.mutation(RENAME, { id: "3", title: "x" });
  assert.deepEqual(codes(refused), ["CSRF_FAILED"]);
  assert.equal(refused.error.response.status, 403);
  const { data } = await client.mutation(RENAME, { id: "3", title: "With a token" });
  assert.equal(data.renameBook.title, "With a token");
});

test("queries by GET need a header where the server says so, which the recipe sends", async () => {
  document.cookie = "settings=strict";
  const bare = new Client({ url: "/graphql/", exchanges: [fetchExchange] });
  assert.deepEqual(codes(await bare.query(TITLE, {})), ["CSRF_FAILED"]);
  assert.ok((await client.query(TITLE, {}, { requestPolicy: "network-only" })).data.book);
  assert.deepEqual(requests.map(({ method }) => method), ["GET", "GET"]);
  document.cookie = "settings=; max-age=0";
});

test("queries are persisted by the first who sends them", async () => {
  const query = gql(`query Persisted${Date.now()} { book(id: 1) { id title } }`);
  for (const withText of [[false, true], [false]]) {
    requests.splice(0);
    const { data } = await persisted.query(query, {}, { requestPolicy: "network-only" });
    assert.equal(data.book.id, "1");
    assert.deepEqual(requests.map(({ url }) => url.searchParams.has("query")), withText);
  }
  const { data } = await persisted.mutation(RENAME, { id: "3", title: "Persisted" });
  assert.equal(data.renameBook.title, "Persisted");
});

test("files are sent with their names", async () => {
  const file = new File(["a picture"], "Übersicht 日本.png", { type: "image/png" });
  const { data, error } = await client.mutation(SET_COVER, { id: "4", file });
  assert.equal(error, undefined);
  assert.match(data.setCover.cover.name, /^covers\/Übersicht_日本.*\.png$/);
  assert.ok(requests[0].body instanceof FormData);
  const blobs = await client.mutation(SET_COVER, { id: "4", file: new Blob(["no name"]) });
  assert.equal(blobs.data.setCover.cover.size, "7");
});

test("the cache had nothing to complain of", () => assert.deepEqual(warnings, []));
