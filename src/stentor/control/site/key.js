// The key in a link's fragment: taken out of the address bar at once, kept for this tab only, and
// never put into an address that is sent anywhere.

/** Returns the key called `name` (`#key=…`), or what this tab was given before, or "". */
export function takeKey(name) {
  const place = `stentor-${name}`;
  const given = new URLSearchParams(location.hash.slice(1)).get(name);
  if (given) {
    sessionStorage.setItem(place, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(place) ?? "";
}

export function keepKey(name, key) {
  sessionStorage.setItem(`stentor-${name}`, key);
}

export function forgetKey(name) {
  sessionStorage.removeItem(`stentor-${name}`);
}

/** Another link opened in this very tab changes only the fragment: begin afresh with it. */
export function followNewKeys(name) {
  addEventListener("hashchange", () => {
    if (location.hash.startsWith(`#${name}=`)) location.reload();
  });
}
