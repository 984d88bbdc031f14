// Buttons that copy what stands in a field: data-copy="<id of the field>".

export function startCopying(root, { onCopied, onFailed }) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button === null) return;
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

// Without a script they would do nothing.
export function showCopying(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}
