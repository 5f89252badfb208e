// Phones in a test's hand, each a Chromium profile of its own that lives until the end: one order a line on stdin, one
// answer a line on stdout. {"executable"} first, then {"phone", "do", "given": […]}; what it may do is at `orders`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = { timeout: 60_000 };
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
const phones = new Map();
let browser;

async function phone(name) {
  if (!phones.has(name)) {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE.timeout);
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(String(error.stack)));
    phones.set(name, page);
  }
  return phones.get(name);
}

const orders = {
  goto: (page, url) => page.goto(url, { waitUntil: "load" }).then(() => null),
  reload: (page) => page.reload({ waitUntil: "load" }).then(() => null),
  fill: (page, css, text) => page.fill(css, text),
  click: (page, css) => page.click(css),
  choose: (page, css, name, mimeType, base64) =>
    page.setInputFiles(css, { name, mimeType, buffer: Buffer.from(base64, "base64") }),
  // Waits until something there says so.
  see: (page, css, text) => page.locator(css, { hasText: text }).first().waitFor({ state: "visible", ...PATIENCE }),
  gone: (page, css) => page.locator(css).first().waitFor({ state: "hidden", ...PATIENCE }),
  // Waits until all that it says is this; lines without anything do not count.
  async says(page, css, text) {
    const isSo = ([where, wanted]) => document.querySelector(where)?.innerText.trim().replace(/\n+/g, "\n") === wanted;
    await page.waitForFunction(isSo, [css, text], PATIENCE).catch(async () => {
      throw new Error(`${css} says ${JSON.stringify(await page.innerText(css))}`);
    });
  },
  text: (page, css) => page.innerText(css),
  offline: (page, is) => page.context().setOffline(is),
  complaints: (page) => page.complaints,
  shot: (page, path) => page.screenshot({ path, fullPage: true }).then(() => null),
  // What a finger can miss, what runs over the edge, what a screen reader cannot say.
  async look(page) {
    await page.evaluate(axe);
    const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const found = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly }), rules);
    const measured = await page.evaluate(() => {
      const targets = [...document.querySelectorAll("button, input, textarea")].filter((one) => one.checkVisibility());
      const small = targets.filter((one) => one.getBoundingClientRect().height < 44 || one.getBoundingClientRect().width < 44);
      const { scrollWidth, clientWidth } = document.documentElement;
      return { small_targets: small.map((one) => one.outerHTML), overflow_px: scrollWidth - clientWidth };
    });
    return { violations: found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), ...measured };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    if (order.executable) browser = await chromium.launch({ executablePath: order.executable, headless: true, args });
    const value = order.do ? await orders[order.do](await phone(order.phone), ...(order.given ?? [])) : null;
    answer = { value: value ?? null };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser?.close();
