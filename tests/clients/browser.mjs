// What a page of the shop has: an address, cookies, and a fetch that stores and sends them; and what it has sent.
// node --import browser.mjs
import { GlobalRegistrator } from "@happy-dom/global-registrator";
import { after, beforeEach } from "node:test";

export const USER = { username: "reader1", password: "a password" };
export const requests = [];

GlobalRegistrator.register({ url: process.env.SHOP_URL });
// which settings the server has for this page
if (process.env.SHOP_SETTINGS) document.cookie = `settings=${process.env.SHOP_SETTINGS}`;
const fetch_ = globalThis.fetch;
globalThis.fetch = async (input, init = {}) => {
  const { method = "GET", body, cache } = init;
  const headers = new Headers(init.headers);
  // happy-dom knows the header, but not what browsers make it of
  if (cache === "no-cache") headers.set("Cache-Control", cache);
  requests.push({ url: new URL(input, document.location.href), method, headers, body });
  const response = await fetch_(input, { ...init, headers });
  requests.answered += 1;
  return response;
};
beforeEach(() => {
  requests.splice(0);
  requests.answered = 0;
});
after(() => GlobalRegistrator.unregister());
