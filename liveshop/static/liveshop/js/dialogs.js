// Dialogs, and toasts. How a question is asked before a form is sent, questions.js knows.

export function startDialogs(root) {
  root.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-dialog]");
    if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
    const closer = event.target.closest("[data-close-dialog]");
    if (closer) closer.closest("dialog")?.close();
    // A click on the ground behind a dialog lands on the dialog itself.
    if (event.target.matches?.("dialog[open]") && isOutside(event)) event.target.close();
  });
  // Before htmx: a form with data-confirm is sent only after a yes.
  root.addEventListener("submit", askFirst, true);
}

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

function askFirst(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { submitter } = event;
  import("./questions.js").then(({ ask }) => ask(question, form, submitter));
}

// Say something briefly; screen readers hear it, too.
export function toast(text, { milliseconds = 4000 } = {}) {
  const place = document.querySelector("[data-toasts]");
  const item = document.createElement("p");
  item.className = "toast";
  item.textContent = text;
  place.append(item);
  setTimeout(() => item.remove(), milliseconds);
}
