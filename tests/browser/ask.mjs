// Asks URLs from pages in a real Chromium, and tells what the page got and what the console showed.
//
// Prints the origins of its two pages first: {"origins": ["http://127.0.0.1:1", "http://127.0.0.1:2"]}. Each line of
// standard input is a case then, and each gets a line of standard output:
//
//   {"page": 0, "url": "…", "method": "GET", "headers": {"authorization": "Bearer …"}, "credentials": "include"}
//   {"ok": true, "status": 200, "body": "…", "console": []}
//   {"ok": false, "error": "Failed to fetch", "console": ["Access to fetch at …"]}
//
// `ok` means that the page could read the reply, whatever its status. Ends with its input.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { chromium } from "playwright-core";

const PATIENCE = 10_000;

/** A page of nothing, on an origin of its own. */
async function page() {
  const server = createServer((_, reply) => {
    reply.writeHead(200, { "content-type": "text/html" });
    reply.end("<!doctype html><link rel=icon href=data:,><title>page</title>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** Runs in the page. */
async function fetched({ url, ...options }) {
  try {
    const reply = await fetch(url, options);
    return { ok: true, status: reply.status, body: await reply.text() };
  } catch (error) {
    return { ok: false, error: error.message };
  }
}

/** One case, in a context of its own: no preflight is remembered, no cookie shared. */
async function ask(browser, origins, { page, ...request }) {
  const context = await browser.newContext();
  try {
    const tab = await context.newPage();
    const lines = [];
    tab.on("console", (message) => lines.push(message.text()));
    await tab.goto(origins[page ?? 0]);
    const answer = await tab.evaluate(fetched, request);
    if (!answer.ok) {
      await explained(tab, lines);
    }
    return { ...answer, console: lines };
  } finally {
    await context.close();
  }
}

/** The page hears of a failure before the console does; the console's last word is that nothing was loaded. */
async function explained(tab, lines) {
  const isLast = (text) => text.startsWith("Failed to load resource");
  if (!lines.some(isLast)) {
    await tab.waitForEvent("console", { predicate: (message) => isLast(message.text()), timeout: PATIENCE });
  }
}

const pages = [await page(), await page()];
const origins = pages.map(({ origin }) => origin);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Root has no sandbox; these pages are our own.
  args: ["--no-proxy-server", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});
console.log(JSON.stringify({ browser: browser.version(), origins }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await ask(browser, origins, JSON.parse(line))));
}
await browser.close();
pages.forEach(({ server }) => server.close());
