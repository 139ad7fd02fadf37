// The sign-in pages as a plain client without script sees them: cookies, forms, redirects.

import { createHash, randomBytes } from "node:crypto";
import assert from "node:assert/strict";

const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#34;": '"', "&#39;": "'", "&#43;": "+" };

// attributes of one tag, entities resolved.
function attributes(tag) {
  const all = {};
  for (const [, name, value] of tag.matchAll(/\b([a-z-]+)="([^"]*)"/g)) {
    all[name] = value.replace(/&#?\w+;/g, (e) => entities[e] ?? assert.fail(`entity ${e}`));
  }
  return all;
}

// fill the first form of a page in.
function fill(page, user, password) {
  const form = page.match(/<form\b([^>]*)>(.*?)<\/form>/s);
  assert(form, `no form on the page:\n${page}`);
  const values = new URLSearchParams();
  for (const [, tag] of form[2].matchAll(/<input\b([^>]*)>/gs)) {
    const { type = "text", name, value = "" } = attributes(tag);
    if (type === "hidden") values.set(name, value);
    else if (type === "password") values.set(name, password);
    else if (type === "text" || type === "email") values.set(name, user);
  }
  return { action: attributes(form[1]).action ?? "", values };
}

// Jar keeps cookies as a browser does over http to one host: Secure ones are not sent.
class Jar {
  #cookies = new Map();
  keep(response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...rest] = line.split(";").map((part) => part.trim());
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      if (rest.some((a) => a.toLowerCase() === "secure")) continue;
      if (rest.some((a) => /^max-age=(0|-)/i.test(a))) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
  get header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

// walk from page to page until a redirect leads off the server.
async function walk(base, start, user, password) {
  const jar = new Jar();
  let url = start;
  let body;
  for (let step = 0; step < 10; step++) {
    const headers = jar.header ? { cookie: jar.header } : {};
    const response = await fetch(url, { method: body ? "POST" : "GET", body, headers, redirect: "manual" });
    jar.keep(response);
    const location = response.headers.get("location");
    const page = await response.text();
    if (location) {
      url = new URL(location, url).href;
      body = undefined;
      if (!url.startsWith(`${base}/`)) return new URL(url);
      continue;
    }
    assert.equal(response.status, 200, `${url}: HTTP ${response.status}\n${page}`);
    const form = fill(page, user, password);
    url = new URL(form.action, url).href;
    body = form.values;
  }
  return assert.fail("the sign-in journey does not end");
}

// signIn returns a code and the verifier it is bound to (RFC 7636), once the answer's state and iss are right (RFC 9207).
export async function signIn(base, clientId, redirectUri, user, password) {
  const verifier = randomBytes(48).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const answer = await walk(base, `${base}/authorize?${query}`, user, password);
  assert(answer.href.startsWith(`${redirectUri}?`), answer.href);
  assert.equal(answer.searchParams.get("state"), state);
  assert.equal(answer.searchParams.get("iss"), base);
  assert(answer.searchParams.get("code"), answer.href);
  return { code: answer.searchParams.get("code"), codeVerifier: verifier };
}
