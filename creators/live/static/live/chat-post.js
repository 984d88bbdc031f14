// Sends over HTTP the lines that no socket has taken. A line that goes both ways is one line, by its
// client id.

import { post } from "./sending.js";

let isPosting = false;

export async function postLines(chat) {
  const { unsaid } = chat.connection;
  if (isPosting) return;
  isPosting = true;
  for (const { t, ...fields } of [...unsaid.values()]) {
    if (t !== "chat") continue;
    const { ok, data, title } = await post(chat.url, fields);
    if (!ok && title === "") break; // no network: it goes out later, one way or the other
    unsaid.delete(fields.client_id);
    if (ok) chat.said({ state: "shown", ...data, client_id: fields.client_id });
    else chat.refused({ re: "chat", ref: fields.client_id, text: title });
  }
  isPosting = false;
  chat.connection.refresh();
}
