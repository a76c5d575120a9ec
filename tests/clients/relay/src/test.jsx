import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { act, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { commitMutation, fetchQuery, graphql, RelayEnvironmentProvider, useLazyLoadQuery } from "react-relay";
import { requests } from "../../browser.mjs";
import { environment } from "../environment.js";
import { Books } from "./Books.jsx";
import { Cover } from "./Cover.jsx";
import { Reviews } from "./Reviews.jsx";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const QUERY = graphql`query testQuery { ...Books_shop }`;
const FIRST = graphql`
  query testFirstQuery($limit: Int = 1) { books(limit: $limit, orderBy: { price: DESC }) { id } }
`;
const REVIEWED = graphql`
  query testReviewedQuery { books(limit: 1, orderBy: { reviewsCount: DESC }) { id reviewsCount ...Reviews_book } }
`;
const CHANGE = graphql`
  mutation testChangeMutation($id: ID!, $updatedAt: DateTime!) {
    updateBook(id: $id, updatedAt: $updatedAt, input: { pages: 100 }) { ... on UpdateBookSuccess { book { pages } } }
  }
`;
const NODE = graphql`
  query testNodeQuery($id: ID!) { node(id: $id) { __typename ... on Book { title updatedAt cover { name } } } }
`;

const Latest = () => <Reviews book={useLazyLoadQuery(REVIEWED, {}).books[0]} />;
const Shop = () => <Books shop={useLazyLoadQuery(QUERY, {})} />;
const titles = () => [...document.querySelectorAll("p")].map((p) => p.textContent);
const ask = (query, variables = {}) => fetchQuery(environment, query, variables).toPromise();
let root;

async function show(element) {
  root = createRoot(document.body.appendChild(document.createElement("div")));
  const page = (
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback="…">{element}</Suspense>
    </RelayEnvironmentProvider>
  );
  await act(async () => root.render(page));
}

async function until(condition) {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 5000, `waited in vain for ${condition}`);
    await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
  }
}

const does = (selector, type) =>
  act(async () => document.querySelector(selector).dispatchEvent(new MouseEvent(type, { bubbles: true })));

afterEach(async () => {
  await act(async () => root?.unmount());
  document.body.replaceChildren();
});

test("pages of a connection are loaded one after the other, and refetched under another condition", async () => {
  await show(<Shop />);
  await until(() => titles().length === 3);
  const total = Number(document.querySelector("h1").textContent);
  await does("#more", "click");
  await until(() => titles().length === 6);
  assert.equal(new Set(titles()).size, 6);
  await does("#cheap", "click");
  await until(() => document.querySelector("h1") && Number(document.querySelector("h1").textContent) < total);
  assert.equal(titles().length, 3);
});

test("a title is shown before the server answers, and stays when it agrees", async () => {
  await show(<Shop />);
  await until(() => titles().length > 0);
  const title = titles()[0].toUpperCase();
  const { length } = requests;
  act(() => document.querySelector("p").click());
  assert.equal(titles()[0], title);
  assert.equal(requests.answered, length);
  await until(() => requests.answered === length + 1);
  assert.equal(titles()[0], title);
});

test("pages of a list in an object are loaded from its end", async () => {
  await show(<Latest />);
  const ids = () => [...document.querySelectorAll("li")].map((li) => Number(li.textContent));
  await until(() => ids().length === 1);
  await does("#earlier", "click");
  await until(() => ids().length === 3);
  assert.deepEqual(ids(), ids().toSorted((one, other) => one - other));
});

test("a title is taken back when somebody else has changed the book", async () => {
  await show(<Shop />);
  await until(() => titles().length > 0);
  const { books } = await ask(FIRST);
  const { node } = await ask(NODE, { id: books[0].id });
  const { title } = node;
  await act(() => new Promise((onCompleted, onError) => {
    commitMutation(environment, {
      mutation: CHANGE, variables: { id: books[0].id, updatedAt: node.updatedAt }, onCompleted, onError,
    });
  }));
  const { length } = requests;
  // what is shown has not been written in capitals
  environment.commitUpdate((store) => store.get(books[0].id).setValue("Old title", "title"));
  await until(() => titles()[0] === "Old title");
  act(() => document.querySelector("p").click());
  assert.equal(titles()[0], "OLD TITLE");
  await until(() => requests.answered === length + 1);
  assert.equal(titles()[0], "Old title");
  assert.equal((await ask(NODE, { id: books[0].id })).node.title, title);
});

test("an object is refetched by its id", async () => {
  await show(<Shop />);
  await until(() => titles().length > 0);
  const { length } = requests;
  await does("p", "dblclick");
  await until(() => requests.answered === length + 1);
  assert.match(requests[length].body, /"id":"[\w=]+"/);
  assert.ok(titles()[0]);
});

test("a file is sent with its name", async () => {
  const { books } = await ask(FIRST);
  await show(<Cover id={books[0].id} />);
  const input = document.querySelector("input");
  Object.defineProperty(input, "files", { value: [new File(["a picture"], "Übersicht 日本.png")] });
  await does("input", "change");
  await until(() => requests.answered === 2);
  const { node } = await ask(NODE, { id: books[0].id });
  assert.match(node.cover.name, /^covers\/Übersicht_日本.*\.png$/);
  assert.deepEqual(node.__typename, "Book");
});

test("what the server refuses rejects the promise, with its messages and codes", async () => {
  const error = await ask(FIRST, { limit: -1 }).then(() => assert.fail("is refused"), (error) => error);
  assert.equal(error.source.errors[0].extensions.code, "BAD_USER_INPUT");
  assert.match(error.message, /limit/);
});
