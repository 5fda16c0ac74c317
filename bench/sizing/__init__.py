"""How much of everything a number of beds needs: `python -m bench.sizing`, which `vigil plan` calls.

| file | what it holds |
|---|---|
| `encoded.py` | bytes of each kind of record, by the code that writes them |
| `measured.py` | what a core, a patient and a process were measured to take, and where that stands |
| `reckoning.py` | the reckoning itself: pure, each number with its formula and what it was reckoned from |
| `bounds.py` | what would break first, and at how many beds |
| `page.py`, `__main__.py` | a plan in lines, the tables of docs/sizing.md; the command line |
"""
