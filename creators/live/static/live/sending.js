// What the scripts of the live pages send over HTTP: the same forms, answered for a program.

const token = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

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

// Tells the server something it may also miss; goes out even when the page is being left.
export function mention(url, fields) {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token());
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  navigator.sendBeacon?.(url, form);
}
