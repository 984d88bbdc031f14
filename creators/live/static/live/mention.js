export const token = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

// Tells the server something it may also miss; goes out even when the page is being left.
export function mention(url, fields) {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token());
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  navigator.sendBeacon?.(url, form);
}
