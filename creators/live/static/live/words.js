// Words, counts and times as the reader writes them.

const language = document.documentElement.lang || undefined;

// Reads the words that the server put on an element (data-texts) and fills their {names}.
export function wordsOf(root) {
  const texts = JSON.parse(root.dataset.texts);
  return (key, values = {}) =>
    (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const count = new Intl.NumberFormat(language, { notation: "compact" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });

export const compact = (number) => count.format(number);
export const timeOf = (ms) => clock.format(new Date(ms));
