// The questions of a show: by product, what most want answered first. One may ask, and want a question
// answered, too; the host and the moderators say what is answered.

import { make } from "./chat-line.js";
import { post } from "./sending.js";

// Open questions by product in the order of the bag, what is about nothing in it last; the answered
// ones, the newest first. Pure.
export function sorted(questions, bag) {
  const about = new Map([...bag.map((product) => [product.id, []]), [null, []]]);
  const open = questions.filter((one) => one.answered_at === null);
  for (const one of open.toSorted((a, b) => b.votes - a.votes || a.id - b.id)) {
    about.get(about.has(one.product_id) ? one.product_id : null).push(one);
  }
  const answered = questions.filter((one) => one.answered_at !== null);
  return {
    groups: [...about].filter(([, group]) => group.length > 0),
    answered: answered.toSorted((a, b) => b.answered_at - a.answered_at || b.id - a.id),
  };
}

export function startQuestions(root, chat) {
  const { connection, say } = chat;
  const place = document.querySelector("[data-questions]");
  const find = (name) => place.querySelector(`[data-${name}]`);
  const form = find("ask-form");
  const choice = find("ask-product");
  const voted = new Set(
    [...place.querySelectorAll("[data-question]:has([aria-pressed=true])")].map((item) =>
      Number(item.dataset.question),
    ),
  );
  const items = new Map(); // id -> { element, key }
  const groups = new Map(); // product id -> { title, list }
  find("question-list").replaceChildren();
  find("answered").replaceChildren();

  async function send(url, fields) {
    const { ok, title } = await post(url, fields);
    if (!ok && find("ask-error")) find("ask-error").textContent = title || say("failed");
    return ok;
  }

  // --- One question -----------------------------------------------------------------------

  function button(label, className, work) {
    const element = make("button", className, label);
    element.type = "button";
    element.addEventListener("click", work);
    return element;
  }

  function draw({ id, author, body, votes, answered_at }, { you, show }) {
    const item = make("li", "question");
    item.dataset.question = id;
    const text = make("p", "question__text");
    text.append(make("b", "chat__name", author), " ", body);
    item.append(text);
    if (answered_at !== null) return item;
    const vote = button(`▲ ${votes}`, "question__vote", () => want(id));
    vote.setAttribute("aria-label", say("wantToo", { n: votes }));
    vote.setAttribute("aria-pressed", String(voted.has(id)));
    vote.disabled = !you?.user_id || show.state !== "live";
    const tools = make("div", "question__tools");
    tools.append(vote);
    if (you?.role === "host" || you?.role === "moderator") {
      const { answerUrl, deleteUrl } = place.dataset;
      tools.append(
        button(say("answered"), "chat__tool", () => send(answerUrl, { question: id })),
        button(say("delete"), "chat__tool", () => send(deleteUrl, { question: id })),
      );
    }
    item.append(tools);
    return item;
  }

  async function want(id) {
    const isWanted = !voted.has(id);
    if (!(await send(place.dataset[isWanted ? "voteUrl" : "unvoteUrl"], { question: id }))) return;
    if (isWanted) voted.add(id);
    else voted.delete(id);
    show(connection.state);
  }

  // --- All of them ------------------------------------------------------------------------

  // What did not change keeps its element, and who stands on it the focus.
  function itemFor(question, state) {
    const key = JSON.stringify([question, voted.has(question.id), state.you?.role]);
    const known = items.get(question.id);
    if (known?.key === key) return known.element;
    const element = draw(question, state);
    if (known) {
      const buttons = [...known.element.querySelectorAll("button")];
      const standing = buttons.indexOf(document.activeElement);
      known.element.replaceWith(element);
      element.querySelectorAll("button")[standing]?.focus({ preventScroll: true });
    }
    items.set(question.id, { element, key });
    return element;
  }

  function fill(list, elements) {
    elements.forEach((element, at) => {
      if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
    });
    while (list.children.length > elements.length) list.lastElementChild.remove();
  }

  function groupFor(productId, bag) {
    if (!groups.has(productId)) {
      const title = make("h3", "questions__about");
      groups.set(productId, { title, list: make("ul", "questions__group") });
    }
    const { title, list } = groups.get(productId);
    const words = bag.find((product) => product.id === productId)?.title ?? say("anythingElse");
    if (title.textContent !== words) title.textContent = words;
    return [title, list];
  }

  function show(state) {
    const { groups: wanted, answered } = sorted(state.questions, state.bag);
    const parts = wanted.map(([productId, questions]) => {
      const [title, list] = groupFor(productId, state.bag);
      fill(list, questions.map((question) => itemFor(question, state)));
      return [title, list];
    });
    fill(find("question-list"), parts.flat());
    fill(find("answered"), answered.map((question) => itemFor(question, state)));
    find("answered-place").hidden = answered.length === 0;
    find("no-questions").hidden = wanted.length > 0;
    showProducts(state);
  }

  function showProducts({ bag }) {
    if (choice === null) return;
    const known = [...choice.options].slice(1).map((option) => option.value);
    if (known.join() === bag.map((product) => product.id).join()) return;
    const { value } = choice;
    const [all] = choice.options;
    choice.replaceChildren(all, ...bag.map((product) => new Option(product.title, product.id)));
    if (bag.some((product) => String(product.id) === value)) choice.value = value;
  }

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = find("ask-input");
    const body = input.value.trim();
    if (body === "") return;
    find("ask-error").textContent = "";
    const fields = { client_id: crypto.randomUUID(), body };
    if (choice.value !== "") fields.product = choice.value;
    if (await send(place.dataset.askUrl, fields)) input.value = "";
  });
  return { show };
}
