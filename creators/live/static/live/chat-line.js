// One line of a chat as elements; what it says is never markup.

export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// A link is its own address, in plain letters: what is shown is where it leads. The same rule
// stands in the server's templates (chat_links.py).
const LINK =
  /(?<![A-Za-z0-9_])https?:\/\/[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::[0-9]{1,5})?(?=[/?#]|[.,;:!?)\]}'"]*(?:\s|$))(?:[/?#][!#-&(-;=?-_a-~]*)?/gi;
const TRAIL = /[.,;:!?)\]}*_~]+$/;

// Cuts what was said into [text, is it a link].
export function cutLinks(body) {
  const parts = [];
  let at = 0;
  for (const { 0: found, index } of body.matchAll(LINK)) {
    const link = found.replace(TRAIL, "");
    if (index > at) parts.push([body.slice(at, index), false]);
    parts.push([link, true]);
    at = index + link.length;
  }
  if (at < body.length) parts.push([body.slice(at), false]);
  return parts;
}

function fillText(element, line, name) {
  const { badge } = line;
  for (const [text, isLink] of badge === "" ? [[line.body, false]] : cutLinks(line.body)) {
    if (isLink) {
      const link = make("a", "chat__link", text);
      link.href = text;
      link.rel = "nofollow noopener ugc";
      link.target = "_blank";
      element.append(link);
    } else element.append(...mentionOf(text, name));
  }
}

// The reader's own name, where somebody called them.
function mentionOf(text, name) {
  const at = name ? text.toLowerCase().indexOf(`@${name.toLowerCase()}`) : -1;
  if (at === -1) return [text];
  const end = at + 1 + name.length;
  return [text.slice(0, at), make("mark", "chat__at", text.slice(at, end)), text.slice(end)];
}

// `tools(line)` gives elements that stand behind it.
export function drawLine(line, { you, say, tools = () => [] }) {
  const item = make("div", "chat__line");
  item.dataset.line = line.id;
  item.tabIndex = -1;
  const { badge } = line;
  const isOurs = you?.user_id && line.author_id === you.user_id;
  const isCalled = you?.user_id && line.mentions?.includes(you.user_id);
  if (badge) item.classList.add(`chat__line--${badge}`);
  if (isOurs) item.classList.add("chat__line--own");
  if (isCalled) item.classList.add("chat__line--called");
  if (line.reply) {
    const { id, author, body } = line.reply;
    const quote = make("button", "chat__quote", body ? `${author}: ${body}` : say("quoteGone"));
    quote.type = "button";
    quote.tabIndex = -1;
    quote.dataset.jump = id;
    item.append(quote);
  }
  item.append(make("b", "chat__name", line.author), " ");
  if (badge) item.append(make("span", "chat__badge", say(`badge_${badge}`)), " ");
  const text = make("span", "chat__text");
  fillText(text, line, isCalled ? you.name : "");
  item.append(text);
  const behind = tools(line);
  if (behind.length > 0) {
    const place = make("span", "chat__tools");
    place.append(...behind);
    item.append(place);
  }
  return item;
}
