// How the host keeps the chat, in the console: lines that wait, the rules, who is muted or banned,
// what was done and its undo. What is more stands on the moderators' desk.

import { make } from "./chat-line.js";
import { act, undo } from "./moderating.js";
import { post } from "./sending.js";
import { timeOf } from "./words.js";

const SLOW = [0, 3, 5, 10, 30, 60, 120];
const HOLD = [0, 1, 2, 3, 4, 5];
const ACTIONS_SHOWN = 20;

export function startMods(root, chat) {
  const { say } = chat;
  const find = (name) => root.querySelector(`[data-${name}]`);
  const tools = make("div", "console-mods");
  const waiting = part("waitingLines");
  const rules = part("rules");
  const done = part("whatWasDone");
  find("muted").closest("section").append(tools);

  function part(words) {
    const details = make("details", "more console-mods__part");
    const summary = make("summary", "", say(words));
    const count = make("span", "badge badge--quiet");
    summary.append(" ", count);
    const list = make("ul", "stack stack--tight");
    if (words !== "rules") list.dataset.empty = say("nothing");
    details.append(summary, list);
    tools.append(details);
    return { details, count, list };
  }

  function button(label, work) {
    const element = make("button", "chat__tool", label);
    element.type = "button";
    element.addEventListener("click", work);
    return element;
  }

  // A list of which only what changed is drawn anew.
  const drawn = new Map();

  function fill(place, name, things, draw) {
    const wanted = things.map((one) => {
      const key = `${name} ${one.id}`;
      if (drawn.get(key)?.of !== one) drawn.set(key, { of: one, element: draw(one) });
      return drawn.get(key).element;
    });
    const keys = new Set(things.map((one) => `${name} ${one.id}`));
    for (const key of drawn.keys()) if (key.startsWith(`${name} `) && !keys.has(key)) drawn.delete(key);
    const isSame =
      wanted.length === place.children.length && wanted.every((one, at) => place.children[at] === one);
    if (!isSame) place.replaceChildren(...wanted);
  }

  // --- Lines that wait --------------------------------------------------------------------

  function why({ why: reason, state, shown_at }) {
    if (reason === "flood") return say("why_flood");
    if (reason.startsWith("filter:")) return say("why_filter", { words: reason.slice(7) });
    return state === "held" && shown_at ? say("why_held", { time: timeOf(shown_at) }) : "";
  }

  function drawHeld(one) {
    const item = make("li", "console-mods__row");
    const text = make("p", "", "");
    text.append(make("b", "chat__name", one.line.author), " ", one.line.body);
    const about = { message: one.line.id };
    item.append(
      text,
      make("span", "small muted", why(one)),
      button(say("show"), () => act(chat, "show", about, say("isShown"))),
      button(say("reject"), () => act(chat, "reject", about, say("isRejected"))),
    );
    return item;
  }

  // --- Rules ------------------------------------------------------------------------------

  const choices = {
    slow_seconds: choice("slow", SLOW),
    hold_seconds: choice("hold", HOLD),
  };
  const followers = make("input");
  followers.type = "checkbox";
  followers.addEventListener("change", setRules);
  const label = make("label", "console__keys", "");
  label.append(followers, " ", say("ruleFollowers"));
  rules.list.before(label);

  function choice(name, values) {
    const select = make("select");
    select.append(
      ...values.map((value) => new Option(value === 0 ? say("off") : say("seconds", { n: value }), value)),
    );
    select.addEventListener("change", setRules);
    const place = make("label", "console-mods__rule", say(name));
    place.append(" ", select);
    rules.list.before(place);
    return select;
  }

  function setRules() {
    const fields = { followers_only: followers.checked ? "1" : "" };
    for (const [name, select] of Object.entries(choices)) fields[name] = select.value;
    act(chat, "rules", fields, say("rulesHold"));
  }

  function showRules({ rules: now }) {
    for (const [name, select] of Object.entries(choices)) {
      const value = String(now[name]);
      if (![...select.options].some((option) => option.value === value)) {
        select.append(new Option(say("seconds", { n: value }), value));
      }
      if (select !== document.activeElement) select.value = value;
    }
    followers.checked = now.followers_only;
    const on = [now.slow_seconds > 0, now.hold_seconds > 0, now.followers_only];
    rules.count.textContent = on.filter(Boolean).length || "";
  }

  // --- Who may not write or be there ------------------------------------------------------

  function drawSanction(one) {
    const item = make("li", "cluster");
    const endless = one.scope === "show" ? "wholeShow" : "noEnd";
    const when = one.until === null ? say(endless) : say("until", { time: timeOf(one.until) });
    const words = [one.kind === "ban" ? say("banned") : "", when, one.reason];
    const about = make("span", "small muted", words.filter(Boolean).join(" · "));
    const lift = () =>
      post(`/sanctions/${one.id}/lift/`, {}).then(({ ok, title }) => {
        if (!ok) chat.complain(title || say("failed"));
      });
    item.append(make("span", "", one.name), " ", about, " ", button(say("lift"), lift));
    return item;
  }

  // --- What was done ----------------------------------------------------------------------

  function drawAction(one) {
    const item = make("li", "console-mods__row");
    const text = make("p", "");
    if (one.subject) text.append(make("b", "", one.subject), " ");
    text.append(one.text);
    const parts = [one.by, timeOf(one.at), one.reason, one.undone ? say("undoneBefore") : ""];
    item.append(text, make("span", "small muted", parts.filter(Boolean).join(" · ")));
    if (one.can_undo && !one.undone) item.append(button(say("undo"), () => undo(chat, one.id)));
    return item;
  }

  let before = {};

  function show(state) {
    if (state.held !== before.held) {
      fill(waiting.list, "held", state.held, drawHeld);
      waiting.count.textContent = state.held.length || "";
    }
    if (state.rules !== before.rules) showRules(state);
    if (state.sanctions !== before.sanctions) {
      fill(find("muted"), "sanction", state.sanctions, drawSanction);
      find("nobody-muted").hidden = state.sanctions.length > 0;
    }
    if (state.actions !== before.actions) {
      fill(done.list, "action", state.actions.slice(-ACTIONS_SHOWN).toReversed(), drawAction);
    }
    const desk = find("appeals");
    if (desk) desk.textContent = state.appeals.length || "";
    before = state;
  }

  return { show };
}
