// Keeps the parts marked data-live as they are on the server. The page works without it.
(function () {
  "use strict";
  const EVERY = 2000;
  async function refresh() {
    if (document.hidden) return;
    const live = [...document.querySelectorAll("[data-live]")];
    if (live.some((part) => part.contains(document.activeElement) || part.querySelector("details[open]"))) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of live) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
      }
    } catch {
      // The simulator is stopped; it may come back.
    }
  }
  setInterval(refresh, EVERY);
})();
