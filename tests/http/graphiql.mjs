// node graphiql.mjs FOLDER CHROMIUM URL SCREENSHOTS: uses GraphiQL on the site at URL as people do, by the npm package
// playwright-core, which FOLDER holds, and prints as JSON what is seen.
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, program, site, screenshots] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, "package.json"))("playwright-core");
const OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const EXECUTE = ".graphiql-execute-button";
const seen = {};

const browser = await chromium.launch({ executablePath: program, args: OPTIONS });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
context.setDefaultTimeout(20_000);

// Open a page; what goes wrong in it, and where it sends requests to, is noted under a name.
async function open(name, path, ...wanted) {
  const page = await context.newPage();
  const noted = (seen[name] = { hosts: [], errors: [] });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && !noted.hosts.includes(origin)) noted.hosts.push(origin);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) noted.errors.push(message.text());
  });
  page.on("pageerror", (error) => noted.errors.push(error.message));
  const response = await page.goto(site + path);
  noted.policy = response.headers()["content-security-policy"];
  for (const selector of wanted) await page.locator(selector).first().waitFor();
  return [page, noted];
}

// Return what an editor shows, when it has drawn all of it.
async function text(locator) {
  const read = async () => (await locator.locator(".view-lines").innerText()).replaceAll("\u00a0", " ");
  for (let before = await read(); ; ) {
    await locator.page().waitForTimeout(250);
    const now = await read();
    if (now === before) return now;
    before = now;
  }
}

// Return the JSON object of the variables or the headers, whichever are shown, once it is drawn to its end.
async function tool(page) {
  const editor = page.locator(".graphiql-editor-tool .graphiql-editor:visible");
  await editor.filter({ hasText: "}" }).waitFor();
  return text(editor);
}

// Replace what is in the editor of the operation.
async function write(page, operation) {
  await page.locator(".graphiql-query-editor .view-lines").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.type(operation);
}

async function run(page, expected) {
  await page.click(EXECUTE);
  const answer = page.locator(".result-window .view-lines");
  await answer.filter({ hasText: expected }).waitFor();
  return text(page.locator(".result-window"));
}

try {
  {
    const [page, noted] = await open("first", "/graphql/", ".graphiql-query-editor .view-line", ".fraiseql-examples");
    noted.examples = await page.locator(".fraiseql-examples button").allInnerTexts();
    noted.links = await page.locator(".fraiseql-examples a").evaluateAll((links) => links.map((link) => [link.innerText, link.href]));
    noted.query = await text(page.locator(".graphiql-query-editor"));
    noted.variables = await tool(page);
    noted.answer = await run(page, "data");
    await page.screenshot({ path: join(screenshots, "answer.png") });

    await page.getByRole("button", { name: "Headers" }).click();
    noted.headers = await tool(page);

    await page.getByText("Counts beside lists").click();
    noted.tabs = await page.locator(".graphiql-tab").allInnerTexts();
    noted.counts = await run(page, "booksCount");

    // django-debug-toolbar: its scripts run, and it lists the request of the operation with its one statement
    await page.locator("#djShowToolBarButton").click();
    await page.locator("#djdt-HistoryPanel a").first().click();
    await page.locator("#HistoryPanel .djDebugHistory, #HistoryPanel table").first().waitFor();
    noted.history = await page.locator("#djdtHistoryRequests").innerText();
    await page.screenshot({ path: join(screenshots, "toolbar.png") });
    noted.toolbar = await page.locator("#djDebugToolbar").innerText();
    await page.locator("#HistoryPanel .djDebugClose").click();
    await page.locator("#djHideToolBarButton").click();

    await write(page, "{ boo");
    await page.keyboard.press("Control+Space");
    const popup = page.locator(".suggest-widget .monaco-list-row");
    await popup.first().waitFor();
    noted.completions = await popup.evaluateAll((rows) => rows.map((row) => row.querySelector(".label-name").innerText));
    await page.screenshot({ path: join(screenshots, "completion.png") });
    await page.keyboard.press("Escape");

    await write(page, "{ nothing ");
    await page.locator(".squiggly-error").first().waitFor();
    noted.error = await run(page, "Cannot query field");
    await page.screenshot({ path: join(screenshots, "error.png") });

    await page.getByRole("button", { name: /Documentation Explorer/ }).click();
    await page.locator(".graphiql-doc-explorer-content").getByText("Query", { exact: true }).first().click();
    noted.documentation = await page.locator(".graphiql-doc-explorer").innerText();
    await page.getByRole("button", { name: /GraphiQL Explorer/ }).click();
    await page.locator(".graphiql-explorer-root").waitFor();
    noted.explorer = await page.locator(".graphiql-explorer-root").innerText();
    await page.screenshot({ path: join(screenshots, "explorer.png") });
    await page.close();
  }
  {
    const query = encodeURIComponent("query Named($n: Int) { books(limit: $n) { isbn } }");
    const path = `/graphql/?query=${query}&variables=${encodeURIComponent('{"n": 1}')}`;
    const [page, noted] = await open("link", path, ".graphiql-query-editor .view-line");
    noted.tabs = await page.locator(".graphiql-tab").allInnerTexts();
    noted.answer = await run(page, "isbn");
    await page.getByRole("button", { name: "Headers" }).click();
    noted.headers = await tool(page);
    await page.close();
  }
  {
    // the browser has kept the tabs of /graphql/, which are not those of another schema
    const [page, noted] = await open("refused", "/members/", "h1");
    noted.text = await page.locator("body").innerText();
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Sign in as ann" }).click();
    await page.locator(".fraiseql-examples").waitFor();
    noted.tabs = await page.locator(".graphiql-tab").allInnerTexts();
    noted.answer = await run(page, "ordersCount");
    await page.screenshot({ path: join(screenshots, "members.png") });
    await page.close();
  }
  {
    const phone = await browser.newContext({ viewport: { width: 400, height: 800 } });
    const page = await phone.newPage();
    await page.goto(`${site}/graphql/`);
    await page.locator(".graphiql-query-editor .view-line").first().waitFor();
    const examples = page.locator(".fraiseql-examples");
    seen.first.examplesOnPhone = await examples.count();
    await page.getByRole("button", { name: /Examples/ }).click();
    await examples.waitFor();
    await page.getByRole("button", { name: /Examples/ }).click();
    const [editor, answer] = [await page.locator(".graphiql-editors").boundingBox(), await page.locator(".graphiql-response").boundingBox()];
    seen.first.answerIsBelow = answer.y >= editor.y + editor.height;
    await phone.close();
  }
  {
    // without the files, as where a CDN cannot be reached
    await context.route("**/*graphiql=graphiql.js*", (route) => route.abort());
    const [page, noted] = await open("missing", "/graphql/", "#missing h1");
    noted.text = await page.locator("#missing").innerText();
    await page.screenshot({ path: join(screenshots, "missing.png") });
    await page.close();
  }
  {
    const [page, noted] = await open("start", "/", "h1");
    await page.getByRole("button", { name: "Sell book 1" }).click();
    noted.refused = await page.locator("pre[data-shown]").first().innerText();
    await page.getByRole("button", { name: "Sign in as clerk" }).click();
    await page.getByText("You are signed in as clerk").waitFor();
    const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    await page.setInputFiles("[name=file]", { name: "a.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
    await page.getByRole("button", { name: "Upload" }).click();
    noted.cover = await page.locator("#cover img").evaluate(async (image) => (await image.decode(), image.naturalWidth));
    for (const name of ["Run it", "Get the catalogue"]) await page.getByRole("button", { name }).click();
    await page.screenshot({ path: join(screenshots, "start.png"), fullPage: true });
    await page.close();
  }
} catch (error) {
  for (const page of context.pages()) await page.screenshot({ path: join(screenshots, "failure.png") });
  throw error;
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
