// Keys for lists: j and k go down and up, / goes to the search. Everything works without them.
"use strict";

function step(by) {
  const stops = [...document.querySelectorAll("[data-stop]")];
  if (!stops.length) return;
  const here = stops.findIndex((stop) => stop.contains(document.activeElement));
  const next = stops[Math.min(Math.max(here + by, 0), stops.length - 1)];
  next.querySelector("a, button")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
  }
});
