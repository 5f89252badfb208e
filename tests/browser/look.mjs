// Opens pages in a real Chromium and reports what it saw. JSON in on stdin, JSON out on stdout:
// {"executable", "visits": [{"url", "width", "scheme", "javascript", "screenshot", "print", "paper", "steps": [...]}]}
// "print" is where the PDF goes that the page becomes on paper (A4, or Letter).
// A step is {"check": css} | {"blank": css of a hidden field} | {"fill": [css, text]} | {"press": key} | {"click": css}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const order = JSON.parse(readFileSync(0, "utf8"));
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];

async function play(page, step) {
  if (step.check) await page.check(step.check, { force: true });
  if (step.blank) await page.$eval(step.blank, (field) => field.setAttribute("value", ""));
  if (step.fill) await page.fill(step.fill[0], step.fill[1]);
  if (step.press) await page.keyboard.press(step.press);
  if (step.click) await page.click(step.click);
}

// Runs in the page: what a finger can miss, what runs over the edge, what the keyboard is on.
function measure() {
  const box = (element) => element.getBoundingClientRect();
  const targets = [...document.querySelectorAll("label.choice, button, .messages a, .touch, textarea")];
  const small = targets.filter((element) => box(element).height < 44 || box(element).width < 44);
  return {
    title: document.title,
    heading: document.querySelector("h1")?.textContent ?? null,
    text: document.body.innerText,
    checked: [...document.querySelectorAll("input:checked")].map((input) => `${input.name}=${input.value}`),
    focused: document.activeElement?.name ?? null,
    small_targets: small.map((element) => `${element.textContent.trim().slice(0, 30)} ${box(element).width}x${box(element).height}`),
    overflow_px: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    scripts: document.scripts.length,
  };
}

// The checker needs timers. A page that lived without scripts is shown to it again, byte for byte, in a browser that has them.
async function checkable(browser, page, answer, body, wish) {
  if (wish.javascript) return page;
  const twin = await (await browser.newContext({ ...settingsOf(wish), javaScriptEnabled: true })).newPage();
  await twin.route(page.url(), (route) => route.fulfill({ status: answer.status(), headers: answer.headers(), body }));
  await twin.goto(page.url(), { waitUntil: "load" });
  return twin;
}

function settingsOf(wish) {
  return {
    viewport: { width: wish.width ?? 320, height: 640 },
    colorScheme: wish.scheme ?? "light",
    javaScriptEnabled: wish.javascript ?? false,
    locale: wish.locale ?? "en-US",
    extraHTTPHeaders: wish.headers ?? {},
  };
}

async function visit(browser, wish) {
  const context = await browser.newContext(settingsOf(wish));
  const page = await context.newPage();
  const requests = [];
  const complaints = [];
  page.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  let answer;
  let body;
  page.on("response", (response) => {
    const redirects = response.status() >= 300 && response.status() < 400;
    if (!response.request().isNavigationRequest() || redirects) return;
    answer = response;
    body = response.body().catch(() => Buffer.alloc(0));
  });
  await page.goto(wish.url, { waitUntil: "load" });
  for (const step of wish.steps ?? []) await play(page, step);
  await page.waitForLoadState("networkidle");
  if (wish.print) await page.pdf({ path: wish.print, format: wish.paper ?? "A4", printBackground: true, preferCSSPageSize: false });
  if (wish.screenshot) await page.screenshot({ path: wish.screenshot, fullPage: true });
  const checked = await checkable(browser, page, answer, await body, wish);
  await checked.evaluate(axe);
  const found = await checked.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const seen = {
    ...(await page.evaluate(measure)),
    url: page.url(),
    status: answer.status(),
    headers: answer.headers(),
    requests,
    complaints,
    violations: found.violations.map((rule) => ({
      id: rule.id, impact: rule.impact, help: rule.help, nodes: rule.nodes.map((node) => `${node.target}: ${node.failureSummary}`),
    })),
    rules_passed: found.passes.length,
  };
  await context.close();
  await checked.context().close();
  return seen;
}

const browser = await chromium.launch({ executablePath: order.executable, headless: true, args });
try {
  const seen = [];
  for (const wish of order.visits) seen.push(await visit(browser, wish));
  process.stdout.write(JSON.stringify(seen));
} finally {
  await browser.close();
}
