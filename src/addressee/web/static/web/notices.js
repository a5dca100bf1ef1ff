// Says so when a part of a page could not be fetched: HTMX leaves the page as it was.
"use strict";

function say(text) {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  document.getElementById("notices")?.replaceChildren(notice);
  scrollTo({ top: 0 });
}

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 403) say("That is not permitted, or the page was open too long. Reload it and try again.");
  else if (status === 404) say("It is no longer there. Reload the page.");
  else say(`The server could not do that (${status}). Nothing was changed on this page; try again.`);
});
document.addEventListener("htmx:sendError", () => say("The server can't be reached. Nothing was sent; try again."));
