// A question before a form is sent: only a yes sends it.

export function ask(question, form, submitter) {
  const dialog = document.querySelector("[data-confirm-dialog]");
  if (dialog.open) return;
  dialog.returnValue = "no";
  dialog.querySelector("[data-confirm-text]").textContent = question;
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "true";
      form.requestSubmit(submitter);
      delete form.dataset.confirmed;
    },
    { once: true },
  );
  dialog.showModal();
}
