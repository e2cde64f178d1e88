// Does in a real Chromium what somebody does who runs a WordPress: looks at it, logs in, publishes, uploads a picture, logs
// out. Tells what was seen as one line of JSON; whether that is right is the caller's business.
//
//   visit.mjs '{"home": "http://wordpress.test", "address": "127.0.0.1:8080", "user": "…", "password": "…"}'
//
// Every name but that of `home` leads nowhere: avatars and the like are on machines that no test may ask.

import { chromium } from "playwright-core";

const PATIENCE = 30_000;
const { home, address, user, password } = JSON.parse(process.argv[2]);
const { hostname, protocol } = new URL(home);
const port = protocol === "https:" ? 443 : 80;
const title = `A post of ${Date.now()}`;

/** Runs in the page: every style sheet that it links to, and how many rules came with it. */
function sheets() {
  const links = [...document.querySelectorAll("link[rel=stylesheet]")];
  return links.map(({ href, sheet }) => ({ href, rules: sheet?.cssRules.length ?? 0 }));
}

/** Runs in the page: pictures that did not come. */
function broken() {
  const own = [...document.images].filter((image) => new URL(image.src, location).host === location.host);
  return own.filter((image) => image.complete && image.naturalWidth === 0).map((image) => image.src);
}

/** Runs in the page: how the first element of a selector looks. */
function look([selector, property]) {
  return getComputedStyle(document.querySelector(selector))[property];
}

async function front(tab) {
  await tab.goto(`${home}/`);
  return { heading: await tab.title(), sheets: await tab.evaluate(sheets), broken: await tab.evaluate(broken) };
}

async function login(tab) {
  await tab.goto(`${home}/wp-login.php`);
  const width = await tab.evaluate(look, ["#login", "width"]);
  await tab.fill("#user_login", user);
  await tab.fill("#user_pass", password);
  await Promise.all([tab.waitForURL(`${home}/wp-admin/`), tab.click("#wp-submit")]);
  await tab.waitForSelector("#wpadminbar");
  const menu = await tab.evaluate(look, ["#adminmenu", "backgroundColor"]);
  return { width, menu, sheets: await tab.evaluate(sheets), broken: await tab.evaluate(broken) };
}

/** In the block editor, as it greets a newcomer. */
async function publish(tab) {
  await tab.goto(`${home}/wp-admin/post-new.php`);
  const guide = tab.locator(".edit-post-welcome-guide").getByRole("button", { name: /^Close/ });
  await tab.addLocatorHandler(guide, () => guide.click());
  await tab.locator(".editor-post-title__input").fill(title);
  await tab.getByRole("button", { name: "Publish", exact: true }).click();
  const panel = tab.getByRole("region", { name: "Editor publish" });
  await panel.getByRole("button", { name: "Publish", exact: true }).click();
  const link = panel.getByRole("link", { name: "View Post" });
  await link.waitFor();
  await tab.goto(await link.getAttribute("href"));
  return { url: tab.url(), says: await tab.locator("h1").first().innerText() };
}

/** A picture of the page that is open, by the uploader that draws a bar. */
async function upload(tab) {
  const buffer = await tab.screenshot();
  await tab.goto(`${home}/wp-admin/media-new.php`);
  const input = tab.locator("input[type=file]").first();
  await input.setInputFiles({ name: "picture.png", mimeType: "image/png", buffer });
  const edit = tab.locator(".media-item a.edit-attachment");
  await edit.waitFor();
  const id = Number(new URL(await edit.getAttribute("href"), home).searchParams.get("post"));
  await tab.goto(`${home}/wp-admin/upload.php?item=${id}`);
  const shown = tab.locator(".attachment-media-view img.details-image");
  await shown.waitFor();
  const width = await shown.evaluate((image) => image.decode().then(() => image.naturalWidth));
  // The site is stored under http, and the dashboard says so of its files however it is reached.
  const link = await tab.locator("#attachment-details-two-column-copy-link").inputValue();
  const url = link.replace(/^https?:/, protocol);
  const reply = await tab.goto(url);
  const whole = await tab.evaluate(() => document.images[0].naturalWidth);
  const isSame = buffer.equals(await reply.body());
  return { id, url, widths: [width, whole], type: reply.headers()["content-type"], isSame };
}

/** What was made here is gone again: the stand belongs to other tests as well. */
async function tidy(tab, id) {
  await tab.goto(`${home}/wp-admin/edit.php`);
  return tab.evaluate(
    async ([title, id]) => {
      const nonce = await (await fetch("/wp-admin/admin-ajax.php?action=rest-nonce")).text();
      const headers = { "x-wp-nonce": nonce };
      const found = await fetch(`/wp-json/wp/v2/posts?search=${encodeURIComponent(title)}`, { headers });
      const urls = (await found.json()).map((post) => `/wp-json/wp/v2/posts/${post.id}?force=true`);
      urls.push(`/wp-json/wp/v2/media/${id}?force=true`);
      const replies = await Promise.all(urls.map((url) => fetch(url, { method: "DELETE", headers })));
      return replies.map((reply) => reply.status);
    },
    [title, id],
  );
}

async function logout(tab) {
  await tab.hover("#wp-admin-bar-my-account");
  await Promise.all([tab.waitForURL(/loggedout=true/), tab.click("#wp-admin-bar-logout a")]);
  await tab.goto(`${home}/wp-admin/`);
  return tab.url();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-proxy-server",
    `--host-resolver-rules=MAP ${hostname}:${port} ${address},MAP * ~NOTFOUND`,
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    // Root has no sandbox; these pages are our own.
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
  ],
});
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-US" });
  context.setDefaultTimeout(PATIENCE);
  const tab = await context.newPage();
  const [failed, protocols, console_] = [[], new Set(), []];
  const isOurs = (url) => new URL(url).hostname === hostname;
  tab.on("requestfailed", (request) => {
    // A page that is left takes back what it still asks for.
    const why = request.failure()?.errorText;
    if (isOurs(request.url()) && why !== "net::ERR_ABORTED") failed.push(`${request.url()} ${why}`);
  });
  tab.on("response", async (reply) => {
    if (isOurs(reply.url()) && reply.status() >= 400) failed.push(`${reply.url()} ${reply.status()}`);
  });
  tab.on("console", (message) => {
    const { url } = message.location();
    if (message.type() === "error" && (!url || isOurs(url))) console_.push(`${message.text()} ${url}`);
  });
  const seen = {};
  let step = "front";
  try {
    seen.front = await front(tab);
    step = "login";
    seen.login = await login(tab);
    step = "publish";
    seen.publish = await publish(tab);
    step = "upload";
    seen.upload = await upload(tab);
    step = "tidy";
    seen.tidy = await tidy(tab, seen.upload.id);
    step = "logout";
    seen.logout = await logout(tab);
  } catch (error) {
    seen.stopped = `${step} at ${tab.url()}: ${error.message}`;
    if (process.env.SCREENSHOT) await tab.screenshot({ path: process.env.SCREENSHOT });
  }
  console.log(JSON.stringify({ ...seen, failed, console: console_ }));
} finally {
  await browser.close();
}
