
const config = JSON.parse(document.getElementById("config").textContent);
const given = new URLSearchParams(location.search);

// What is kept in the browser belongs to this endpoint: a site may have several schemas.
const NAMESPACE = `graphiql ${location.pathname}`;

function complain(error) {
  document.getElementById("graphiql").remove();
  document.getElementById("reason").textContent = `The browser says: ${error.message}`;
  document.getElementById("missing").hidden = false;
}

async function load() {
  const [{ createElement }, { createRoot }, graphiql, react, toolkit, explorer] = await Promise.all([
    import("react"),
    import("react-dom/client"),
    import("graphiql"),
    import("@graphiql/react"),
    import("@graphiql/toolkit"),
    import("@graphiql/plugin-explorer"),
  ]);
  if (config.workers.editor) {
    globalThis.MonacoEnvironment = { getWorker: (_, label) => startWorker(config.workers[label] ?? config.workers.editor) };
  } else {
    await import("graphiql/setup-workers/esm.sh");
  }
  show({ createElement, createRoot, graphiql, react, toolkit, explorer });
}

// A browser starts workers of the page's own origin only.
function startWorker(address) {
  const url = new URL(address, location.href);
  if (url.origin === location.origin) return new Worker(url);
  const wrapper = new Blob([`importScripts(${JSON.stringify(url)})`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(wrapper));
}

async function fetcher({ operationName, ...parameters }, options) {
  // for a moment after another tab was opened, GraphiQL has the name of that one's operation
  if (operationName && parameters.query.includes(operationName)) parameters.operationName = operationName;
  const response = await fetch(location.origin + location.pathname, {
    method: "POST",
    credentials: "same-origin",
    headers: {
      "Accept": "application/graphql-response+json, application/json;q=0.9",
      "Content-Type": "application/json",
      ...options?.headers,
      [config.csrfHeader]: config.csrfToken,
    },
    body: JSON.stringify(parameters),
  });
  if (!response.headers.get("Content-Type")?.includes("json")) {
    throw new Error(`The server answered ${response.status} ${response.statusText}.`);
  }
  return response.json();
}

function show({ createElement: h, createRoot, graphiql, react, toolkit, explorer }) {
  const storage = toolkit.createLocalStorage({ namespace: NAMESPACE });
  const examples = examplesPlugin(h, react);
  const own = config.examples.length + config.links.length > 0;
  const isWide = matchMedia("(min-width: 700px)").matches;
  // an operation in the URL; the first example until the browser has kept something; and what it has kept
  const isFirstVisit = storage.getItem("graphiql:tabState") === null;
  const start = given.get("query")
    ? { query: given.get("query"), variables: given.get("variables") ?? "" }
    : isFirstVisit ? config.examples[0] : undefined;
  createRoot(document.getElementById("graphiql")).render(
    h(graphiql.GraphiQL, {
      fetcher,
      storage,
      plugins: [graphiql.HISTORY_PLUGIN, explorer.explorerPlugin(), ...(own ? [examples] : [])],
      // only until the user has chosen another plugin, or none; on a phone it would leave no room for the editor
      visiblePlugin: own && isWide && storage.getItem("graphiql:visiblePlugin") === null ? examples : undefined,
      defaultEditorToolsVisibility: true,
      defaultHeaders: config.headers || undefined,
      initialQuery: start?.query,
      initialVariables: start?.variables,
      operationName: given.get("operationName") ?? undefined,
      inputValueDeprecation: true,
      schemaDescription: true,
    }),
  );
}

function examplesPlugin(h, { useGraphiQL, useGraphiQLActions }) {
  function Content() {
    const { addTab, changeTab } = useGraphiQLActions();
    const { queryEditor, variableEditor, tabs } = useGraphiQL(({ queryEditor, variableEditor, tabs }) => ({
      queryEditor, variableEditor, tabs,
    }));
    function open({ query, variables }) {
      const index = tabs.findIndex((tab) => tab.query === query);
      if (index >= 0) return changeTab(index);
      if (queryEditor.getValue().trim()) addTab();
      queryEditor.setValue(query);
      variableEditor.setValue(variables);
    }
    const list = (title, items, item) =>
      items.length > 0 && h("div", null, h("div", { className: "graphiql-doc-explorer-header" }, title), h("ul", null, items.map(item)));
    return h(
      "section",
      { className: "fraiseql-examples" },
      list("Examples", config.examples, (example) =>
        h("li", { key: example.title }, h("button", { type: "button", onClick: () => open(example) }, example.title)),
      ),
      list("Links", config.links, ({ title, url }) =>
        h("li", { key: title }, h("a", { href: url, target: "_blank", rel: "noopener" }, title)),
      ),
    );
  }
  const icon = () =>
    h(
      "svg",
      { viewBox: "0 0 24 24", height: "1em", fill: "none", stroke: "currentColor", strokeWidth: 1.5, strokeLinecap: "round" },
      h("path", { d: "M4 6h.01M4 12h.01M4 18h.01M9 6h11M9 12h11M9 18h11" }),
    );
  return { title: "Examples", icon, content: Content };
}

load().catch(complain);
