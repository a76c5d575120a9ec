const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";

export function djangoFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("X-CSRFToken", csrfToken());
  // for forms with files, and queries by GET, of a page without a token
  headers.set("GraphQL-Require-Preflight", "1");
  // a query that is sent again after a mutation must not be answered from the browser's own cache
  return fetch(url, { cache: "no-cache", ...init, headers, credentials: "same-origin" });
}
