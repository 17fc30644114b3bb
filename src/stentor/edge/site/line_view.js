// Draws one's place in line. What a screen reader says is in the page's one status line; this is for
// the eyes, and changes without a sound.

const element = (id) => document.getElementById(id);
function text(id, value) {
  const node = element(id);
  if (node.textContent !== value) node.textContent = value;
}

export class LineView {
  draw({ status, line }) {
    const shown = status === "line";
    element("line").hidden = !shown;
    if (!shown) return;
    text("ahead", line.ahead > 0 ? line.ahead.toLocaleString() : "");
    text("ahead-what", line.ahead > 0 ? "ahead of you" : "You are next.");
    element("line-progress").value = 1 - line.ahead / line.total;
    text("line-more", more(line));
  }
}

function more({ away, lost, moved }) {
  if (away) return "The place is a moment in time: it does not get worse while the server can't be reached.";
  if (lost) return "Your earlier place could not be used any more, so this is a new one.";
  if (moved) return "Your browser did some work while you waited, and that moved your place forward.";
  return "More are coming than can be let in at once. Your place is kept, also when you reload this page.";
}
