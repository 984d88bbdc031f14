// What the host and the moderators do with a line and its author. All of it is a form's post, is
// written down by the server with who did it and why, and can be undone.

import "../stage/mods.js";
import { make } from "./chat-line.js";
import { post } from "./sending.js";

const UNDO_FOR = 8_000;
const LASTS = [
  ["mute60", { seconds: 60 }],
  ["mute600", { seconds: 600 }],
  ["muteShow", {}],
  ["muteAll", { scope: "creator" }],
];

// An act: it says what it did, with a button that undoes it.
export async function act(chat, name, fields, said) {
  const { connection, root, say } = chat;
  const last = connection.state.actions.at(-1)?.id ?? 0;
  const { ok, title } = await post(`${root.dataset.moderationUrl}${name}/`, fields);
  if (!ok) return tell(title || say("failed"));
  const find = () =>
    connection.state.actions.find((one) => one.id > last && one.by === connection.state.you.name);
  tell(said, {
    label: say("undo"),
    async work() {
      const done = find();
      if (done) await undo(chat, done.id);
      else tell(say("failed"));
    },
  });
}

export async function undo(chat, id) {
  const { ok, title } = await post(`/moderation/actions/${id}/undo/`, {});
  tell(ok ? chat.say("undone") : title || chat.say("failed"));
}

// A toast that one can press.
function tell(text, button = null) {
  const place = document.querySelector("[data-toasts]");
  const item = make("p", "toast", text);
  const end = setTimeout(() => item.remove(), button === null ? 4_000 : UNDO_FOR);
  if (button !== null) {
    const press = make("button", "toast__button", button.label);
    press.type = "button";
    press.addEventListener("click", () => {
      clearTimeout(end);
      item.remove();
      button.work();
    });
    item.append(" ", press);
  }
  place.append(item);
}

// The entries of a line's menu; see line-menu.js.
export function itemsFor(line, { chat, dialog, item, isOurs, moderates }) {
  const { say, connection } = chat;
  const about = { message: line.id };
  const remove = item(say("delete"), () => act(chat, "delete", about, say("deleted")));
  if (!moderates) return [item(say("delete"), () => takeBack(chat, line), { isDanger: true })];
  const isPinned = connection.state.pinned_line?.id === line.id;
  const items = [
    item(say(isPinned ? "unpinLine" : "pinLine"), () =>
      isPinned
        ? act(chat, "unpin", {}, say("unpinned"))
        : act(chat, "pin", about, say("linePinned")),
    ),
    remove,
  ];
  if (isOurs || line.author_id === null || line.badge !== "") return items;
  const ask = (kind) => dialog.replaceChildren(...judging(kind, line, { chat, dialog, item }));
  items.push(
    item(say("mute"), () => ask("mute"), { isOpen: true, isDanger: true }),
    item(say("ban"), () => ask("ban"), { isOpen: true, isDanger: true }),
  );
  return items;
}

async function takeBack(chat, line) {
  const { ok, title } = await post(`${chat.root.dataset.moderationUrl}delete/`, {
    message: line.id,
  });
  if (!ok) tell(title || chat.say("failed"));
}

// For how long, and why.
function judging(kind, line, { chat, dialog, item }) {
  const { say } = chat;
  const title = make("p", "line-menu__title", say(`${kind}Whom`, { name: line.author }));
  title.id = "line-menu-title";
  const label = make("label", "line-menu__reason", say("why"));
  const reason = make("input");
  reason.maxLength = 200;
  label.append(reason);
  const judge = (fields) =>
    act(
      chat,
      kind,
      { user: line.author_id, reason: reason.value, ...fields },
      say(kind === "mute" ? "isMuted" : "isBanned", { name: line.author }),
    );
  const choices =
    kind === "mute"
      ? LASTS.map(([words, fields]) => item(say(words), () => judge(fields)))
      : [
          item(say("banShow"), () => judge({}), { isDanger: true }),
          item(say("banAll"), () => judge({ scope: "creator" }), { isDanger: true }),
        ];
  const text = kind === "ban" ? [make("p", "line-menu__text", say("banText"))] : [];
  return [title, ...text, label, ...choices, item(say("cancel"), () => dialog.close())];
}
