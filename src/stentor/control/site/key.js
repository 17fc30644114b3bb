// The capability in the address: read once from the fragment, which no server ever sees, and then
// taken out of the address bar, so that it is not copied or shown by accident.

export function takeKey(kept, name = "key") {
  const given = new URLSearchParams(location.hash.slice(1)).get(name);
  if (given) {
    sessionStorage.setItem(kept, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? sessionStorage.getItem(kept);
}
