"""One HTML page that stands alone: style within, nothing loaded, nothing run. Deterministic.

Readable on paper, on a phone and in the dark. What is in it is the caller's.
"""

from collections.abc import Iterable, Sequence
from html import escape

_LONG = 40  # characters that deserve a wide column
_STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --soft: #57606a; --page: #fdfcf9; --card: #fff;
  --line: #d8d4ca; --good: #1a7f37; --bad: #b42318; --open: #8a5a00;
  --ink-1: #0b62c4; --ink-2: #b4540a; --ink-3: #1a7f5a; --ink-4: #8a3ea8; --ink-5: #6b7280;
  --ink-6: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e6e1; --soft: #9aa3ad; --page: #15171a;
  --card: #1d2024; --line: #363b42; --good: #4cc38a; --bad: #ff8a7a; --open: #e0b050;
  --ink-1: #6cb0ff; --ink-2: #f0a35e; --ink-3: #5fd0a5; --ink-4: #cf9bea; --ink-5: #9aa3ad;
  --ink-6: #ff8a7a; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2 { font-family: Georgia, serif; line-height: 1.2; margin: 2rem 0 .6rem }
h1 { margin-top: 0; font-size: 1.7rem } h2 { font-size: 1.25rem }
p { margin: .5rem 0 } .soft, figcaption span { color: var(--soft) }
.lead { font-size: 1.15rem; padding: 1rem 1.2rem; border: 1px solid var(--line);
  border-left: .4rem solid var(--ink-1); border-radius: .4rem; background: var(--card) }
.yes { color: var(--good) } .no { color: var(--bad) } .open { color: var(--open) }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; background: var(--card) }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem;
  border: 1px solid var(--line) }
th, td { overflow-wrap: normal; hyphens: auto } td { min-width: 3.2rem } td p { margin: 0 }
th.number { text-align: right }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.word { white-space: nowrap } td.long { min-width: 14rem } td.code { overflow-wrap: anywhere }
summary { cursor: pointer; font-weight: 600 }
.wide { overflow-x: auto }
figure { margin: 1rem 0; padding: .8rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--card); break-inside: avoid }
figcaption ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: .2rem 0;
  padding: 0; font-size: .875rem }
figcaption i { display: inline-block; width: 1.2em; margin-right: .4em; vertical-align: .25em;
  border-top: 3px solid var(--ink) }
figure { overflow-x: auto }
.chart { min-width: 30rem; display: block; width: 100%; height: auto; font-size: 11px }
.chart text { fill: var(--soft) } .chart .grid { stroke: var(--line) }
.chart .line { fill: none; stroke: var(--ink); stroke-width: 1.6; stroke-linejoin: round }
.chart .area { fill: var(--ink); opacity: .18 } .chart .span { fill: var(--ink); opacity: .12 }
.chart .dashed { stroke-dasharray: 5 4 } figcaption i.dashed { border-top-style: dashed }
figcaption i.shade { border-top: .7em solid var(--ink); opacity: .3; vertical-align: -.05em }
.chart text.moment { paint-order: stroke; stroke: var(--card); stroke-width: 3px }
.chart line.moment { stroke: var(--text); stroke-dasharray: 2 3 }
.ink-1 { --ink: var(--ink-1) } .ink-2 { --ink: var(--ink-2) } .ink-3 { --ink: var(--ink-3) }
.ink-4 { --ink: var(--ink-4) } .ink-5 { --ink: var(--ink-5) } .ink-6 { --ink: var(--ink-6) }
.layer, i[class*=layer] { --ink: var(--ink-1) }
.layer { fill: var(--ink); stroke: var(--card); stroke-width: .4 }
.layer-1 { --share: .95 } .layer-2 { --share: .78 } .layer-3 { --share: .62 }
.layer-4 { --share: .47 } .layer-5 { --share: .32 } .layer-6 { --share: .18 }
.layer { opacity: var(--share) }
figcaption i.shade[class*=layer] { opacity: var(--share) }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
tbody th { font-weight: 500 }
table.bars td.drawn { min-width: 9rem; width: 40% }
.bar, .scale { display: block; position: relative; height: .7rem; margin: .25rem 0 .15rem }
.bar i, .scale b { position: absolute; top: 0; bottom: 0; background: var(--ink);
  border-radius: 2px; min-width: 1px }
.scale { background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat }
.scale::before { content: ""; position: absolute; left: 50%; top: -2px; bottom: -2px;
  border-left: 1px solid var(--soft) }
.scale b { background: var(--good); opacity: .22 }
.scale i { position: absolute; top: 50%; width: .6rem; height: .6rem; margin: -.3rem;
  border-radius: 50%; background: var(--ink) }
code { font-size: .875em }
@media (max-width: 40rem) {
  .chart { font-size: 15px }
  th, td { padding: .35rem .4rem; font-size: .875rem }
  td.long { min-width: 9rem } td.number { white-space: normal }
  table.bars thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%) }
  table.bars, .bars caption, .bars tbody, .bars tr, .bars th, .bars td { display: block }
  .bars caption { background: var(--page) }
  .bars tr { border: 1px solid var(--line); border-top: 0; padding: .35rem .6rem }
  .bars tr:first-child { border-top: 1px solid var(--line) }
  .bars tbody th, .bars td { border: 0; padding: .1rem 0 }
  table.bars td.drawn { width: auto } .bars td.number { text-align: left }
  .bars td[data-head]::before { content: attr(data-head) ": "; color: var(--soft) }
}
@media print { body { max-width: none; background: none } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page around `body`, which is HTML already."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Says to the browser what holds anyway: nothing comes from elsewhere.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    caption: str = "",
) -> str:
    """Return a table of plain text; columns in `numbers` are set to the right."""
    cells = "".join(
        f'<th scope="col"{" class=number" * (column in numbers)}>{escape(one)}</th>'
        for column, one in enumerate(head)
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    lines = [f'<div class="wide"><table>{named}<thead><tr>{cells}</tr></thead><tbody>']
    for row in rows:
        cells = "".join(_cell(one, number=column in numbers) for column, one in enumerate(row))
        lines.append(f"<tr>{cells}</tr>")
    return "".join([*lines, "</tbody></table></div>"])


def _cell(text: str, *, number: bool) -> str:
    kind = ' class="number"' if number else ' class="long"' if len(text) > _LONG else ""
    return f"<td{kind}>{escape(text)}</td>"
