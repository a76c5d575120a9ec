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
  const { method = "GET", headers, body } = init;
  requests.push({ url: new URL(input, document.location), method, headers: new Headers(headers), body });
  const response = await fetch_(input, init);
  requests.answered += 1;
  return response;
};
beforeEach(() => {
  requests.splice(0);
  requests.answered = 0;
});
after(() => GlobalRegistrator.unregister());
