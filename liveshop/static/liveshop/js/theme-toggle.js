// The button that turns the page dark or light and remembers it (theme.js applies it next time).

export function startThemeToggle(root) {
  const button = root.querySelector("[data-theme-toggle]");
  if (!button) return;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : system.matches;
  };
  const show = () => {
    button.querySelector("[data-theme-name]").textContent = isDark()
      ? button.dataset.light
      : button.dataset.dark;
    const use = button.querySelector("use");
    use?.setAttribute("href", `${document.body.dataset.icons}#${isDark() ? "sun" : "moon"}`);
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("liveshop.theme", theme);
    } catch {
      // Then the choice lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
  button.hidden = false;
}
