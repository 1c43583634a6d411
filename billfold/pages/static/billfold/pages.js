/* Small conveniences. Every page works without this file; the server decides every amount. */
(() => {
  "use strict";

  const reveal = (root) => {
    for (const element of root.querySelectorAll("[data-needs-js]")) element.hidden = false;
    for (const element of root.querySelectorAll("[data-without-js]")) element.hidden = true;
    for (const box of root.querySelectorAll("[data-selects]")) showState(box);
  };

  const rowsOf = (box) => [...document.querySelectorAll(`[name="${box.dataset.selects}"]:not([data-selects])`)];

  const showState = (box) => {
    const rows = rowsOf(box);
    const ticked = rows.filter((row) => row.checked).length;
    box.checked = rows.length > 0 && ticked === rows.length;
    box.indeterminate = ticked > 0 && ticked < rows.length;
  };

  const copy = async (button) => {
    const said = button.querySelector("[data-says]");
    const before = said.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Select and copy by hand";
    }
    setTimeout(() => { said.textContent = before; }, 2500);
  };

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-selects]")) {
      for (const row of rowsOf(box)) row.checked = box.checked;
    } else {
      for (const master of document.querySelectorAll(`[data-selects="${box.name}"]`)) showState(master);
    }
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-print]");
    if (!button) return;
    if (button.dataset.copy) copy(button);
    else window.print();
  });

  // One click, one request. The server would take a second click for the same payment anyway.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.matches("[data-once]")) return;
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    else button.setAttribute("aria-busy", "true");
  });

  // The back button shows the page as it was left: give its buttons back.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[data-once]")) button.removeAttribute("aria-busy");
  });

  // Escape and a click elsewhere close an open menu.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  document.addEventListener("click", (event) => {
    const menu = document.querySelector(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("htmx:afterSettle", () => reveal(document));
  reveal(document);
  document.querySelector(".errsum")?.focus();
})();
