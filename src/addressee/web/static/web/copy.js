// Copy buttons for addresses. Without JavaScript there is no button, and a click still selects the whole address.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

function addButtons(root) {
  for (const code of root.querySelectorAll(".address code")) {
    if (code.nextElementSibling) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.dataset.copy = code.textContent;
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${code.textContent}`);
    code.after(button);
  }
}

addButtons(document);
document.addEventListener("htmx:load", (event) => addButtons(event.target));
