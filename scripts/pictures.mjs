// node pictures.mjs FOLDER CHROMIUM SITE OUT < PICTURES: takes pictures of pages of the site at SITE, by the npm package
// playwright-core, which FOLDER holds; scripts/pictures.py writes PICTURES, and says what they are.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, program, site, out] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, "package.json"))("playwright-core");
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"] });

const STEPS = {
  open: (page, path) => page.goto(site + path),
  click: (page, selector) => page.locator(selector).first().click(),
  fill: (page, [selector, text]) => page.locator(selector).fill(text),
  wait: (page, selector) => page.locator(selector).first().waitFor(),
  hide: (page, selector) => page.addStyleTag({ content: `${selector} { display: none !important; }` }),
};

try {
  for (const { name, width, height, steps } of JSON.parse(readFileSync(0, "utf-8"))) {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce" });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    for (const [step, argument] of steps) await STEPS[step](page, argument);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(out, `${name}.png`), animations: "disabled", caret: "hide" });
    await context.close();
  }
} finally {
  await browser.close();
}
