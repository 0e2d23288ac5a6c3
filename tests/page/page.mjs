// The page of `lsearch serve` in a real browser: used by keys alone, pictured, and measured.
//
//   node tests/page/page.mjs ADDRESS run                  a person without a mouse, over fixtures/library
//   node tests/page/page.mjs ADDRESS pictures FOLDER      light, dark and narrow, over the same
//   node tests/page/page.mjs ADDRESS measure QUERIES      milliseconds from a key to what it finds; a query a line
//
// LSEARCH_PLAYWRIGHT names the folder of playwright-core, LSEARCH_CHROMIUM the browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [address, verb, argument] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(join(process.env.LSEARCH_PLAYWRIGHT, "index.mjs")));
const browser = await chromium.launch({
  executablePath: process.env.LSEARCH_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu"],
});

/** A page that was let in, and everything that went wrong on it. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.problems = [];
  page.foreign = [];
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(message.text());
  });
  const { origin } = new URL(address);
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) page.foreign.push(request.url());
  });
  await page.goto(address);
  await page.waitForFunction(() => /document/.test(document.getElementById("status").textContent));
  return page;
}

const focused = (page) => page.evaluate(() => document.activeElement.id);
const chosen = (page) => page.locator('.hit[aria-selected="true"] .name').textContent();
const finished = (page, query) =>
  page.waitForFunction(
    (query) => {
      const hits = document.getElementById("hits");
      return hits.dataset.query === query && hits.dataset.mode === "hybrid" && !document.body.classList.contains("waiting");
    },
    query,
  );

async function run() {
  const page = await open();
  const { keyboard } = page;
  assert.equal(new URL(page.url()).search, "", "the key is gone from the address");
  assert.equal(await focused(page), "query");

  // Words so far are found while they are typed; the finished query as well by meaning.
  await keyboard.type("termination of the lea");
  await page.waitForSelector(".hit");
  await keyboard.type("se");
  await finished(page, "termination of the lease");
  assert.match(await page.locator(".hit .name").first().textContent(), /lease|warehouse/i);
  assert.ok((await page.locator(".hit mark").count()) > 0, "words are marked");
  assert.match(await page.locator("#summary").textContent(), /documents?, \d+ ms/);
  assert.equal(await page.locator("#query").getAttribute("aria-expanded"), "true");

  // Down and up, the document beside follows; Enter goes into it.
  await page.waitForSelector("#preview .found");
  const first = await chosen(page);
  await keyboard.press("ArrowDown");
  const second = await chosen(page);
  assert.notEqual(first, second);
  const active = await page.locator("#query").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active} .name`).textContent(), second);
  await page.waitForFunction((name) => document.getElementById("title").textContent === name, second);
  await keyboard.press("ArrowUp");
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "text");
  await page.waitForFunction((name) => document.getElementById("title").textContent === name, first);
  const { inView, words } = await page.evaluate(() => {
    const found = document.querySelector("#text .found").getBoundingClientRect();
    const text = document.getElementById("text").getBoundingClientRect();
    const words = [...document.querySelectorAll("#text .found mark")].map((mark) => mark.textContent.toLowerCase());
    return { inView: found.top < text.bottom && found.bottom > text.top, words };
  });
  assert.ok(inView, "the passage is in view");
  assert.ok(words.some((word) => /^(lease|termin)/.test(word)), words.join());

  // j and k go on from there, c copies the path, Esc goes back, / to the search.
  await keyboard.press("j");
  assert.equal(await chosen(page), second);
  await keyboard.press("k");
  await page.waitForFunction((name) => document.getElementById("title").textContent === name, first);
  await keyboard.press("c");
  await page.waitForFunction(() => document.getElementById("done").textContent === "Copied");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /fixtures\/library\//);
  await keyboard.press("o");
  await page.waitForFunction(() => !["", "Copied"].includes(document.getElementById("done").textContent));
  assert.equal(await page.locator("#done").textContent(), process.env.LSEARCH_OPENS ?? "Opened");
  await keyboard.press("Escape");
  assert.equal(await focused(page), "query");

  // More like this, and back.
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "text");
  await keyboard.press("m");
  await page.waitForSelector("#notes >> text=Documents like");
  assert.ok(!(await page.locator(".hit .name").allTextContents()).includes(first), "never itself");
  assert.equal(await focused(page), "query");
  await keyboard.press("Escape");
  await finished(page, "termination of the lease");

  // A long document is read on beyond what came first.
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("Sarn line levelling");
  await finished(page, "Sarn line levelling");
  await page.waitForSelector("#hits >> text=/sarn/i");
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "text");
  const last = () => page.evaluate(() => Number(document.getElementById("text").lastElementChild.dataset.index));
  const [before] = [await last()];
  await keyboard.press("End");
  await page.waitForFunction((before) => Number(document.getElementById("text").lastElementChild.dataset.index) > before, before);
  await keyboard.press("Home");
  await page.waitForFunction(() => Number(document.querySelector("#text .part").dataset.index) === 0 || (document.getElementById("text").scrollTop = 0));
  await keyboard.press("Escape");

  // A misspelt word, and nothing at all.
  await keyboard.press("/");
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("warehuose ");
  await finished(page, "warehuose ");
  assert.match(await page.locator("#notes").textContent(), /No document has “warehuose”: searched for “warehouse”/);
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type('"qqqqq zzzzz"');
  await page.waitForSelector("#empty >> text=Nothing found");
  // A query that is none tells where.
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("type:pfd lease");
  await page.waitForSelector("#notes .problem >> text=did you mean pdf");
  page.problems = page.problems.filter((problem) => !/422/.test(problem));

  // Filters by keys: Tab goes to the type.
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("agreement");
  await finished(page, "agreement");
  const all = await page.locator(".hit").count();
  await keyboard.press("Tab");
  assert.equal(await focused(page), "type");
  await keyboard.type("pdf");
  await page.waitForFunction((all) => document.querySelectorAll(".hit").length < all, all);
  assert.match(await page.locator(".hit .path").first().textContent(), /\.pdf$/);
  assert.match(await page.locator(".hit .place").first().textContent(), /^p\. \d+/);
  await page.waitForSelector("#text .page");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "the focus is seen");
  // What was asked is there when the page is loaded again.
  await page.reload();
  await page.waitForSelector(".hit");
  assert.equal(await page.locator("#query").inputValue(), "agreement");
  assert.equal(await page.locator("#type").inputValue(), "pdf");

  assert.deepEqual(page.problems, []);
  assert.deepEqual(page.foreign, []);

  // Narrow: the document takes the whole page, Esc gives it back.
  const narrow = await open({ viewport: { width: 390, height: 800 } });
  await narrow.keyboard.type("glacier");
  await finished(narrow, "glacier");
  assert.ok(await narrow.locator("#preview").isHidden());
  await narrow.keyboard.press("Enter");
  await narrow.waitForFunction(() => document.activeElement.id === "text");
  assert.ok(await narrow.locator("#hits").isHidden());
  const overflow = await narrow.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels stand over`);
  await narrow.keyboard.press("Escape");
  assert.ok(await narrow.locator("#hits").isVisible());
  assert.deepEqual(narrow.problems, []);

  // Another site sees nothing of it, even in the browser that was let in.
  const elsewhere = await page.context().newPage();
  await elsewhere.goto("about:blank");
  const { origin } = new URL(address);
  const stolen = await elsewhere.evaluate(
    (origin) => fetch(`${origin}/api/status`, { credentials: "include" }).then((reply) => reply.text(), () => "refused"),
    origin,
  );
  assert.equal(stolen, "refused");
  console.log("every step was done by keys");
}

async function pictures(folder) {
  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", viewport: { width: 390, height: 800 } }],
    ["narrow-dark", { colorScheme: "dark", viewport: { width: 390, height: 800 } }],
  ]) {
    const page = await open(options);
    if (name === "light") await page.screenshot({ path: join(folder, "start.png") });
    await page.keyboard.type("who has to repair the roof");
    await finished(page, "who has to repair the roof");
    if (name.startsWith("narrow")) {
      await page.screenshot({ path: join(folder, `${name}-hits.png`) });
      await page.keyboard.press("Enter");
    }
    await page.waitForSelector("#text .found");
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    if (name === "light") {
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.type("type:pfd lease");
      await page.waitForSelector("#notes .problem");
      await page.screenshot({ path: join(folder, "problem.png") });
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.type("agreement ");
      await page.selectOption("#type", "pdf");
      await page.waitForSelector("#text .page");
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(folder, "pdf.png") });
      await page.selectOption("#type", "code");
      await page.locator("#query").fill("tide");
      await page.waitForSelector("#text.code");
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(folder, "code.png") });
      await page.locator("#clear").click();
      await page.locator("#query").fill('"qqqqq zzzzz"');
      await page.waitForSelector("#empty >> text=Nothing found");
      await page.screenshot({ path: join(folder, "nothing.png") });
    }
  }
}

/** From each key to what it finds, and from the last key of a query to what the finished query finds. */
async function measure(file) {
  const queries = readFileSync(file, "utf8").split("\n").filter(Boolean);
  const page = await open();
  await page.evaluate(() => {
    window.drawn = [];
    const hits = document.getElementById("hits");
    // After the next frame the hits are on the screen.
    new MutationObserver(() => {
      const [query, mode] = [hits.dataset.query, hits.dataset.mode];
      requestAnimationFrame(() => setTimeout(() => window.drawn.push({ query, mode, at: performance.now() })));
    }).observe(hits, { childList: true });
    window.keys = [];
    document.getElementById("query").addEventListener("input", (event) => {
      window.keys.push({ query: event.target.value, at: performance.now() });
    }, { capture: true });
  });
  // The encoder is opened by the first.
  await page.keyboard.type("first");
  await finished(page, "first");
  const server = [];
  page.on("response", async (response) => {
    const url = new URL(response.url());
    if (url.pathname !== "/api/search") return;
    const found = await response.json().catch(() => null);
    if (found?.took_ms) server.push({ mode: found.mode, ms: found.took_ms });
  });
  for (const query of queries) {
    await page.locator("#query").fill("");
    for (const letter of query) {
      await page.keyboard.type(letter);
      // As a person types: fast, and unevenly.
      await page.waitForTimeout(60 + Math.random() * 120);
    }
    await finished(page, query).catch(() => {});
    await page.waitForTimeout(200);
  }
  const { drawn, keys } = await page.evaluate(() => ({ drawn: window.drawn, keys: window.keys }));
  const typing = [];
  const settled = [];
  for (const [at, key] of keys.entries()) {
    // Words that were typed on before they were looked for are found by the next key's search.
    const until = keys[at + 1]?.at ?? Infinity;
    const drawnBefore = (until) => drawn.filter((one) => one.at >= key.at && one.at < until && one.query === key.query);
    const [first] = drawnBefore(until + 1000);
    if (first) typing.push(first.at - key.at);
    const hybrid = drawnBefore(until).find((one) => one.mode === "hybrid");
    if (hybrid) settled.push(hybrid.at - key.at);
  }
  const spread = (numbers) => {
    const sorted = [...numbers].sort((a, b) => a - b);
    const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
    return { number: sorted.length, p50: at(0.5), p95: at(0.95), most: at(1) };
  };
  const of = (mode) => spread(server.filter((one) => one.mode === mode).map((one) => one.ms));
  console.log(JSON.stringify({
    keys: keys.length,
    key_to_first_hits_ms: spread(typing),
    last_key_to_settled_hits_ms: spread(settled),
    server_keyword_ms: of("keyword"),
    server_hybrid_ms: of("hybrid"),
  }, null, 1));
}

try {
  await { run, pictures, measure }[verb](argument);
} finally {
  await browser.close();
}
