// What the scripts of the live pages send over HTTP: the same forms, answered for a program.

import { token } from "./mention.js";

export { mention } from "./mention.js";

// Returns { ok, data, title }; `title` is what the server says to people when it refuses.
export async function post(url, fields) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token() },
      body: fields instanceof FormData ? fields : new URLSearchParams(fields),
    });
    // A session that ended leads to the sign-in page.
    if (response.redirected) return { ok: false, data: null, title: "" };
    const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
    const data = isJson ? await response.json() : null;
    return { ok: response.ok, data, title: response.ok ? "" : (data?.title ?? "") };
  } catch {
    return { ok: false, data: null, title: "" };
  }
}
