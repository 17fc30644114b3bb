// Small ways to write a document that change only what is different.

export const element = (id) => document.getElementById(id);

export function text(target, value) {
  const node = typeof target === "string" ? element(target) : target;
  if (node.textContent !== value) node.textContent = value;
}

export const show = (id, yes) => (element(id).hidden = !yes);

export function make(tag, className = "", content = undefined, attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = content;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function button(label, act, className = "") {
  const node = make("button", className, label, { type: "button" });
  node.addEventListener("click", act);
  return node;
}

/** Asks in a dialog; resolves to whether the person said yes. */
export function confirmed({ title, detail = "", yes }) {
  const dialog = element("confirm");
  text("confirm-title", title);
  text("confirm-detail", detail);
  text("confirm-yes", yes);
  dialog.returnValue = "no";
  dialog.showModal();
  element("confirm-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
