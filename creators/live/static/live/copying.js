// Buttons that copy what stands in a field: data-copy="<id of the field>".

export function startCopying(root, { onCopied, onFailed }) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(field.value);
        onCopied();
      } catch {
        field.focus();
        field.select();
        onFailed();
      }
    });
  }
}
