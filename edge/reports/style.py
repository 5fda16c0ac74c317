"""The report's style: inline, readable in light and dark, and on paper. Severity is told by words as well."""

from typing import Final

CSS: Final = """
:root { --ink: #1f2933; --dim: #5b6774; --grid: #e3e8ee; --paper: #fff; --wash: #f5f7f9; --high: #b3202a;
  --medium: #8a5300; --low: #0b6280; --heat: 179, 32, 42; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --dim: #9fabb8; --grid: #2f3944; --paper: #161b21;
  --wash: #1e252d; --high: #f6878d; --medium: #eab25c; --low: #6cc3e0; --heat: 246, 135, 141; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1160px; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 36px 0 6px; border-top: 1px solid var(--grid);
  padding-top: 20px; } h3 { font-size: 15px; margin: 20px 0 6px; }
p { margin: 6px 0 10px; max-width: 76ch; } .dim { color: var(--dim); } code { font-size: 13px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 6px 0 12px; }
.wide { overflow-x: auto; }
th, td { padding: 4px 9px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--dim); font-weight: 600; } td.text, th.text { text-align: left; }
td.free { white-space: normal; text-align: left; min-width: 230px; overflow-wrap: anywhere; }
.row { display: flex; flex-wrap: wrap; gap: 12px 18px; } .tile { background: var(--wash); border-radius: 8px;
  padding: 10px 16px; } .tile b { font-size: 22px; display: block; }
.high { color: var(--high); font-weight: 600; } .medium { color: var(--medium); font-weight: 600; }
.low { color: var(--low); } .heat { display: inline-block; padding: 0 6px; border-radius: 4px; min-width: 60px; }
.heat .dim { color: inherit; }
.h0 { background: rgba(var(--heat), .04); } .h1 { background: rgba(var(--heat), .1); }
.h2 { background: rgba(var(--heat), .16); } .h3 { background: rgba(var(--heat), .23); }
.h4 { background: rgba(var(--heat), .3); }
@media print { body { padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""
