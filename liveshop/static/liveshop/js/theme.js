// Before the first paint: the theme that this reader chose, if any.
(() => {
  try {
    const theme = localStorage.getItem("liveshop.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's preference rules then.
  }
})();
