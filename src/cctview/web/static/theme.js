// Remembers whether the visitor chose dark or light; without a choice the system's is used.
(() => {
  const root = document.documentElement;
  const kept = localStorage.getItem("cctview-theme");
  if (kept) root.dataset.theme = kept;
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const dark = getComputedStyle(root).colorScheme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("cctview-theme", root.dataset.theme);
  });
  document.addEventListener("error", (event) => { if (event.target.matches?.("img[data-crop]")) event.target.removeAttribute("src"); }, true);
})();
