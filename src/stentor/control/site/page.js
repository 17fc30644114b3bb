// The few things that every part of a page needs: finding and making elements, changing the
// document only where something changed, copying, and asking before what cannot be undone.

const COPIED_MS = 2_500;

export const element = (id) => document.getElementById(id);

export function text(id, value) {
  const node = typeof id === "string" ? element(id) : id;
  if (node.textContent !== value) node.textContent = value;
}

export function show(id, yes) {
  const node = typeof id === "string" ? element(id) : id;
  if (node.hidden === yes) node.hidden = !yes;
}

export function mark(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

export function make(tag, className = "", content = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content) node.textContent = content;
  return node;
}

export function button(label, act, className = "") {
  const node = make("button", className, label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

/** Says something to who cannot see that it happened; the same twice is said twice. */
export function say(line) {
  const said = element("said");
  said.textContent = "";
  setTimeout(() => (said.textContent = line), 50);
}

/** Copies, and says so on the button; without a clipboard the field is selected instead. */
export async function copy(value, pressed, field = null) {
  let word = "Copied";
  try {
    await navigator.clipboard.writeText(value);
    say("Copied.");
  } catch {
    field?.select();
    word = field ? "Selected" : "Not copied";
    say(field ? "Selected: copy it with your keyboard." : "The browser does not let this page copy.");
  }
  if (pressed.dataset.copied) return;
  pressed.dataset.copied = "yes";
  const label = [...pressed.childNodes];
  pressed.replaceChildren(word);
  setTimeout(() => {
    pressed.replaceChildren(...label);
    delete pressed.dataset.copied;
  }, COPIED_MS);
}

/** Asks in a dialog; resolves to the value of the choice, or "" if it was put away. */
export function confirm({ title, detail, choices }) {
  // Each question has a dialog of its own: the close of the one before may be told after this opens.
  const before = element("ask");
  const dialog = before.cloneNode(true);
  before.replaceWith(dialog);
  text("ask-title", title);
  text("ask-text", detail);
  const cancel = make("button", "", "Cancel");
  cancel.value = "";
  cancel.autofocus = choices.some(({ kind }) => kind === "danger"); // Enter twice must not hurt
  const buttons = choices.map(({ value, label, kind }) => {
    const one = make("button", kind ?? "", label);
    one.value = value;
    return one;
  });
  element("ask-choices").replaceChildren(...buttons, cancel);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Keeps a list's items by key, so that whoever has the focus in one does not lose it. */
export function keyed(list, wanted, key, create, update) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let before = null;
  for (const one of wanted) {
    const name = key(one);
    let node = old.get(name);
    if (!node) {
      node = create(one);
      node.dataset.key = name;
    }
    old.delete(name);
    const place = before ? before.nextSibling : list.firstChild;
    if (node !== place) list.insertBefore(node, place);
    update(node, one);
    before = node;
  }
  for (const node of old.values()) node.remove();
}
