const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";

export function djangoFetch(input, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("X-CSRFToken", csrfToken());
  headers.set("GraphQL-Require-Preflight", "1"); // for forms with files, where there is no token
  return fetch(input, { ...init, headers, credentials: "same-origin" });
}
