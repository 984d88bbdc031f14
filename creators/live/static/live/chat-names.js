// Names while they are typed: after an @ those who wrote lately are offered.

import { make } from "./chat-line.js";

const AMONG = 400; // the newest lines
const OFFERED = 5;

// What is typed of a name where the caret stands: { at, word }, or null. Pure.
export function typedName(text, caret) {
  const found = /(?:^|[^\p{L}\p{N}_@])@([\p{L}\p{N}_][^@]{0,39})?$/u.exec(text.slice(0, caret));
  if (found === null) return null;
  const word = found[1] ?? "";
  return { at: caret - word.length - 1, word };
}

// The names that begin so, those who wrote last first. Pure.
export function namesFor(word, lines, { host, own }) {
  const wanted = word.toLowerCase();
  const lately = lines.slice(-AMONG);
  // Who hosts may write under another name: it is offered once.
  const isHere = lately.some((line) => line.badge === "host");
  const names = [...lately.map((line) => line.author), isHere ? "" : host].reverse();
  const fits = (name) => name && name !== own && name.toLowerCase().startsWith(wanted);
  return [...new Set(names.filter(fits))].slice(0, OFFERED);
}

export function startNames(chat) {
  const { input, connection, say } = chat;
  const list = make("ul", "chat-names");
  list.id = "chat-names";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", say("names"));
  chat.over.append(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  let typed = null;
  let chosen = 0;

  function offer() {
    const { messages, show, you } = connection.state;
    typed = typedName(input.value, input.selectionStart);
    const names =
      typed === null
        ? []
        : namesFor(typed.word, messages, { host: show?.host, own: you?.name });
    list.replaceChildren(
      ...names.map((name, at) => {
        const option = make("li", "chat-names__one", `@${name}`);
        option.id = `chat-name-${at}`;
        option.setAttribute("role", "option");
        option.dataset.name = name;
        return option;
      }),
    );
    list.hidden = names.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    choose(0);
  }

  function choose(at) {
    chosen = at;
    [...list.children].forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === at));
    });
    if (list.hidden) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[at].id);
  }

  function take(name) {
    const end = typed.at + typed.word.length + 1;
    input.setRangeText(`@${name} `, typed.at, end, "end");
    close();
  }

  function close() {
    list.hidden = true;
    typed = null;
    input.setAttribute("aria-expanded", "false");
    choose(0);
  }

  input.addEventListener("input", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const many = list.children.length;
    if (event.key === "ArrowDown") choose((chosen + 1) % many);
    else if (event.key === "ArrowUp") choose((chosen + many - 1) % many);
    else if (event.key === "Enter" || event.key === "Tab") take(list.children[chosen].dataset.name);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  // Before the field loses the focus.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[data-name]");
    if (option) take(option.dataset.name);
  });
}
