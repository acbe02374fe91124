// Theme: the colours somebody chose here, set before anything is drawn. A plain script for that reason, not a module.
(() => {
  try {
    const chosen = localStorage.getItem("sqlrl.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* nothing may be kept: the system's colours */ }
})();
